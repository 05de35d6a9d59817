"""Attention: where the eyes rest apart from their small shifts, as events that gaze, head and blinks all read.

Talkers look away as they plan what to say and when they think, and back as they end (Kendon 1967); shame looks down,
thought up or aside (the gaze units of the emotions). Each event holds until the next.
"""

from __future__ import annotations

import numpy as np

from facegen.core.memory import chunks
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.emotion.action_units import action_unit_table
from facegen.emotion.lexicon import vad_table
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.expression import emotion_signals, through_units
from facegen.motion.passes.signals import duration, frame_times, speaking, style_value, value_at

PAUSE_S = 0.4  # speech after a pause of that length begins with a plan
EARLY_S, PLANNED_S = (0.05, 0.45), (0.5, 1.5)
AWAY_DEGREES, AWAY_FLATTER = (6.0, 12.0), 0.45
AWAY_S, BACK_S = (1.2, 3.4), (0.7, 2.0)  # of a felt aversion, and of the look at the other between
LEAST = 0.12  # a weaker gaze unit averts nothing
MOST_AWAY = 0.85
UNSURE = 1.6  # chance of a look away while planning, for each part of dominance that is lacking


def affect(context: Context) -> np.ndarray:
    """Valence, arousal and dominance of what is shown, [T, 3] or [1, 3] in -1..1."""
    weights, axes = emotion_signals(context), vad_table().astype(np.float32)
    mood = np.empty((len(weights.rows), 3), np.float32)
    for part in chunks(len(mood)):
        mood[part] = weights.part(part).through(axes)
    return np.clip(mood, -1, 1, out=mood)


def gaze_events(context: Context) -> list[GazeTarget]:
    """Looks away and back, in order: those given, or what is felt. What comes later in a clip does not change them."""
    if context.looks:
        return list(context.looks)
    averted, planned = _felt(context), _planned(context)
    away = [(at, end) for at, end, *_ in averted]
    free = [look for look in planned if not any(at - 0.3 < look[0] < end for at, end in away)]
    found, until = [], -1.0
    for at, end, left, up in sorted(averted + free):
        if at < until:
            continue
        found += [GazeTarget(at, left, up), GazeTarget(end, 0.0, 0.0)]
        until = end
    return found


Aside = tuple[float, float, float, float]


def _felt(context: Context) -> list[Aside]:
    """Start, end, left and up of looks that the emotion's gaze units ask for."""
    table = action_unit_table()
    columns = table.columns("gaze")
    rows = through_units(emotion_signals(context), columns)
    if not (rows > 0).any():
        return []
    sums = {name: rows[:, k] for k, name in enumerate(table.controls[i] for i in columns)}
    left = EYE_DEGREES_SIDE * (sums["eyeLookOutLeft"] - sums["eyeLookInLeft"])
    up = EYE_DEGREES_UP * (sums["eyeLookUpLeft"] - sums["eyeLookDownLeft"])
    strength = np.maximum(np.abs(left) / EYE_DEGREES_SIDE, np.abs(up) / EYE_DEGREES_UP)
    rng = context.rng("attention")
    found, at, end = [], 0.0, duration(context)
    while at < end:
        draws = rng.random(4)
        now = value_at(context, strength, at)
        if now < LEAST:
            at += BACK_S[0]
            continue
        share = min(MOST_AWAY, 0.35 + 1.2 * now)
        stays = AWAY_S[0] + (AWAY_S[1] - AWAY_S[0]) * draws[0]
        size = 0.75 + 0.5 * draws[1]
        side = np.sign(draws[2] - 0.5) * 2.5  # straight down or up is never quite straight
        x, y = (value_at(context, part, at) for part in (left, up))
        found.append((at, at + stays, size * x + side, size * y))
        at += stays + (BACK_S[0] + (BACK_S[1] - BACK_S[0]) * draws[3]) * (1 - share) / 0.5
    return found


def _planned(context: Context) -> list[Aside]:
    """Start, end, left and up of looks away as an utterance that follows a pause begins."""
    rng = context.rng("planning")
    gaze = style_value(context, "gaze")
    mood = affect(context)
    found = []
    for onset in onsets(context):
        draws = rng.random(6)
        unsure = max(0.0, -value_at(context, mood[:, 2], onset))
        chance = UNSURE * unsure * value_at(context, gaze, onset)
        if draws[0] > chance:
            continue
        at = max(0.0, onset - EARLY_S[0] - (EARLY_S[1] - EARLY_S[0]) * draws[1])
        stays = PLANNED_S[0] + (PLANNED_S[1] - PLANNED_S[0]) * draws[2]
        size = AWAY_DEGREES[0] + (AWAY_DEGREES[1] - AWAY_DEGREES[0]) * draws[3]
        left = size * np.sign(draws[4] - 0.5)
        found.append((at, at + stays, float(left), float(AWAY_FLATTER * size * (2 * draws[5] - 0.8))))
    return found


def onsets(context: Context) -> np.ndarray:
    """Seconds [N] at which speech begins after PAUSE_S or more without."""
    talks = speaking(context, 0.1) > 0.5
    edges = np.flatnonzero(np.diff(np.r_[False, talks].astype(np.int8)) == 1)
    ends = np.flatnonzero(np.diff(np.r_[talks, False].astype(np.int8)) == -1)
    rate, last, found = context.features.rate, -1e9, []
    for first, end in zip(edges, ends, strict=True):
        if (first - last) / rate >= PAUSE_S:
            found.append(first / rate)
        last = end
    return np.array(found)


def gliding(context: Context, points: list[GazeTarget], seconds: np.ndarray | float) -> np.ndarray:
    """Left and up [T, 2] degrees of ``points``, each reached in so many ``seconds`` from where it was before."""
    rows = np.zeros((context.frames, 2))
    if not points:
        return rows
    starts = np.array([point.at for point in points])
    ends = np.array([(point.left, point.up) for point in points], dtype=float)
    begins = np.concatenate([ends[:1] if starts[0] <= 0 else np.zeros((1, 2)), ends[:-1]])
    takes = np.broadcast_to(seconds, starts.shape)
    for frames in chunks(context.frames):
        times = frame_times(context, frames)
        last = np.searchsorted(starts, times, side="right") - 1
        at = np.maximum(last, 0)
        part = np.where(last < 0, 0.0, np.clip((times - starts[at]) / takes[at], 0, 1))
        part = part**3 * (10 - 15 * part + 6 * part * part)
        rows[frames] = begins[at] + part[:, None] * (ends[at] - begins[at])
    return rows
