"""Gaze events: looks away from the listener and back, which the eyes, the head and blinks all follow.

Talkers look away as they plan what to say and when they think, and back as they end (Kendon 1967). Emotions avert the eyes
by their gaze units (action units 61 to 64: shame looks down, thought up or aside). Each event holds until the next.
"""

from __future__ import annotations

import numpy as np

from facegen.core.memory import chunks
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.emotion.action_units import action_unit_table
from facegen.emotion.lexicon import vad_table
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.expression import emotion_signals, mean_unit_controls
from facegen.motion.passes.signals import duration, frame_times, speaking, style_value, value_at

MIN_PAUSE_S = 0.4
"""Seconds of silence after which speech counts as the start of an utterance that is being planned. Hand-tuned."""
ONSET_LEAD_S, PLANNING_S = (0.05, 0.45), (0.5, 1.5)
"""Ranges in seconds: how long before the utterance the eyes leave, and how long they stay away. Hand-tuned."""
AWAY_DEGREES, AWAY_FLATTENING = (6.0, 12.0), 0.45
"""Range of the sideways angle of such a look, and the vertical one as a share of it. Hand-tuned."""
AVERSION_S, CONTACT_S = (1.2, 3.4), (0.7, 2.0)
"""Ranges in seconds of an emotion's aversion, and of the eye contact between two of them. Hand-tuned."""
MIN_AVERSION = 0.12
"""Strength of a gaze unit (share of the eyes' range) below which the eyes stay. Hand-tuned."""
MAX_AVERTED_SHARE = 0.85
"""Largest share of the time that an emotion averts the eyes. Hand-tuned."""
PLANNING_CHANCE = 1.6
"""Chance of a look away while planning, for each unit of dominance below 0 (about 0.5 at -0.3). Hand-tuned."""


def affect(context: Context) -> np.ndarray:
    """Valence, arousal and dominance of the emotion that is shown.

    Parameters
    ----------
    context : Context
        Emotion track, intensity and style.

    Returns
    -------
    ndarray of float32, shape (T, 3) or (1, 3)
        In -1..1.
    """
    weights, axes = emotion_signals(context), vad_table().astype(np.float32)
    mood = np.empty((len(weights.rows), 3), np.float32)
    for part in chunks(len(mood)):
        mood[part] = weights.part(part).project(axes)
    return np.clip(mood, -1, 1, out=mood)


def gaze_events(context: Context) -> list[GazeTarget]:
    """Looks away and back, in order.

    Parameters
    ----------
    context : Context
        Its ``looks``, where there are any; else the emotion's aversions and those of planning.

    Returns
    -------
    list of GazeTarget
        Degrees from straight ahead. What comes later in a clip does not change earlier events.
    """
    if context.looks:
        return list(context.looks)
    emotional, planning = _emotion_aversions(context), _planning_aversions(context)
    away = [(at, end) for at, end, *_ in emotional]
    unblocked = [
        aversion for aversion in planning if not any(at - 0.3 < aversion[0] < end for at, end in away)
    ]
    events, last_end = [], -1.0
    for at, end, left, up in sorted(emotional + unblocked):
        if at < last_end:
            continue
        events += [GazeTarget(at, left, up), GazeTarget(end, 0.0, 0.0)]
        last_end = end
    return events


GazeAversion = tuple[float, float, float, float]
"""Start and end in seconds, angles to the left and up in degrees."""


