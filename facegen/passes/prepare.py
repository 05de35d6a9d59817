"""Preparation: before an utterance that follows a pause, lips part to draw breath and near the first phone's shape."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from facegen.animation import Animation
from facegen.config import Context
from facegen.passes.curves import QUIET_DB, frame_times
from facegen.take import Layer, Take

POSE = {
    "jawOpen": 0.02,
    "mouthLowerDownLeft": 0.3,
    "mouthLowerDownRight": 0.3,
    "mouthUpperUpLeft": 0.21,
    "mouthUpperUpRight": 0.21,
    "mouthPucker": 0.06,
}
"""Control to its value at the top of a full preparation: the lips part, the jaw hardly moves, the corners draw in."""
# The mean over six speakers of GRID (Cooke et al. 2006), tracked in video, of the lips' gap before the first sound.
PARTING_S, PARTED_S, NEARING_S = (
    0.8,
    0.28,
    0.2,
)  # before the sound: lips begin to part, are parted, begin to near
PAUSE_LEAST_S, PAUSE_FULL_S = 0.35, 0.6
REST_S = 0.08  # of a pause that is too short for all of it, in which lips first come to rest
HEARD_S = 0.25  # from the first phone, in which speech must be heard
SURE = 0.7  # part of that time from which it counts fully
MOVES_S, MOVES = (
    0.4,
    0.1,
)  # and in which the lips' layer must reach so much: a decoder keeps them still in music
SIZE_SPREAD, TIME_SPREAD = 0.2, 0.08


class Start(NamedTuple):
    """An utterance's first sound at ``at`` s after ``pause`` s of none; ``sure`` in 0..1 that it is speech."""

    at: float
    pause: float
    sure: float


def prepare(take: Take, context: Context) -> Layer | None:
    """Lips and jaw [T, 6], never under what lies below; None where no utterance follows a pause."""
    rng = context.rng("prepare")
    rows = np.zeros(context.frames, np.float32)
    times, fps = frame_times(context), float(context.fps)
    for start in starts(context):
        size = np.clip(1 + SIZE_SPREAD * rng.normal(), 0.5, 1.5)
        slower = np.clip(1 + TIME_SPREAD * rng.normal(), 0.8, 1.2)
        long_enough = (start.pause - PAUSE_LEAST_S) / (PAUSE_FULL_S - PAUSE_LEAST_S)
        room = min(PARTING_S * slower, start.pause - REST_S)
        part = slice(max(0, int((start.at - room) * fps)), max(0, int(start.at * fps) + 1))
        curve = _parted(start.at - times[part], room, slower)
        size *= start.sure * _moving(take, start.at) * _eased(long_enough)
        rows[part] = np.maximum(rows[part], size * curve)
    rows *= context.config.mouth
    if not rows.any():
        return None
    values = np.minimum(rows[:, None] * np.array(list(POSE.values()), np.float32), 1.0)
    return Layer("prepare", "max", Animation(context.fps, tuple(POSE), values))


def starts(context: Context) -> list[Start]:
    """Where phones follow PAUSE_LEAST_S and more without any. What lies before the sound counts as a pause: a sound
    that begins shortly before its first word begins with lips that are parted already."""
    features, found, end = context.features, [], -math.inf
    heard = features.speech * (features.energy > QUIET_DB)
    for phone in context.phones:
        if phone.label == "SIL":
            continue
        pause = phone.start - end
        if pause > PAUSE_LEAST_S:
            rows = heard[round(phone.start * features.rate) : round((phone.start + HEARD_S) * features.rate)]
            sure = min(1.0, float(rows.mean()) / SURE) if len(rows) else 0.0
            found.append(Start(phone.start, pause, sure))
        end = max(end, phone.end)
    return found


def _moving(take: Take, at: float) -> float:
    """How surely the decoder's lips move in the MOVES_S after ``at`` s, 0..1."""
    first, last = (int(t * take.fps) for t in (at, at + MOVES_S))
    values = [x.animation.values[first : last + 1] for x in take.layers if x.name == "lips"]
    return min(1.0, max((float(v.max(initial=0.0)) for v in values), default=0.0) / MOVES)


def _parted(ahead: np.ndarray, room: float, slower: float) -> np.ndarray:
    """How far the lips are parted ``ahead`` s before the sound, 0..1; they begin ``room`` s before it."""
    parted = min(PARTED_S * slower, 0.6 * room)
    return _eased((room - ahead) / (room - parted)) * _eased(ahead / min(NEARING_S * slower, 0.4 * room))


def _eased(part: np.ndarray | float) -> np.ndarray:
    part = np.clip(part, 0, 1)
    return part * part * (3 - 2 * part)
