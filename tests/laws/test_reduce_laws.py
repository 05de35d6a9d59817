"""Laws of few keys: the bound holds, held values stay held, nothing strays between frames."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.keyframe_reduction import HEAD_SHARE, fit_keys, reduce_keys
from tests.laws.strategies import animations

curves = hnp.arrays(
    np.float32, st.tuples(st.integers(1, 80), st.integers(1, 4)), elements=st.floats(-2, 2, width=32)
)
stepped = curves.map(lambda rows: np.round(rows * 2) / 2)
bounds = st.sampled_from([0.0, 1e-4, 0.003, 0.02, 0.5])


def at_frames(keys, frames):
    return np.stack([k.at(np.arange(frames)) for k in keys], axis=1)


@given(curves | stepped, bounds)
def test_every_frame_is_within_the_bound(values, bound):
    keys = fit_keys(values, bound)
    assert np.abs(at_frames(keys, len(values)) - values).max() <= bound + 1e-12
    for k, column in zip(keys, values.T, strict=True):
        assert (k.frames[0], k.frames[-1]) == (0, len(values) - 1)
        assert (np.diff(k.frames) > 0).all()
        assert np.array_equal(k.values.astype(np.float32), column[k.frames])


@given(curves | stepped, bounds)
def test_between_frames_no_curve_leaves_its_neighbours_by_more_than_the_bound(values, bound):
    for keys, column in zip(fit_keys(values, bound), values.astype(np.float64).T, strict=True):
        between = keys.at(np.arange(len(column) - 1) + 0.5)
        low, high = np.minimum(column[:-1], column[1:]), np.maximum(column[:-1], column[1:])
        assert (between >= low - bound - 1e-9).all() and (between <= high + bound + 1e-9).all()


@given(stepped, bounds)
def test_held_values_stay_held_exactly(values, bound):
    held = np.repeat(values, 4, axis=0)
    for keys, column in zip(fit_keys(held, bound), held.T, strict=True):
        fine = keys.at(np.arange(0, len(column) - 1, 0.25)).reshape(-1, 4)
        for frame in np.flatnonzero(np.diff(column) == 0):
            assert np.abs(fine[frame] - column[frame]).max() < 1e-12


@given(curves, bounds)
def test_a_curve_does_not_depend_on_those_beside_it(values, bound):
    together = fit_keys(values, bound)
    alone = fit_keys(values[:, :1], bound)[0]
    assert (
        np.abs(together[0].at(np.arange(len(values))) - alone.at(np.arange(len(values)))).max() <= 2 * bound
    )


@given(animations(), bounds)
def test_an_animation_keeps_its_names_and_its_head(animation, bound):
    found = reduce_keys(animation, bound)
    assert tuple(found.controls) == (animation.controls if len(animation) else ())
    for name, keys in found.controls.items():
        assert np.abs(keys.at(np.arange(len(animation))) - animation.channel(name)).max() <= bound + 1e-9
    if animation.head is not None and len(animation):
        head = at_frames(found.head.values(), len(animation))
        scale = np.abs(animation.head).max() + 1
        assert np.abs(head - animation.head).max() <= HEAD_SHARE * bound + 1e-9 * scale
    else:
        assert not found.head


def test_handles_lie_a_third_of_the_way_and_draw_the_curve():
    rows = np.sin(np.arange(60) / 9)[:, None]
    keys = fit_keys(rows, 0.01)[0]
    left, right = keys.handles()
    for k in range(len(keys) - 1):
        x, y = keys.frames[[k, k + 1]], keys.values[[k, k + 1]]
        assert np.allclose([right[k, 0], left[k + 1, 0]], [x[0] + np.ptp(x) / 3, x[1] - np.ptp(x) / 3])
        middle = (y[0] + 3 * right[k, 1] + 3 * left[k + 1, 1] + y[1]) / 8
        assert keys.at(np.array([x.mean()]))[0] == pytest.approx(middle)


def test_speech_and_blinks_need_a_tenth_of_the_keys(sample):
    import facegen

    take = facegen.animate(sample, fps=60)
    found = reduce_keys(take, 0.005)
    assert len(found) < take.values.size / 10
    blinks = take.channel("eyeBlinkLeft")
    fit = found.controls["eyeBlinkLeft"].at(np.arange(len(take)))
    shut = blinks > 0.9
    assert shut.any() and (fit[shut] > 0.895).all()


@pytest.mark.parametrize("bound", [-0.1, np.nan, np.inf])
def test_no_bound_is_refused(bound):
    with pytest.raises(UsageError, match="bound"):
        reduce_keys(Animation(Fraction(30), ("jawOpen",), np.zeros((3, 1))), bound)
