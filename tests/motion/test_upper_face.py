"""Passes of the upper face and the head: expression, blinks, gaze, head motion, breathing."""

from __future__ import annotations

import csv
import time

import numpy as np
import pytest

from facegen.emotion import EmotionSpan, EmotionTrack, named_emotions, parse_emotion
from facegen.emotion.action_units import DATA, action_table
from facegen.evaluation.metrics.eyes import blinks
from facegen.motion.take import compose
from tests.helpers.talking import rises, solve, talk

# Expression


def test_tables_name_known_units_emotions_and_controls():
    units = {row["au"] for row in csv.DictReader((DATA / "action_units.csv").open(encoding="utf-8"))}
    assert {unit for row in named_emotions().values() for _, unit, _ in row.units} <= units
    names, values, regions = action_table()
    assert values.shape == (len(named_emotions()), len(names)) and len(regions) == len(names)
    assert (values >= 0).all() and (values <= 1.2).all() and not values[0].any()
    assert values[1:].any(axis=1).all()


@pytest.mark.parametrize(
    "emotion, control",
    [
        ("happy", "mouthSmileLeft"),
        ("sad", "mouthFrownLeft"),
        ("angry", "browDownRight"),
        ("surprised", "browOuterUpLeft"),
        ("fearful", "eyeWideLeft"),
        ("disgusted", "noseSneerLeft"),
        ("contempt", "mouthDimpleRight"),
    ],
)
def test_an_emotion_shows_in_its_unit_and_follows_intensity(emotion, control):
    def mean(**settings):
        return compose(solve(talk(emotion=emotion, **settings))).channel(control).mean()

    plain = compose(solve(talk())).channel(control).mean()
    assert mean() > plain + 0.15
    assert mean(intensity=0.4) < 0.7 * mean()
    assert mean(intensity=0.0) == pytest.approx(plain, abs=1e-3)


def test_contempt_is_one_sided():
    animation = compose(solve(talk(emotion="contempt", text="SIL")))
    assert animation.channel("mouthDimpleRight").mean() > 0.3
    assert not animation.channel("mouthDimpleLeft").any()


def test_upper_face_scales_brows_and_not_the_mouth():
    still = solve(talk(emotion="angry", upper_face=0.0))
    full = solve(talk(emotion="angry"))
    name = "browDownLeft"
    assert not still.layer("expression").animation.channel(name).any()
    assert full.layer("expression").animation.channel(name).mean() > 0.5
    mouth = [take.layer("expression").animation.channel("mouthPressLeft") for take in (still, full)]
    assert np.array_equal(*mouth)


def test_an_emotion_comes_faster_than_it_goes():
    track = EmotionTrack(spans=(EmotionSpan(2.0, 4.0, parse_emotion("happy")),))
    take = solve(talk(8, text="SIL", emotion=track, fps="60"))
    smile = take.layer("expression").animation.channel("mouthSmileLeft")
    top = smile.max()
    up = np.flatnonzero(smile > 0.9 * top)[0] - np.flatnonzero(smile > 0.1 * top)[0]
    down = np.flatnonzero(smile > 0.1 * top)[-1] - np.flatnonzero(smile > 0.9 * top)[-1]
    assert 0.15 <= up / 60 <= 0.5
    assert 0.4 <= down / 60 <= 1.1
    assert smile[: 60 + 20].max() == 0 and smile[-60:].max() < 0.01 * top


def test_brows_rise_before_stresses():
    from facegen.motion.passes.signals import stresses

    context = talk(60, fps="100", upper_face=2.0)
    brow = solve(context).layer("expression").animation.channel("browInnerUp")
    at, strength = stresses(context)
    assert len(at) > 20
    leads = [
        brow[max(0, int(t * 100) + np.arange(-40, 40)[0]) : int(t * 100) + 40] for t in at if 0.5 < t < 59
    ]
    mean = np.mean([x for x in leads if len(x) == 80], axis=0)
    assert -25 < mean.argmax() - 40 < 0


# Blinks


def test_blinks_come_as_often_and_last_as_long_as_peoples():
    rates, lengths = [], []
    for seed in range(12):
        curve = compose(solve(talk(60, fps="60", seed=seed))).channel("eyeBlinkLeft")
        starts = rises(curve, 0.5)
        rates.append(len(starts))
        above = np.diff(np.flatnonzero(np.diff((np.r_[0, curve > 0.3, 0]).astype(int))))[::2]
        lengths += list(above / 60)
        assert curve.max() > 0.75
    assert 14 <= np.median(rates) <= 30
    assert min(rates) >= 6 and len(set(rates)) > 4
    assert 0.08 <= np.median(lengths) <= 0.25


def test_blinks_differ_in_depth_and_length():
    found = [
        b for seed in range(12) for b in blinks(compose(solve(talk(60, fps="60", seed=seed, gaze=False))))
    ]
    sizes, lengths = np.array([b.size for b in found]), np.array([b.length for b in found])
    assert 0.7 < np.median(sizes) < 0.95
    assert 0.08 < (sizes < 0.7).mean() < 0.35 and sizes.min() > 0.35
    assert 0.05 < lengths.min() < 0.09 and 0.16 < lengths.max() < 0.35


