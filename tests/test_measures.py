"""Measures on cases whose answers are known: planted lags, blinks, saccades, contacts, noise."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from facegen.animation import Animation
from facegen.errors import UsageError
from facegen.measures import GROUPS, MEASURES, Evidence, Unmeasured, at_rate, findings, measure
from facegen.measures.curves import best_shift, correlation, dtw, jitter, jitter_share, lag_ms, speeds
from facegen.measures.eyes import blinks, dwells, gaze, gaze_shifts
from facegen.measures.lips import contacts, lip_head, lip_to_teeth, openings
from facegen.measures.vertices import LIP_PART, LIPS, UPPER_FACE, UPPER_PART, region
from facegen.measures.voice import (
    OPENING,
    beat_score,
    head_beats,
    implied_opening,
    silence_motion,
    silent_frames,
    syllables,
    sync_offset_ms,
)
from facegen.phones import LABELS, Features, Phone, PhoneTrack
from facegen.rig import ARKIT, load_rig
from tests.tiny_rig import tiny_rig

FPS = Fraction(60)


def wave(frames: int, fps: float, seed: int = 0, cut: float = 4.0) -> np.ndarray:
    """Smooth noise [frames] between 0 and 1 without energy above ``cut`` Hz."""
    rng, time = np.random.default_rng(seed), np.arange(frames) / fps
    rows = sum(
        rng.normal() * np.sin(2 * np.pi * (f * time + rng.random())) for f in np.arange(0.5, cut, 0.25)
    )
    return (rows - rows.min()) / np.ptp(rows)


def take(fps=FPS, head=None, **curves) -> Animation:
    return Animation(fps, tuple(curves), np.stack(list(curves.values()), axis=1), head)


def speech(active: np.ndarray, energy: np.ndarray | None = None) -> Features:
    """Features that say speech where ``active`` [F]."""
    posteriors = np.zeros((len(active), len(LABELS)), np.float32)
    posteriors[:, 0] = ~active
    posteriors[:, 1] = active
    loud = np.where(active, -20.0, -80.0) if energy is None else energy
    return Features(posteriors, loud.astype(np.float32), np.zeros(len(active), np.float32))


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
    with pytest.raises(Unmeasured):
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


# Lips


@pytest.fixture(scope="module")
def aria():
    return load_rig("aria")


def test_lips_of_the_head_open_with_the_jaw(aria):
    head = lip_head(aria)
    gap, width = head.aperture_and_width(take(jawOpen=np.array([0, 0.25, 0.5, 1.0])))
    assert gap[0] == pytest.approx(0, abs=0.005) and (np.diff(gap) > 0.05).all()
    puckered = head.aperture_and_width(take(mouthPucker=np.array([0.0, 1.0])))[1]
    assert puckered[1] < 0.8 * puckered[0] == pytest.approx(0.8 * width[0])


def test_lip_points_equal_those_of_the_whole_mesh(aria):
    from facegen.measures.lips import POINTS
    from facegen.rig import evaluate

    values = np.random.default_rng(1).random((3, len(ARKIT))).astype(np.float32)
    animation = Animation(FPS, ARKIT, values)
    places = [aria.landmarks[name] for name in POINTS]
    points = np.stack([v[places] for v in evaluate(aria, animation)]).astype(np.float64)
    eyes = np.linalg.norm(points[:, 4] - points[:, 5], axis=1)
    gap, width = lip_head(aria).aperture_and_width(animation)
    assert gap == pytest.approx((points[:, 0, 1] - points[:, 1, 1]) / eyes, abs=1e-5)
    assert width == pytest.approx(np.linalg.norm(points[:, 2] - points[:, 3], axis=1) / eyes, abs=1e-5)


def test_contacts_are_those_of_the_phone_and_30_ms_around():
    phones = PhoneTrack(
        (Phone(0.2, 0.3, "P"), Phone(0.5, 0.6, "B"), Phone(0.7, 0.8, "M"), Phone(0.8, 0.9, "T"))
    )
    gap = np.full(100, 0.1)
    gap[17] = 0.02  # its middle, 0.175 s, is within 30 ms of P
    gap[46] = 0.0  # 0.465 s is not within 30 ms of B
    gap[75] = -0.01
    found = contacts(gap, 100, phones)
    assert [(c.phone.label, c.hit) for c in found] == [("P", True), ("B", False), ("M", True)]


def test_open_vowels_that_stay_shut():
    phones = PhoneTrack((Phone(0.1, 0.2, "AA"), Phone(0.3, 0.4, "AE"), Phone(0.5, 0.6, "UW")))
    gap = np.zeros(100)
    gap[35] = 0.1
    assert [(c.phone.label, c.hit) for c in openings(gap, 100, phones)] == [("AA", False), ("AE", True)]


def test_rates_over_the_phones_of_a_clip(aria):
    phones = PhoneTrack(tuple(Phone(k, k + 0.2, x) for k, x in enumerate(("P", "AA", "M", "AE", "F"))))
    jaw = np.full(300, 0.4)
    jaw[:12] = 0.0  # P closes; M, AA, AE and F are open
    shown = measure(Evidence(take(jawOpen=jaw), rig=aria, phones=phones))
    assert shown["closure_rate"] == 50
    assert shown["open_vowels_shut"] == 0
    assert shown["labiodental_rate"] == 0
    assert measure(Evidence(take(jawOpen=0 * jaw), rig=aria, phones=phones))["open_vowels_shut"] == 100


def test_lower_lip_leaves_the_teeth_as_the_jaw_opens(aria):
    below = lip_to_teeth(aria, take(jawOpen=np.array([0.0, 0.3, 1.0])))
    assert below[0] < 0.02 < below[1] < below[2]


# Vertices


def test_lips_and_upper_face_are_where_they_belong(aria):
    places, marks = aria.mesh.vertices, aria.landmarks
    lips, upper = region(aria, LIPS, LIP_PART), region(aria, UPPER_FACE, UPPER_PART)
    assert {marks[n] for n in ("lipUpperInner", "lipLowerInner", "lipUpperOuter", "lipLowerOuter")} <= set(
        lips
    )
    assert {marks[n] for n in ("lidUpperLeft", "lidUpperRight", "eyeOuterLeft", "eyeOuterRight")} <= set(
        upper
    )
    nose, chin = places[marks["noseBase"], 1], places[marks["chin"], 1]
    assert chin < places[lips, 1].min() and places[lips, 1].max() < nose
    assert places[upper, 1].min() > places[marks["lipUpperOuter"], 1]
    assert not set(lips) & set(upper)


def test_vertex_errors_are_those_of_the_whole_mesh(aria):
    from facegen.measures.vertices import skin
    from facegen.rig import evaluate

    rng = np.random.default_rng(2)
    a, b = (Animation(FPS, ARKIT, rng.random((3, 52)).astype(np.float32)) for _ in range(2))
    apart = 10 * np.stack(
        [np.linalg.norm(u - v, axis=1) for u, v in zip(evaluate(aria, a), evaluate(aria, b), strict=True)]
    )
    shown = measure(Evidence(a, reference=b, rig=aria))
    assert shown["mean_vertex_error"] == pytest.approx(apart[:, skin(aria)].mean(), rel=1e-4)
    lips, upper = region(aria, LIPS, LIP_PART), region(aria, UPPER_FACE, UPPER_PART)
    assert shown["lip_vertex_error"] == pytest.approx(apart[:, lips].max(axis=1).mean(), rel=1e-4)
    assert shown["emotional_vertex_error"] == pytest.approx(apart[:, upper].max(axis=1).mean(), rel=1e-4)


def test_upper_face_dynamics_count_motion_and_not_place(aria):
    brow = wave(60, 60)
    still = take(browInnerUp=np.full(60, 0.5))
    moving, moved = take(browInnerUp=0.5 * brow), take(browInnerUp=0.5 * np.roll(brow, 7))

    def deviation(a, b):
        return measure(Evidence(a, reference=b, rig=aria))["upper_face_dynamics_deviation"]

    assert deviation(moving, moved) == pytest.approx(0, abs=1e-5)
    assert deviation(still, moving) > 0.01
    assert deviation(still, moving) == pytest.approx(deviation(moving, still))


# Eyes


def lids(times, seconds=20.0, fps=60, half=0.1, size=1.0) -> np.ndarray:
    """Triangular blinks of ``half`` s at half height."""
    middle = (np.arange(round(seconds * fps)) + 0.5) / fps
    return np.max([np.clip(size * (1 - abs(middle - t) / half), 0, None) for t in times], axis=0)


def test_planted_blinks_are_counted():
    times = [1.0, 3.2, 3.7, 9.0, 15.5]
    curve = lids(times)
    found = blinks(take(eyeBlinkLeft=curve, eyeBlinkRight=0.9 * curve))
    assert [b.at for b in found] == pytest.approx(times, abs=1 / 60)
    assert [b.length for b in found] == pytest.approx([0.1] * 5, abs=0.02)
    assert [b.size for b in found] == pytest.approx([0.95] * 5, abs=0.1)
    shown = measure(Evidence(take(eyeBlinkLeft=curve)))
    assert shown["blinks_a_minute"] == pytest.approx(15)


@pytest.mark.parametrize("fps", [24, 30, 60, 120])
def test_blink_length_does_not_depend_on_the_rate(fps):
    found = blinks(take(fps=Fraction(fps), eyeBlinkLeft=lids([2, 5.01, 8.02, 11.03], fps=fps, half=0.15)))
    assert len(found) == 4
    assert np.median([b.length for b in found]) == pytest.approx(0.15, abs=0.03)


def test_squints_and_closed_eyes_are_no_blinks():
    held = np.zeros(1200)
    held[200:500] = 0.9
    assert blinks(take(eyeBlinkLeft=held)) == ()
    assert blinks(take(eyeBlinkLeft=lids([2, 5], size=0.15))) == ()


def look(degrees_left: np.ndarray) -> Animation:
    part = degrees_left / 30
    out, inward = np.maximum(part, 0), np.maximum(-part, 0)
    return take(eyeLookOutLeft=out, eyeLookInRight=out, eyeLookInLeft=inward, eyeLookOutRight=inward)


def test_planted_saccades_are_found_with_their_size_and_dwell():
    place = np.repeat([0.0, 8.0, 2.0, -4.0, -4.5], 120)
    shown = gaze_shifts(look(place))
    assert [s.degrees for s in shown] == pytest.approx([8, 6, 6], abs=1e-4)
    assert dwells(shown) == pytest.approx([2, 2], abs=0.04)
    values = measure(Evidence(look(place)))
    assert values["gaze_shifts_a_minute"] == pytest.approx(18)
    assert values["gaze_shift_size"] == pytest.approx(6, abs=1e-4)


def test_drift_is_no_saccade_and_up_is_up():
    assert gaze_shifts(look(np.linspace(0, 20, 600))) == ()
    up = gaze(take(eyeLookUpLeft=np.ones(3), eyeLookUpRight=np.ones(3)))
    assert up == pytest.approx(np.array([[0, 25.0]] * 3))


def test_eyes_that_dip_in_a_blink_are_no_saccade():
    dip = lids([2.0], half=0.1) * 0.4
    animation = take(eyeLookDownLeft=dip, eyeLookDownRight=dip)
    assert len(gaze_shifts(animation)) > 0
    blinking = take(
        eyeLookDownLeft=dip, eyeLookDownRight=dip, eyeBlinkLeft=lids([2.0]), eyeBlinkRight=lids([2.0])
    )
    assert gaze_shifts(blinking) == ()


# Sound


def sentence(seconds: float, seed: int = 0) -> PhoneTrack:
    """Phones of 60 to 160 ms without end."""
    rng, phones, at = np.random.default_rng(seed), [], 0.3
    while at < seconds - 0.5:
        length = rng.uniform(0.06, 0.16)
        phones.append(Phone(at, at + length, str(rng.choice(LABELS[1:]))))
        at += length
    return PhoneTrack(tuple(phones))


@pytest.mark.parametrize("late_ms", [-200, -80, 0, 40, 120, 300])
def test_planted_sync_offset_is_found(late_ms):
    phones, fps = sentence(12), 50
    moved = PhoneTrack(tuple(replace(p, start=p.start + 0.3, end=p.end + 0.3) for p in phones))
    gap = implied_opening(moved, 700, fps)
    gap = np.interp(np.arange(600) + (0.3 - late_ms / 1000) * fps, np.arange(700), gap)
    assert sync_offset_ms(gap, phones, fps) == pytest.approx(late_ms, abs=6)


def test_sync_offset_needs_lips_that_follow():
    phones = sentence(12)
    with pytest.raises(Unmeasured, match="do not move"):
        sync_offset_ms(np.zeros(600), phones, 50)
    with pytest.raises(Unmeasured, match="at no shift"):
        sync_offset_ms(np.random.default_rng(0).random(600), phones, 50)
    with pytest.raises(Unmeasured, match="s of speech"):
        sync_offset_ms(wave(600, 50), PhoneTrack((Phone(1, 1.5, "AA"),)), 50)


def test_every_phone_has_an_opening():
    assert set(OPENING) == set(LABELS)


def test_motion_counts_in_silence_only():
    active = np.zeros(1000, bool)
    active[300:600] = True
    features = speech(active)
    quiet = silent_frames(features, 600, 60)
    assert quiet[:160].all() and not quiet[170:370].any() and quiet[380:].all()
    talking = take(
        jawOpen=np.where(np.arange(600) < 190, 0.0, np.where(np.arange(600) < 350, wave(600, 60), 0.0))
    )
    assert silence_motion(talking, features) == 0
    assert silence_motion(take(jawOpen=np.arange(600) / 600), features) == pytest.approx(0.1, rel=1e-4)
    with pytest.raises(Unmeasured, match="no silence"):
        silence_motion(talking, speech(np.ones(1000, bool)))


def test_syllables_are_where_loudness_rises():
    onsets = np.arange(0.5, 9, 0.4)
    time = (np.arange(1000) + 0.5) / 100
    since = np.min(np.where(time[:, None] >= onsets, time[:, None] - onsets, np.inf), axis=1)
    loud = np.where(since < 0.25, -20.0, -45.0)
    assert syllables(speech(np.ones(1000, bool), loud)) == pytest.approx(onsets, abs=0.03)


def test_head_beats_and_their_score():
    time = (np.arange(600) + 0.5) / 60
    head = np.zeros((600, 6), np.float32)
    head[:, 1] = 0.1 * np.sin(2 * np.pi * 0.5 * time)  # the nod turns at 0.5, 1.5, 2.5 ... s
    beats = head_beats(take(head=head, jawOpen=time * 0))
    assert beats == pytest.approx(np.arange(0.5, 10, 1.0), abs=0.05)
    assert beat_score(beats, beats) == 1
    assert beat_score(np.array([1.0]), np.array([1.1, 5.0]), 0.1) == pytest.approx(np.exp(-0.5))
    with pytest.raises(Unmeasured, match="no syllable"):
        beat_score(beats, np.zeros(0))


# The table


def everything(frames: int = 300, fps=FPS) -> Evidence:
    rng = np.random.default_rng(3)
    rows = [np.stack([wave(frames, float(fps), 60 * k + c) for c in range(52)], axis=1) for k in range(3)]
    head = rng.normal(0, 0.05, (frames, 6)).cumsum(axis=0) / 10
    a, b, c = (Animation(fps, ARKIT, r, head * (k + 1)) for k, r in enumerate(rows))
    active = np.zeros(round(frames / float(fps) * 100), bool)
    active[100:-100] = True
    return Evidence(a, b, load_rig("aria"), speech(active), sentence(5), (c,))


def test_every_measure_is_described_and_answers():
    assert len({m.name for m in MEASURES}) == len(MEASURES)
    given = everything()
    shown = findings(given)
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
    alone = measure(Evidence(given.pred))
    assert "mouth_speed_p95" in alone and "aperture_correlation" not in alone and "diversity" not in alone
    assert set(measure(given, ["diversity"])) == {"diversity"}
    with pytest.raises(UsageError, match="blink_length"):
        measure(given, ["blink_lenght"])


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_tiny_animations_have_reasons_and_no_nan(frames):
    values = np.zeros((frames, 52))
    animation = Animation(FPS, ARKIT, values, np.zeros((frames, 6)))
    given = Evidence(
        animation, animation, load_rig("aria"), speech(np.zeros(0, bool)), PhoneTrack(), (animation,)
    )
    for found in findings(given):
        assert found.reason if found.value is None else np.isfinite(found.value)


def test_controls_that_are_missing_are_named():
    shown = {f.measure.name: f for f in findings(Evidence(take(tail=np.zeros(100)), rig=load_rig("arkit")))}
    assert "lids" in shown["blinks_a_minute"].reason
    assert "mouth" in shown["mouth_jitter"].reason
    phones = sentence(2)
    shown = {
        f.measure.name: f
        for f in findings(Evidence(take(jawOpen=np.zeros(100)), rig=tiny_rig(), phones=phones))
    }
    assert "no landmark lipUpperInner" in shown["closure_rate"].reason


def test_of_two_lengths_the_shorter_counts():
    curve = wave(300, 60)
    given = Evidence(take(jawOpen=curve), reference=take(jawOpen=curve[:200]), rig=load_rig("aria"))
    assert measure(given, ["lip_vertex_error"]) == {"lip_vertex_error": 0.0}


def test_rates_must_be_equal():
    with pytest.raises(ValueError, match="frame rate"):
        Evidence(take(jawOpen=np.zeros(3)), reference=take(fps=Fraction(30), jawOpen=np.zeros(3)))


def test_another_rate_moves_no_curve():
    fine = take(fps=Fraction(60), jawOpen=wave(300, 60))
    coarse = at_rate(fine, Fraction(25))
    middle = (np.arange(len(coarse)) + 0.5) / 25
    true = np.interp(middle, (np.arange(300) + 0.5) / 60, fine.channel("jawOpen"))
    assert coarse.channel("jawOpen") == pytest.approx(true, abs=1e-6)
    assert len(coarse) == 125 and at_rate(fine, FPS) is fine


def test_diversity_of_seeds():
    a, b = take(jawOpen=np.zeros(50), mouthPucker=np.zeros(50)), take(jawOpen=np.full(50, 0.4))
    assert measure(Evidence(a, others=(a, a)))["diversity"] == 0
    assert measure(Evidence(a, others=(b,)))["diversity"] == pytest.approx(0.4 / np.sqrt(2))
