"""Preparation: before an utterance that follows a pause, lips part as far as the breath before it sounds of it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.motion.context import Context
from facegen.motion.passes.lip_opening_network import described, predict_lip_opening
from facegen.motion.passes.signals import QUIET_DB
from facegen.motion.take import Layer, Take
from facegen.speech.phones import BILABIALS

POSE = {
    "jawOpen": 0.2,
    "mouthLowerDownLeft": 0.3,
    "mouthLowerDownRight": 0.3,
    "mouthUpperUpLeft": 0.21,
    "mouthUpperUpRight": 0.21,
    "mouthPucker": 0.06,
}
"""Control to its value where the lips are parted as wide as in speech: the jaw opens a little, the corners draw in."""
PAUSE_LEAST_S, PAUSE_FULL_S = 0.35, 0.6
REST_S = 0.08  # after a pause begins, in which lips begin to part
NEAR_S = 0.06  # before it ends, in which they near one another
HEARD_S = 0.25  # from the first phone, in which speech must be heard
SURE = 0.7  # part of that time from which it counts fully
MOVES_S, MOVES = (
    0.4,
    0.1,
)  # and in which the lips' layer must reach so much: a decoder keeps them still in music
SIZE, SIZE_SPREAD = 1.25, 0.15  # what is learnt towards a mean errs on the small side where lips part wide
SMOOTH_FRAMES = 9


class Start(NamedTuple):
    """An utterance's first sound at ``at`` s after ``pause`` s of none; ``sure`` in 0..1 that it is speech, ``shut``
    whether it begins with closed lips."""

    at: float
    pause: float
    sure: float
    shut: bool


def preparatory_opening(take: Take, context: Context) -> Layer | None:
    """Lips and jaw [T, 6], never under what lies below; None where no utterance follows a pause."""
    rng = context.rng("prepare")
    rows = np.zeros(len(context.features), np.float32)
    for start in starts(context):
        size = SIZE * np.clip(1 + SIZE_SPREAD * rng.normal(), 0.6, 1.4)
        long_enough = (start.pause - PAUSE_LEAST_S) / (PAUSE_FULL_S - PAUSE_LEAST_S)
        size *= start.sure * _moving(take, start.at) * _eased(long_enough)
        if size > 0:
            last = min(len(rows), round(start.at * context.features.rate))
            curve = size * _parting(context, start, last)
            part = rows[last - len(curve) : last]
            np.maximum(part, curve, out=part)
    rows = context.at_frames(rows) * np.float32(context.config.mouth)
    if not rows.any():
        return None
    values = np.minimum(rows[:, None] * np.array(list(POSE.values()), np.float32), 1.0)
    return Layer("prepare", "max", Animation(context.fps, tuple(POSE), values))


def _parting(context: Context, start: Start, last: int) -> np.ndarray:
    """How far the lips are parted in the feature frames up to ``last``, [n] in 0..1."""
    features = context.features
    low = max(0, last - round(min(start.pause, start.at) * features.rate))
    if last <= low:
        return np.zeros(0)
    curve = predict_lip_opening(described(features.bands, low, last, start.shut))
    kernel = np.hanning(SMOOTH_FRAMES + 2)[1:-1]
    curve = np.convolve(np.pad(curve, SMOOTH_FRAMES // 2, mode="edge"), kernel / kernel.sum(), mode="valid")
    ahead = (np.arange(len(curve), 0, -1) - 0.5) / features.rate
    curve = curve * _eased(ahead / NEAR_S)
    return curve * _eased((start.pause - ahead) / REST_S) if math.isfinite(start.pause) else curve


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
            found.append(Start(phone.start, pause, sure, phone.label in BILABIALS))
        end = max(end, phone.end)
    return found


def _moving(take: Take, at: float) -> float:
    """How surely the decoder's lips move in the MOVES_S after ``at`` s, 0..1."""
    first, last = (int(t * take.fps) for t in (at, at + MOVES_S))
    values = [x.animation.values[first : last + 1] for x in take.layers if x.name == "lips"]
    return min(1.0, max((float(v.max(initial=0.0)) for v in values), default=0.0) / MOVES)


def _eased(part: np.ndarray | float) -> np.ndarray:
    part = np.clip(part, 0, 1)
    return part * part * (3 - 2 * part)
