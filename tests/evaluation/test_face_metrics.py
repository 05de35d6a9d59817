"""Measures of lips, vertices, eyes and sound on cases whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.evaluation.metrics import MetricInputs, NotApplicable, evaluate_metrics
from facegen.evaluation.metrics.audio_sync import (
    OPENING,
    beat_score,
    head_beats,
    implied_opening,
    silence_motion,
    silent_frames,
    syllables,
    sync_offset_ms,
)
from facegen.evaluation.metrics.eyes import blinks, dwells, gaze, gaze_shifts
from facegen.evaluation.metrics.lips import contacts, lip_head, lip_to_teeth, openings
from facegen.evaluation.metrics.vertices import LIP_PART, LIPS, UPPER_FACE, UPPER_PART, region
from facegen.rig import ARKIT, load_rig
from facegen.speech.phones import LABELS, Phone, PhoneTrack
from tests.helpers.motions import FPS, sentence, speech, take, wave

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
    from facegen.evaluation.metrics.lips import POINTS
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
    shown = evaluate_metrics(MetricInputs(take(jawOpen=jaw), rig=aria, phones=phones))
    assert shown["closure_rate"] == 50
    assert shown["open_vowels_shut"] == 0
    assert shown["labiodental_rate"] == 0
    assert (
        evaluate_metrics(MetricInputs(take(jawOpen=0 * jaw), rig=aria, phones=phones))["open_vowels_shut"]
        == 100
    )


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
    from facegen.evaluation.metrics.vertices import skin
    from facegen.rig import evaluate

    rng = np.random.default_rng(2)
    a, b = (Animation(FPS, ARKIT, rng.random((3, 52)).astype(np.float32)) for _ in range(2))
    apart = 10 * np.stack(
        [np.linalg.norm(u - v, axis=1) for u, v in zip(evaluate(aria, a), evaluate(aria, b), strict=True)]
    )
    shown = evaluate_metrics(MetricInputs(a, reference=b, rig=aria))
    assert shown["mean_vertex_error"] == pytest.approx(apart[:, skin(aria)].mean(), rel=1e-4)
    lips, upper = region(aria, LIPS, LIP_PART), region(aria, UPPER_FACE, UPPER_PART)
    assert shown["lip_vertex_error"] == pytest.approx(apart[:, lips].max(axis=1).mean(), rel=1e-4)
    assert shown["emotional_vertex_error"] == pytest.approx(apart[:, upper].max(axis=1).mean(), rel=1e-4)


def test_upper_face_dynamics_count_motion_and_not_place(aria):
    brow = wave(60, 60)
    still = take(browInnerUp=np.full(60, 0.5))
    moving, moved = take(browInnerUp=0.5 * brow), take(browInnerUp=0.5 * np.roll(brow, 7))

    def deviation(a, b):
        return evaluate_metrics(MetricInputs(a, reference=b, rig=aria))["upper_face_dynamics_deviation"]

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
    shown = evaluate_metrics(MetricInputs(take(eyeBlinkLeft=curve)))
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
    values = evaluate_metrics(MetricInputs(look(place)))
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


@pytest.mark.parametrize("late_ms", [-200, -80, 0, 40, 120, 300])
def test_planted_sync_offset_is_found(late_ms):
    phones, fps = sentence(12), 50
    moved = PhoneTrack(tuple(replace(p, start=p.start + 0.3, end=p.end + 0.3) for p in phones))
    gap = implied_opening(moved, 700, fps)
    gap = np.interp(np.arange(600) + (0.3 - late_ms / 1000) * fps, np.arange(700), gap)
    assert sync_offset_ms(gap, phones, fps) == pytest.approx(late_ms, abs=6)


def test_sync_offset_needs_lips_that_follow():
    phones = sentence(12)
    with pytest.raises(NotApplicable, match="do not move"):
        sync_offset_ms(np.zeros(600), phones, 50)
    with pytest.raises(NotApplicable, match="at no shift"):
        sync_offset_ms(np.random.default_rng(0).random(600), phones, 50)
    with pytest.raises(NotApplicable, match="s of speech"):
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
    with pytest.raises(NotApplicable, match="no silence"):
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
    with pytest.raises(NotApplicable, match="no syllable"):
        beat_score(beats, np.zeros(0))