def test_a_partial_blink_never_opens_lids():
    lowered = solve(talk(60, fps="60", look_at=(0, -80, 60), seed=3))
    rest = compose(lowered.without("blink")).channel("eyeBlinkLeft")
    assert rest.max() > 0.3
    assert (compose(lowered).channel("eyeBlinkLeft") >= rest - 0.02).all()


def test_a_blink_closes_faster_than_it_opens_and_is_never_cut():
    for seed in range(20):
        take = solve(talk(3, fps="120", seed=seed))
        if "blink" not in [x.name for x in take.layers]:
            continue
        mask = take.layer("blink").mask
        assert mask[0] < 0.05 and mask[-1] < 0.05
        for start in rises(mask, 0.5):
            top = start + mask[start : start + 20].argmax()
            down = next(i for i in range(top, len(mask)) if mask[i] < 0.1) - top
            up = top - next(i for i in range(top, -1, -1) if mask[i] < 0.1)
            assert up < down


def test_blinks_favour_pauses():
    inside, share = [], []
    for seed in range(20):
        context = talk(60, seed=seed)
        blinks = rises(solve(context).layer("blink").mask, 0.5) / 30
        speech = context.features.speech > 0.5
        inside += list(speech[(blinks * 100).astype(int)])
        share.append(speech.mean())
    assert np.mean(inside) < 0.8 * np.mean(share)


# Gaze and head


def test_gaze_stays_near_the_middle_and_jumps_quickly():
    take = solve(talk(60, fps="60", head=False))
    x = take.layer("gaze").animation
    yaw = x.channel("eyeLookOutLeft") - x.channel("eyeLookInLeft")
    assert np.abs(yaw).max() <= 0.2
    speed = np.abs(np.diff(yaw))
    assert (speed < 1e-6).mean() > 0.8
    jumps = len(rises(speed, 1e-4))
    assert 30 <= jumps <= 150


def test_the_eyes_turn_together():
    x = solve(talk(20)).layer("gaze").animation
    left = x.channel("eyeLookOutLeft") - x.channel("eyeLookInLeft")
    right = x.channel("eyeLookInRight") - x.channel("eyeLookOutRight")
    assert np.abs(left - right).max() < 0.02


def test_the_eyes_counter_the_head():
    with_head, without = solve(talk(30)), solve(talk(30, head=False))

    def yaw(take):
        x = take.layer("gaze").animation
        return 30 * (x.channel("eyeLookOutLeft") - x.channel("eyeLookInLeft"))

    turned = np.degrees(with_head.layer("head").animation.head[:, 0])
    assert np.corrcoef(yaw(with_head) - yaw(without), -turned)[0, 1] > 0.99


@pytest.mark.parametrize(
    "point, control",
    [
        ((40, 0, 60), "eyeLookOutLeft"),
        ((-40, 0, 60), "eyeLookInLeft"),
        ((0, 40, 60), "eyeLookUpLeft"),
        ((0, -40, 60), "eyeLookDownLeft"),
    ],
)
def test_look_at_turns_the_eyes_to_the_point(point, control):
    away = solve(talk(look_at=point)).layer("gaze").animation.channel(control).mean()
    assert away > solve(talk()).layer("gaze").animation.channel(control).mean() + 0.4


def test_a_near_point_makes_the_eyes_converge():
    x = solve(talk(look_at=(0, 0, 15))).layer("gaze").animation
    assert x.channel("eyeLookInLeft").mean() > 0.2
    assert x.channel("eyeLookInRight").mean() > 0.2


def test_lids_follow_the_gaze_down():
    x = solve(talk(look_at=(0, -40, 60))).layer("gaze").animation
    assert x.channel("eyeBlinkLeft").mean() > 0.1


def test_the_head_moves_a_little_and_differs_by_seed():
    poses = [np.degrees(solve(talk(60, seed=seed)).layer("head").animation.head[:, :3]) for seed in range(6)]
    for pose in poses:
        assert (np.abs(pose).max(axis=0) < 14).all()
        assert (pose.std(axis=0) > 0.3).all() and (pose.std(axis=0) < 5).all()
        assert np.abs(np.diff(pose, axis=0)).max() * 30 < 60
    likeness = [abs(np.corrcoef(a[:, 0], b[:, 0])[0, 1]) for a in poses for b in poses if a is not b]
    assert np.median(likeness) < 0.4 and max(likeness) < 0.9


def test_breath_comes_twelve_to_eighteen_times_a_minute():
    rows = solve(talk(120, text="SIL")).layer("breath").animation.head[:, 4]
    assert 18 <= len(rises(rows, 0.03)) <= 40


def test_sides_differ_slightly():
    animation = compose(solve(talk(10)))
    left, right = animation.channel("mouthUpperUpLeft"), animation.channel("mouthUpperUpRight")
    assert not np.array_equal(left, right)
    assert np.abs(left - right).max() < 0.1


@pytest.mark.slow
def test_an_hour_takes_seconds():
    context = talk(3600, fps="60")
    start = time.perf_counter()
    solve(context)
    assert time.perf_counter() - start < 12