def _emotion_aversions(context: Context) -> list[GazeAversion]:
    """Aversions by the emotion's gaze units."""
    table = action_unit_table()
    columns = table.columns("gaze")
    rows = mean_unit_controls(emotion_signals(context), columns)
    if not (rows > 0).any():
        return []
    sums = {name: rows[:, k] for k, name in enumerate(table.controls[i] for i in columns)}
    left = EYE_DEGREES_SIDE * (sums["eyeLookOutLeft"] - sums["eyeLookInLeft"])
    up = EYE_DEGREES_UP * (sums["eyeLookUpLeft"] - sums["eyeLookDownLeft"])
    strength = np.maximum(np.abs(left) / EYE_DEGREES_SIDE, np.abs(up) / EYE_DEGREES_UP)
    rng = context.rng("attention")
    events, at, end = [], 0.0, duration(context)
    while at < end:
        draws = rng.random(4)
        current = value_at(context, strength, at)
        if current < MIN_AVERSION:
            at += CONTACT_S[0]
            continue
        share = min(MAX_AVERTED_SHARE, 0.35 + 1.2 * current)
        hold = AVERSION_S[0] + (AVERSION_S[1] - AVERSION_S[0]) * draws[0]
        size = 0.75 + 0.5 * draws[1]
        side = np.sign(draws[2] - 0.5) * 2.5  # degrees: no aversion is straight down or up
        x, y = (value_at(context, part, at) for part in (left, up))
        events.append((at, at + hold, size * x + side, size * y))
        at += hold + (CONTACT_S[0] + (CONTACT_S[1] - CONTACT_S[0]) * draws[3]) * (1 - share) / 0.5
    return events


def _planning_aversions(context: Context) -> list[GazeAversion]:
    """Aversions as an utterance that follows a pause begins."""
    rng = context.rng("planning")
    gaze = style_value(context, "gaze")
    mood = affect(context)
    events = []
    for onset in speech_onsets(context):
        draws = rng.random(6)
        uncertainty = max(0.0, -value_at(context, mood[:, 2], onset))
        chance = PLANNING_CHANCE * uncertainty * value_at(context, gaze, onset)
        if draws[0] > chance:
            continue
        at = max(0.0, onset - ONSET_LEAD_S[0] - (ONSET_LEAD_S[1] - ONSET_LEAD_S[0]) * draws[1])
        hold = PLANNING_S[0] + (PLANNING_S[1] - PLANNING_S[0]) * draws[2]
        size = AWAY_DEGREES[0] + (AWAY_DEGREES[1] - AWAY_DEGREES[0]) * draws[3]
        left = size * np.sign(draws[4] - 0.5)
        events.append((at, at + hold, float(left), float(AWAY_FLATTENING * size * (2 * draws[5] - 0.8))))
    return events


def speech_onsets(context: Context) -> np.ndarray:
    """When speech begins after a pause of at least MIN_PAUSE_S.

    Parameters
    ----------
    context : Context
        Phone features.

    Returns
    -------
    ndarray of float64, shape (N,)
        Seconds.
    """
    speech = speaking(context, 0.1) > 0.5
    edges = np.flatnonzero(np.diff(np.r_[False, speech].astype(np.int8)) == 1)
    ends = np.flatnonzero(np.diff(np.r_[speech, False].astype(np.int8)) == -1)
    rate, last, events = context.features.rate, -1e9, []
    for first, end in zip(edges, ends, strict=True):
        if (first - last) / rate >= MIN_PAUSE_S:
            events.append(first / rate)
        last = end
    return np.array(events)


def interpolate_gaze(context: Context, points: list[GazeTarget], seconds: np.ndarray | float) -> np.ndarray:
    """Angles of the eyes or the head over time: a quintic step to each target, with no speed at either end.

    Parameters
    ----------
    context : Context
        Frame rate and length.
    points : list of GazeTarget
        Targets in order.
    seconds : ndarray of shape (N,), or float
        How long each step takes.

    Returns
    -------
    ndarray of float64, shape (T, 2)
        Degrees to the character's left and up.
    """
    rows = np.zeros((context.frames, 2))
    if not points:
        return rows
    starts = np.array([point.at for point in points])
    ends = np.array([(point.left, point.up) for point in points], dtype=float)
    origins = np.concatenate([ends[:1] if starts[0] <= 0 else np.zeros((1, 2)), ends[:-1]])
    durations = np.broadcast_to(seconds, starts.shape)
    for frames in chunks(context.frames):
        times = frame_times(context, frames)
        last = np.searchsorted(starts, times, side="right") - 1
        at = np.maximum(last, 0)
        part = np.where(last < 0, 0.0, np.clip((times - starts[at]) / durations[at], 0, 1))
        part = part**3 * (10 - 15 * part + 6 * part * part)
        rows[frames] = origins[at] + part[:, None] * (ends[at] - origins[at])
    return rows
