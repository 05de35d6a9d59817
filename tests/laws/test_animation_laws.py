"""Laws of Animation: what must hold for every valid one, and what is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, UsageError
from facegen.rig import ARKIT
from tests.laws.strategies import animations, rates


@given(animations())
def test_resampling_to_the_same_rate_is_the_identity(animation):
    assert animation.resample(animation.fps) == animation


@given(animations(), rates)
def test_resampling_keeps_the_duration_and_the_range(animation, fps):
    other = animation.resample(fps)
    assert abs(Fraction(len(other)) / fps - Fraction(len(animation)) / animation.fps) < 1 / fps
    assert other.values.min() >= animation.values.min() - 1e-6
    assert other.values.max() <= animation.values.max() + 1e-6


@pytest.mark.parametrize("fps", ["25", "30000/1001", "120"])
def test_resampling_moves_no_curve(fps):
    """Ramps read at the middles of frames stay the same ramps; only half a frame at the ends is held."""
    middle = (np.arange(300) + 0.5) / 60
    fine = Animation(60, ("jawOpen",), middle[:, None] / 5, head=np.tile(middle[:, None], 6))
    other = fine.resample(fps)
    times = np.clip((np.arange(len(other)) + 0.5) / float(Fraction(fps)), middle[0], middle[-1])
    assert other.channel("jawOpen") == pytest.approx(times / 5, abs=1e-6)
    assert other.head[:, 4] == pytest.approx(times, abs=1e-6)


@given(animations(), st.integers(0, 12))
def test_cutting_and_joining_gives_the_whole(animation, frame):
    at = float(min(frame, len(animation)) / animation.fps)
    assert animation.slice(0, at).concat(animation.slice(at)) == animation


@given(animations())
def test_selecting_all_controls_and_back_loses_nothing(animation):
    assert animation.select(ARKIT).select(animation.controls) == animation


@given(animations())
def test_values_can_not_be_changed(animation):
    with pytest.raises(ValueError):
        animation.values[0, 0] = 0.5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(AnimationFileError, match=r"not finite at \[1, 0\]"):
        Animation(30, ("jawOpen",), [[0.0], [bad]])


@pytest.mark.parametrize(
    ("controls", "values", "says"),
    [
        (("jawOpen", "jawOpen"), [[0, 0]], "occurs twice"),
        (("jawOpen",), [[0, 0]], "2 columns of values for 1 controls"),
        (("jawOpen",), [0.0], "1 axes where 2 are expected"),
        (("jawOpen",), [["a"]], "not an array of numbers"),
    ],
)
def test_wrong_shapes_are_refused(controls, values, says):
    with pytest.raises(AnimationFileError, match=says):
        Animation(30, controls, values)


@pytest.mark.parametrize("fps", [0, -30, "x", 1e9, float("nan"), "1/0"])
def test_impossible_frame_rates_are_refused(fps):
    with pytest.raises(UsageError, match="frame rate"):
        Animation(fps, ("jawOpen",), [[0]])


def test_head_must_have_six_columns_a_frame():
    with pytest.raises(AnimationFileError, match="head has shape"):
        Animation(30, ("jawOpen",), [[0], [1]], head=[[0] * 6])


def test_unknown_channel_names_the_nearest():
    with pytest.raises(UsageError, match=r"no control is called 'jawopn'.*"):
        Animation(30, ("jawOpen",), [[0]]).channel("jawopn")
