"""Laws of layers and of composing them."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.motion.take import Layer, Take, compose, smooth
from facegen.rig import ARKIT
from tests.laws.strategies import rates, takes


def one_layer(name, mode, value, frames=4, mask=None):
    return Layer(name, mode, Animation(30, ("jawOpen",), np.full((frames, 1), value)), mask)


@given(takes())
def test_composing_is_repeatable_and_within_limits(take):
    first, again = compose(take), compose(take)
    assert first == again
    assert first.values.min() >= 0 and first.values.max() <= 1
    assert len(first) == take.frames and first.controls == ARKIT


@given(takes())
def test_a_layer_with_an_empty_mask_changes_nothing(take):
    silent = Animation(take.fps, ("jawOpen",), np.ones((take.frames, 1)))
    layer = Layer("silent", "replace", silent, np.zeros(take.frames))
    assert np.array_equal(compose(take.with_layer(layer)).values, compose(take).values)


@given(takes())
def test_dropping_a_layer_that_was_added_gives_the_same_take(take):
    layer = Layer("extra", "add", Animation(take.fps, ("jawOpen",), np.ones((take.frames, 1))))
    assert take.with_layer(layer).without("extra") == take


@pytest.mark.parametrize(
    ("mode", "expected"), [("add", 0.7), ("max", 0.5), ("multiply", 0.1), ("replace", 0.2)]
)
def test_modes(mode, expected):
    take = Take(30, 4, layers=(one_layer("lips", "add", 0.5), one_layer("blink", mode, 0.2)))
    assert np.allclose(compose(take).channel("jawOpen"), expected)


def test_a_hand_layer_lies_on_top_of_solved_layers_added_later():
    take = Take(30, 4, layers=(one_layer("hand", "replace", 0.9), one_layer("lips", "add", 0.5)))
    assert np.allclose(compose(take).channel("jawOpen"), 0.9)


def test_limits_can_be_turned_off():
    take = Take(30, 4, layers=(one_layer("lips", "add", 1.5),), config={"passes": ()})
    assert compose(take).values.max() == pytest.approx(1.5)
    assert compose(replace(take, config={})).values.max() == 1.0


@given(rates, hnp.arrays(np.float32, (40, 2), elements=st.floats(0, 1, width=32)))
def test_smoothing_keeps_lines_and_length(fps, values):
    assert smooth(values, fps).shape == values.shape
    line = np.linspace(0, 1, 40, dtype=np.float32)[:, None]
    inner = slice(8, -8)
    assert np.allclose(smooth(line, fps)[inner], line[inner], atol=1e-4)


def test_smoothing_keeps_a_closure_of_eighty_milliseconds():
    values = np.ones((60, 1), np.float32)
    values[30:35] = 0.0
    assert smooth(values, Fraction(60)).min() < 0.1


def test_layers_of_another_length_are_refused():
    with pytest.raises(AnimationFileError, match="has 5 frames"):
        Take(30, 4, layers=(one_layer("lips", "add", 0.5, frames=5),))


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(AnimationFileError, match="share a name"):
        Take(30, 4, layers=(one_layer("lips", "add", 0.5), one_layer("lips", "add", 0.5)))


@pytest.mark.parametrize("mask", [[0, 0.5, 1], [0, 0.5, 1, 2]])
def test_wrong_masks_are_refused(mask):
    with pytest.raises(AnimationFileError, match="mask of layer"):
        one_layer("lips", "add", 0.5, mask=mask)
