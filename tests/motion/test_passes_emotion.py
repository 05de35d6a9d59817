"""How emotion shows: spread about a mean, breath, micro-expressions, effort, posture, and mouths that still speak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facegen.config import Config
from facegen.core.units import as_fps, frame_count
from facegen.emotion import EmotionTrack, named_emotions, parse_emotion
from facegen.emotion.action_units import action_unit_table
from facegen.emotion.style import load_style
from facegen.evaluation.metrics.eyes import blinks
from facegen.evaluation.metrics.lips import contacts, lip_head
from facegen.motion.context import Context
from facegen.motion.lipsync import load_decoder
from facegen.motion.passes import enabled
from facegen.motion.passes.expression import unit_strengths
from facegen.motion.passes.gaze_events import gaze_events
from facegen.motion.passes.vocal_effort import vocal_effort
from facegen.motion.take import Layer, Take, compose
from facegen.rig import load_rig
from facegen.speech.audio import open_audio
from facegen.speech.load import load_encoder
from facegen.speech.phone_timing import refine_alignment
from tests.helpers.talking import solve, talk

NAMES = list(named_emotions())[1:]
CLIPS = ("grid-multi/clips/s2_bbaf2s.mp4", "grid-multi/clips/s31_*.mp4", "emodb/audio/03a01Nc.opus")


def felt(context: Context, text: str, **settings) -> Context:
    track = EmotionTrack(parse_emotion(text))
    return replace(context, emotion=track, config=replace(context.config, **settings))


# Mouths under emotion, on real speech


@pytest.mark.parametrize("clip", CLIPS)
def test_lips_follow_speech_in_every_emotion(data_folder, clip):
    context = _heard(sorted(data_folder.glob(clip))[0])
    lips = Layer("lips", "add", load_decoder("learned").decode(context))
    head = lip_head(load_rig("aria"))

    def gap(text: str) -> np.ndarray:
        take = Take(context.fps, context.frames).with_layer(lips)
        here = felt(context, text)
        for row in enabled(here.config):
            if row.name not in ("blink", "gaze", "head", "breath"):
                layer = row.run(take, here)
                take = take if layer is None else take.with_layer(layer)
        return head.aperture_and_width(compose(take))[0]

    def closed(curve: np.ndarray) -> list[bool]:
        return [c.hit for c in contacts(curve, float(context.fps), context.phones)]

    plain = gap("neutral")
    assert any(closed(plain))
    for name in NAMES:
        shown = gap(name)
        assert np.corrcoef(plain, shown)[0, 1] >= 0.9, name
        assert not [a for a, b in zip(closed(plain), closed(shown), strict=True) if a and not b], name


def _heard(path) -> Context:
    sound = open_audio(path)
    features, phones, _ = refine_alignment(load_encoder("phones").encode(sound, None))
    fps = as_fps("30")
    return Context(Config(), fps, frame_count(sound.duration, fps), features, phones, EmotionTrack())


# Spread


def strengths_of(context):
    """Of all action units, [T, U]."""
    count = len(action_unit_table().units)
    rows = np.zeros((context.frames, count), np.float32)
    for pair, both in unit_strengths(context, np.ones(count, bool)):
        rows[:, pair] = both
    return rows


def test_units_spread_as_the_table_says():
    table = action_unit_table()
    rows = np.concatenate([strengths_of(talk(20, text="SIL", emotion="sad", seed=s)) for s in range(60)])
    mean = table.mean[NAMES.index("sad") + 1]
    used = mean > 0.2
    assert np.allclose(rows[:, used].mean(axis=0), mean[used], rtol=0.12)
    assert np.allclose((rows.std(axis=0) / mean.clip(1e-6))[used], table.spread[used], rtol=0.3)


@pytest.mark.parametrize("name", ["happy", "sad", "angry", "fearful", "disgusted", "surprised", "contempt"])
def test_seeds_differ_and_stay_the_same_emotion(name):
    table = action_unit_table()
    face = table.columns("upper", "mouth")
    means = (np.minimum(table.mean, 1) @ table.to)[:, face]
    looks = []
    for seed in range(8):
        context = talk(4, text="SIL", emotion=name, seed=seed)
        looks.append(np.mean(strengths_of(context), axis=0) @ table.to[:, face])
    apart = [np.abs(a - b).max() for a in looks for b in looks if a is not b]
    assert min(apart) > 0.02
    basic = means[:8]
    for look in looks:
        assert np.linalg.norm(basic - look, axis=1).argmin() == NAMES.index(name) + 1


def test_a_held_emotion_breathes_and_never_repeats():
    rows = strengths_of(talk(60, text="SIL", emotion="happy"))
    smile = rows[:, action_unit_table().units.index(("12", "Left"))]
    assert 0.05 < smile.std() / smile.mean() < 0.35
    still = np.abs(np.diff(smile)).reshape(-1)
    assert (still < 1e-7).mean() < 0.02 and still.max() < 0.02
    around = smile - smile.mean()
    likeness = [np.corrcoef(around[:-lag], around[lag:])[0, 1] for lag in range(10 * 30, 45 * 30, 15)]
    assert max(likeness) < 0.85


@pytest.mark.parametrize("name", ["happy", "rage", "shame", "awe", "happily disgusted"])
def test_intensity_is_monotone(name):
    sizes = []
    for intensity in (0.0, 0.25, 0.5, 0.75, 1.0):
        curves = compose(solve(talk(4, text="SIL", emotion=name, intensity=intensity, blink=False)))
        base = compose(solve(talk(4, text="SIL", blink=False, intensity=intensity)))
        sizes.append(float(np.linalg.norm(curves.values.mean(axis=0) - base.values.mean(axis=0))))
    assert sizes == sorted(sizes) and sizes[-1] > 2.5 * sizes[1] > 0


# Flashes


def test_micro_expressions_are_brief_and_more_when_held_back():
    counts = {}
    for text in ("angry", "furious but holding it back"):
        layer = solve(talk(120, text="SIL", fps="60", emotion=text)).layer("micro").animation
        size = layer.values.max(axis=1)
        edges = np.flatnonzero(np.diff(np.r_[0, size > 0, 0]))
        lengths = (edges[1::2] - edges[::2]) / 60
        counts[text] = len(lengths)
        assert np.median(lengths) < 0.5 and lengths.max() < 1.1
        assert not set(layer.controls) & {"jawOpen", "mouthSmileLeft"}
    assert counts["furious but holding it back"] > 1.5 * counts["angry"] > 0
    assert "micro" not in [x.name for x in solve(talk(60)).layers]


# Effort


def raised_voice() -> Context:
    """Ten seconds of calm talk, then of a raised voice."""
    context = talk(20, emotion="neutral")
    features = context.features
    loud = np.arange(len(features)) >= 1000
    raised = replace(
        features,
        energy=features.energy + 10 * loud * (features.energy > -60),
        pitch=features.pitch * np.where(loud, 1.5, 1),
    )
    return replace(context, features=raised)


def test_a_raised_voice_lifts_brows_lids_jaw_and_head_without_emotion():
    context = raised_voice()
    layer = solve(context).layer("effort").animation
    calm, loud = slice(0, 280), slice(320, 600)
    for name in ("browInnerUp", "browOuterUpLeft", "eyeWideRight", "jawOpen"):
        curve = layer.channel(name)
        assert curve[loud].mean() > 4 * curve[calm].mean() + 0.002, name
    assert layer.head[loud, 1].mean() < layer.head[calm, 1].mean() - np.radians(0.5)
    assert vocal_effort(talk(5, text="SIL")).max() == 0


# Eyes, lids and head


@pytest.mark.parametrize("name, down", [("shame", True), ("sad", True), ("pride", False), ("triumph", False)])
def test_heads_hang_or_are_held_high(name, down):
    pitch = np.degrees(solve(talk(20, text="SIL", emotion=name)).layer("head").animation.head[:, 1].mean())
    plain = np.degrees(solve(talk(20, text="SIL")).layer("head").animation.head[:, 1].mean())
    assert (pitch - plain > 2) if down else (pitch - plain < -2)


def test_thought_looks_away_and_comes_back():
    context = talk(60, emotion="contemplation", fps="60")
    looks = gaze_events(context)
    assert 10 <= len(looks) <= 60
    away = np.mean([b.at - a.at for a, b in zip(looks[::2], looks[1::2], strict=True)])
    assert 1 < away < 4 and all(a.up > 0 for a in looks[::2])
    assert not gaze_events(talk(60))


def test_blinks_come_faster_with_arousal_and_in_tiredness():
    def rate(**settings) -> float:
        return np.mean([len(blinks(compose(solve(talk(60, seed=s, **settings))))) for s in range(8)])

    assert rate(emotion="excitement") > 1.15 * rate() > 1.3 * rate(emotion="calm", style="calm")


def test_shame_looks_down_with_lowered_lids():
    curves = compose(solve(talk(30, text="SIL", emotion="shame", blink=False)))
    plain = compose(solve(talk(30, text="SIL", blink=False)))
    assert curves.channel("eyeBlinkLeft").mean() > plain.channel("eyeBlinkLeft").mean() + 0.03


# Styles


@pytest.mark.parametrize("style", ["calm", "lively", "restrained", "theatrical", "tired", "formal"])
def test_a_style_moves_head_brows_and_eyes_its_own_way(style):
    asked = load_style(style)
    plain, styled = (
        solve(talk(60, emotion="happy:0.6", seed=4, style=s, blink=False)) for s in ("neutral", style)
    )

    def spread(take: Take) -> float:
        head = take.layer("head").animation.head[:, :3]
        return float(head.std(axis=0).sum())

    assert (spread(styled) > spread(plain)) == (asked.head > 1)
    brow = [t.layer("expression").animation.channel("browOuterUpLeft").std() for t in (plain, styled)]
    assert (brow[1] > brow[0]) == (asked.upper_face > 1)
    lips = [compose(t).channel("jawOpen").mean() for t in (plain, styled)]
    assert abs(lips[1] - lips[0]) > 1e-4
