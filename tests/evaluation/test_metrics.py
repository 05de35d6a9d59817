"""Measures of curves, and the table of measures, on cases whose answers are known."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.evaluation.metrics import (
    GROUPS,
    MEASURES,
    MetricInputs,
    NotApplicable,
    evaluate_metrics,
    metric_results,
)
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
from facegen.speech.phones import PhoneTrack
from tests.helpers.motions import FPS, sentence, speech, take, wave
from tests.helpers.tiny_rig import tiny_rig

# Curves


@pytest.mark.parametrize("frames, fps", [(1, 25), (3, 25), (-2, 25), (5, 60), (0, 30)])
def test_a_shifted_copy_has_that_lag(frames, fps):
    long = wave(300, fps)
    ours, theirs = long[20:220], long[20 + frames : 220 + frames]
    assert lag_ms(ours, theirs, fps) == pytest.approx(1000 * frames / fps, abs=1e-6)
    assert best_shift(ours, theirs, fps)[1] == pytest.approx(1, abs=1e-6)


def test_lag_is_found_between_frames():
    time = np.arange(200) / 25
    ours, theirs = (sum(np.sin(2 * np.pi * f * (time - d)) for f in (0.7, 1.1, 1.9)) for d in (0.015, 0.0))
    assert lag_ms(ours, theirs, 25) == pytest.approx(15, abs=5.1)


def test_correlation_of_opposites_and_constants():
    curve = wave(100, 25)
    assert correlation(curve, 3 - 2 * curve) == pytest.approx(-1)
    assert correlation(curve, np.ones(100)) == 0


def test_speed_and_jerk_of_known_motion():
    time = np.arange(100)[:, None] / 50
    assert speeds(3 * time, 50) == pytest.approx(np.full(99, 3.0))
    assert speeds(np.hstack([3 * time, 4 * time]), 50) == pytest.approx(np.full(99, 5.0))
    assert speeds(2 * time**3, 50, 3) == pytest.approx(np.full(97, 12.0))


def test_white_noise_has_the_share_of_its_band():
    noise = np.random.default_rng(0).normal(0, 0.1, (20_000, 2))
    assert jitter_share(noise, 60) == pytest.approx(100 * (30 - 8) / 30, abs=4)
    assert jitter(noise, 60) == pytest.approx(0.1 * np.sqrt((30 - 8) / 30), rel=0.03)


def test_slow_motion_is_no_jitter():
    assert jitter_share(wave(600, 60)[:, None], 60) < 0.5


@pytest.mark.parametrize("frames, fps", [(100, 16), (20, 60)])
def test_jitter_needs_rate_and_length(frames, fps):
    with pytest.raises(NotApplicable):
        jitter(np.zeros((frames, 1)), fps)


def plain_dtw(a, b, band):
    """The textbook recursion, cell by cell."""
    n, m = len(a), len(b)
    sums = np.full((n + 1, m + 1), np.inf)
    sums[0, 0] = 0
    for i in range(n):
        for j in range(m):
            if abs(i - j) <= band:
                cost = np.linalg.norm(a[i] - b[j])
                sums[i + 1, j + 1] = min(
                    sums[i, j + 1] + cost, sums[i + 1, j] + cost, sums[i, j] + 2 * cost if i + j else 2 * cost
                )
    return sums[n, m] / (n + m)


@pytest.mark.parametrize(
    "n, m, band", [(1, 1, 0), (1, 4, 3), (7, 7, 0), (12, 9, 3), (20, 20, 5), (20, 20, 40)]
)
def test_warped_distance_is_that_of_the_plain_recursion(n, m, band):
    rng = np.random.default_rng(n * m)
    a, b = rng.random((n, 3)), rng.random((m, 3))
    assert dtw(a, b, band) == pytest.approx(plain_dtw(a, b, max(band, abs(n - m))))


def test_warping_forgives_a_shift_within_its_band():
    long = wave(200, 60)[:, None]
    late, true = long[:150], long[6:156]
    assert dtw(late, true, 10) < 0.15 * dtw(late, true, 0)
    assert dtw(true, true + 0.25, 0) == pytest.approx(0.25)


# The table


def everything(frames: int = 300, fps=FPS) -> MetricInputs:
    rng = np.random.default_rng(3)
    rows = [np.stack([wave(frames, float(fps), 60 * k + c) for c in range(52)], axis=1) for k in range(3)]
    head = rng.normal(0, 0.05, (frames, 6)).cumsum(axis=0) / 10
    a, b, c = (Animation(fps, ARKIT, r, head * (k + 1)) for k, r in enumerate(rows))
    active = np.zeros(round(frames / float(fps) * 100), bool)
    active[100:-100] = True
    return MetricInputs(a, b, load_rig("aria"), speech(active), sentence(5), (c,))


def test_every_measure_is_described_and_answers():
    assert len({m.name for m in MEASURES}) == len(MEASURES)
    given = everything()
    shown = metric_results(given)
    assert [f.measure for f in shown] == list(MEASURES)
    for row in MEASURES:
        assert row.group in GROUPS and row.better in ("low", "high", "range")
        assert row.unit and row.source and row.formula
        assert set(row.needs) <= {"reference", "rig", "features", "phones", "others"}
    for found in shown:
        assert (found.value is None) == bool(found.reason)
    answered = {f.measure.name for f in shown if f.value is not None}
    assert {m.name for m in MEASURES} - answered <= {"sync_offset", "aperture_lag", "width_lag"}


def test_only_measures_whose_needs_are_met_are_taken():
    given = everything()
    alone = evaluate_metrics(MetricInputs(given.pred))
    assert "mouth_speed_p95" in alone and "aperture_correlation" not in alone and "diversity" not in alone
    assert set(evaluate_metrics(given, ["diversity"])) == {"diversity"}
    with pytest.raises(UsageError, match="blink_length"):
        evaluate_metrics(given, ["blink_lenght"])


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_tiny_animations_have_reasons_and_no_nan(frames):
    values = np.zeros((frames, 52))
    animation = Animation(FPS, ARKIT, values, np.zeros((frames, 6)))
    given = MetricInputs(
        animation, animation, load_rig("aria"), speech(np.zeros(0, bool)), PhoneTrack(), (animation,)
    )
    for found in metric_results(given):
        assert found.reason if found.value is None else np.isfinite(found.value)


def test_controls_that_are_missing_are_named():
    shown = {
        f.measure.name: f
        for f in metric_results(MetricInputs(take(tail=np.zeros(100)), rig=load_rig("arkit")))
    }
    assert "lids" in shown["blinks_a_minute"].reason
    assert "mouth" in shown["mouth_jitter"].reason
    phones = sentence(2)
    blind = MetricInputs(take(eyeBlinkLeft=np.zeros(100)), rig=load_rig("aria"), phones=phones)
    shown = {f.measure.name: f for f in metric_results(blind)}
    assert shown["closure_rate"].reason == shown["sync_offset"].reason == "it has no controls of the mouth"
    shown = {
        f.measure.name: f
        for f in metric_results(MetricInputs(take(jawOpen=np.zeros(100)), rig=tiny_rig(), phones=phones))
    }
    assert "no landmark lipUpperInner" in shown["closure_rate"].reason


def test_of_two_lengths_the_shorter_counts():
    curve = wave(300, 60)
    given = MetricInputs(take(jawOpen=curve), reference=take(jawOpen=curve[:200]), rig=load_rig("aria"))
    assert evaluate_metrics(given, ["lip_vertex_error"]) == {"lip_vertex_error": 0.0}


def test_rates_must_be_equal():
    with pytest.raises(ValueError, match="frame rate"):
        MetricInputs(take(jawOpen=np.zeros(3)), reference=take(fps=Fraction(30), jawOpen=np.zeros(3)))


def test_diversity_of_seeds():
    a, b = take(jawOpen=np.zeros(50), mouthPucker=np.zeros(50)), take(jawOpen=np.full(50, 0.4))
    assert evaluate_metrics(MetricInputs(a, others=(a, a)))["diversity"] == 0
    assert evaluate_metrics(MetricInputs(a, others=(b,)))["diversity"] == pytest.approx(0.4 / np.sqrt(2))
