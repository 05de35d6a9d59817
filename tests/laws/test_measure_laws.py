"""Laws of the measures: identity, symmetry, scale, and an answer or a reason for anything."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.animation import Animation
from facegen.evaluation.metrics import MEASURES, MetricInputs, evaluate_metrics, metric_results
from facegen.evaluation.metrics.curves import (
    best_shift,
    correlation,
    dtw,
    jitter,
    jitter_share,
    lag_ms,
    speeds,
)
from facegen.rig import ARKIT, load_rig
from facegen.speech.phones import LABELS, Features
from tests.laws.strategies import animations, numbers, phone_tracks, rates

curves = hnp.arrays(np.float64, st.integers(3, 60), elements=st.floats(-1, 1, width=16))
tables = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 12), st.just(2)), elements=st.floats(-1, 1, width=16)
)
factors = st.floats(0.1, 10)


def moves(curve: np.ndarray) -> bool:
    return float(np.ptp(curve)) > 0.01


@given(curves)
def test_a_curve_agrees_with_itself(curve):
    assume(moves(curve))
    assert correlation(curve, curve) == pytest.approx(1)
    assert lag_ms(curve, curve) == 0


@given(curves, factors, st.floats(-5, 5))
def test_correlation_and_lag_ignore_scale_and_place(curve, factor, place):
    assume(moves(curve))
    other = np.cos(np.arange(len(curve)))
    assert correlation(factor * curve + place, other) == pytest.approx(correlation(curve, other), abs=1e-6)
    assert best_shift(factor * curve + place, other, 25)[1] == pytest.approx(
        best_shift(curve, other, 25)[1], abs=1e-6
    )


@given(curves, st.integers(0, 99))
def test_shift_is_symmetric(curve, seed):
    other = np.random.default_rng(seed).normal(size=len(curve))
    assert correlation(curve, other) == pytest.approx(correlation(other, curve))
    (ahead, r), (behind, s) = best_shift(curve, other, 25), best_shift(other, curve, 25)
    assert r == pytest.approx(s)
    assert abs(ahead) <= 400 and abs(behind) <= 400


@given(tables, tables, st.integers(0, 12), factors)
def test_warped_distance_is_symmetric_scales_and_is_at_most_the_plain_one(a, b, band, factor):
    there, back = dtw(a, b, band), dtw(b, a, band)
    assert there == pytest.approx(back, abs=1e-9) and there >= 0
    assert dtw(factor * a, factor * b, band) == pytest.approx(factor * there, abs=1e-6)
    assert dtw(a, a, band) == 0
    if len(a) == len(b):
        assert there <= np.linalg.norm(a - b, axis=1).mean() + 1e-9
    assert dtw(a, b, band + 3) <= there + 1e-9


@given(curves, factors, st.integers(1, 2))
def test_speed_scales_with_size_and_rate(curve, factor, order):
    rows = curve[:, None]
    once = speeds(rows, 25, order)
    assert speeds(factor * rows, 25, order) == pytest.approx(factor * once, abs=1e-6)
    assert speeds(rows, 50, order) == pytest.approx(2**order * once)
    assert speeds(rows + 3, 25, order) == pytest.approx(once, abs=1e-6)


@given(hnp.arrays(np.float64, (40, 2), elements=st.floats(-1, 1, width=16)), factors)
def test_jitter_scales_and_its_share_does_not(rows, factor):
    assert jitter(factor * rows, 25) == pytest.approx(factor * jitter(rows, 25), rel=1e-6, abs=1e-9)
    assume(moves(rows))
    assert jitter_share(factor * rows, 25) == pytest.approx(jitter_share(rows, 25), rel=1e-6, abs=1e-6)
    assert 0 <= jitter_share(rows, 25) <= 100


@settings(max_examples=10, deadline=None)
@given(animations(controls=ARKIT))
def test_an_animation_is_itself(animation):
    shown = evaluate_metrics(
        MetricInputs(animation, reference=animation, rig=load_rig("aria"), others=(animation,))
    )
    for row in MEASURES:
        if "reference" in row.needs and shown.get(row.name) is not None:
            expected = 1 if row.name.endswith("correlation") else 0
            assert shown[row.name] == pytest.approx(expected, abs=1e-6), row.name
    assert shown["diversity"] == 0


@settings(max_examples=8, deadline=None)
@given(animations(controls=ARKIT), st.data())
def test_errors_are_symmetric(one, data):
    other = data.draw(animations(fps=one.fps, frames=len(one), controls=ARKIT))
    names = [m.name for m in MEASURES if m.unit == "mm" or m.name == "mouth_warp_distance"]
    there, back = (
        evaluate_metrics(MetricInputs(a, reference=b, rig=load_rig("aria")), names)
        for a, b in ((one, other), (other, one))
    )
    assert there == pytest.approx(back, rel=1e-4, abs=1e-5)


@st.composite
def evidence(draw):
    """Anything that can be measured: few frames, few controls, any sound."""
    fps = draw(rates)
    pred = draw(animations(max_frames=40, fps=fps))
    against = draw(st.none() | animations(max_frames=40, fps=fps))
    frames = draw(st.integers(0, 150))
    silent = draw(hnp.arrays(np.float32, frames, elements=numbers))
    posteriors = np.zeros((frames, len(LABELS)), np.float32)
    posteriors[:, 0], posteriors[:, 1] = silent, 1 - silent
    energy = draw(hnp.arrays(np.float32, frames, elements=st.floats(-90, 0, width=16)))
    features = Features(posteriors, energy, np.zeros(frames, np.float32))
    others = draw(st.lists(animations(max_frames=40, fps=fps), max_size=2))
    return MetricInputs(pred, against, load_rig("aria"), features, draw(phone_tracks()), tuple(others))


@settings(max_examples=25, deadline=None)
@given(evidence())
def test_anything_has_a_value_or_a_reason(given_evidence):
    for found in metric_results(given_evidence):
        assert (found.value is None) == bool(found.reason)
        assert found.value is None or np.isfinite(found.value)


@given(st.integers(0, 5), st.integers(1, 4))
def test_blinks_add_up(first, second):
    def blinking(count):
        time = (np.arange(60 * (count + 1)) + 0.5) / 60
        lid = np.max([np.clip(1 - abs(time - k - 1) / 0.1, 0, 1) for k in range(count)] or [0 * time], axis=0)
        return Animation(Fraction(60), ("eyeBlinkLeft",), lid[:, None])

    def count(animation):
        return evaluate_metrics(MetricInputs(animation))["blinks_a_minute"] * animation.seconds / 60

    joined = blinking(first).concat(blinking(second))
    assert count(joined) == pytest.approx(first + second)
    assert count(replace(joined, values=joined.values[::-1])) == pytest.approx(first + second)
