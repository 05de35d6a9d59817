"""Laws of the passes, over frame rates, lengths, seeds and emotions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.motion.passes import PASSES
from facegen.motion.take import compose
from facegen.rig import ARKIT
from tests.helpers.talking import solve, talk

RATES = ("24", "25", "30000/1001", "60", "120")
SPECS = ("neutral", "happy:0.6", "angry", "surprised:0.5+fearful:0.4", "-happy", "vad:0.4,0.7,0.1")
contexts = st.builds(
    talk,
    st.floats(0.01, 9),
    st.sampled_from(RATES),
    emotion=st.sampled_from(SPECS),
    seed=st.integers(0, 2**40),
    intensity=st.floats(0, 2),
)


@given(contexts)
def test_layers_fit_the_take_and_are_finite(context):
    take = solve(context)
    for layer in take.layers:
        assert len(layer.animation) == context.frames
        assert layer.animation.fps == context.fps
        assert set(layer.animation.controls) <= set(ARKIT)
        assert np.isfinite(layer.animation.values).all()
    values = compose(take).values
    assert (values >= 0).all() and (values <= 1).all()


@given(contexts)
def test_the_same_seed_gives_the_same_bytes(context):
    first, second = solve(context), solve(context)
    assert first.layers == second.layers
    assert compose(first).values.tobytes() == compose(second).values.tobytes()


@pytest.mark.parametrize("name", [row.name for row in PASSES])
@given(st.integers(0, 2**40), st.sampled_from(SPECS))
def test_turning_a_pass_off_leaves_the_other_layers_bit_equal(name, seed, emotion):
    context = talk(4, seed=seed, emotion=emotion)
    rest = tuple(row.name for row in PASSES if row.name != name)
    fewer = replace(context, config=replace(context.config, passes=rest))
    whole, part = solve(context), solve(fewer)
    assert name not in [x.name for x in part.layers]
    for layer in part.layers:
        if (name, layer.name) != ("head", "gaze"):  # the eyes counter the head's motion
            assert layer == whole.layer(layer.name)


@given(st.integers(0, 2**40), st.integers(0, 2**40))
def test_other_seeds_leave_the_lips_alone_and_move_the_head(seed, other):
    first, second = solve(talk(3, seed=seed)), solve(talk(3, seed=other))
    assert first.layer("lips") == second.layer("lips")
    assert first.layer("lip_closure") == second.layer("lip_closure")
    assert (first.layer("head") == second.layer("head")) == (seed == other)


@given(st.integers(0, 2**40), st.sampled_from(RATES))
def test_one_frame_is_enough(seed, fps):
    context = replace(talk(0.5, fps, seed=seed), frames=1)
    assert len(compose(solve(context))) == 1


@given(st.integers(0, 1000))
def test_what_follows_does_not_change_the_eyes_and_head_before(seed):
    short, long = solve(talk(20, seed=seed)), solve(talk(40, seed=seed))
    for name in ("gaze", "head"):
        a, b = (np.nan_to_num(x.layer(name).animation.values) for x in (short, long))
        assert np.allclose(a[:450], b[:450], atol=1e-4)
