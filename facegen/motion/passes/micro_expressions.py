"""Micro-expressions: the emotion flashes in the upper face for a fraction of a second, mostly when it is suppressed.

They last 1/25 to 1/2 s and show part of the expression, often on one side (Ekman and Friesen 1969; Yan et al. 2013). They
come as a Poisson process, at 4 a minute with a full emotion and up to 22 where one of SUPPRESSING_EMOTIONS holds it back.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.emotion import named_emotions
from facegen.emotion.action_units import action_unit_table
from facegen.motion.context import Context
from facegen.motion.passes.expression import EmotionSignals, emotion_signals
from facegen.motion.passes.signals import duration, pulse, style_value
from facegen.motion.take import Layer, Take

RATE_PER_MINUTE, SUPPRESSED_PER_MINUTE = 4.0, 22.0
"""Micro-expressions a minute with a full emotion, and with one that is suppressed. Hand-tuned."""
SIZE, SUPPRESSED_SIZE = 0.35, 0.9
"""Size as a share of the full expression, open and suppressed. Hand-tuned."""
RISE_S, FALL_S = (0.06, 0.14), (0.12, 0.3)
"""Ranges of onset and offset in seconds; together at most 0.44 s (1/25 to 1/2 s: Yan et al. 2013)."""
UNITS = ("1", "2", "4", "5", "6", "7", "9")
"""FACS action units of the upper face that may flash."""
MIN_UNITS, MAX_UNITS = 1, 3
"""Number of units that flash together. Hand-tuned."""
ONE_SIDED_CHANCE, WEAK_SIDE_SHARE = 0.4, 0.35
"""Chance that one side is weaker, and its size as a share of the other's. Hand-tuned."""
SUPPRESSING_EMOTIONS = ("restraint", "numbness", "indifference")
"""Named emotions that suppress the others of the mixture."""
MIN_EMOTION = 0.15
"""Sum of the emotions' weights below which nothing flashes. Hand-tuned."""


def micro_expressions(take: Take, context: Context) -> Layer | None:
    """Add micro-expressions to the upper face.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Emotion, style and seed.

    Returns
    -------
    Layer or None
        Mode ``add``: controls of the upper face, float32 of shape (T, C). None where there is no emotion.
    """
    table = action_unit_table()
    columns = table.columns("upper")
    events = _draw(context, emotion_signals(context))
    peaks = [size * (row @ table.to[:, columns]) for _, size, _, _, row in events]
    touched = np.flatnonzero(np.any(peaks, axis=0)) if events else np.zeros(0, int)
    if not len(touched):
        return None
    upper = context.config.upper_face * style_value(context, "upper_face")
    values = np.zeros((context.frames, len(touched)), np.float32)
    for (at, _, rise, fall, _), peak in zip(events, peaks, strict=True):
        span, curve = pulse(context, at, rise, fall)
        values[span] += curve[:, None] * peak[touched]
    values *= upper if np.ndim(upper) == 0 else np.asarray(upper, np.float32)[:, None]
    names = tuple(table.controls[columns[i]] for i in touched)
    return Layer("micro", "add", Animation(context.fps, names, owned(values)))


MicroExpression = tuple[float, float, float, float, np.ndarray]
"""Time of the peak (s), size, rise (s), fall (s) and strengths of the units, shape (U,)."""


def _draw(context: Context, weights: EmotionSignals) -> list[MicroExpression]:
    """The micro-expressions of the clip, in order."""
    table, names = action_unit_table(), list(named_emotions())
    suppressing = [names.index(name) for name in SUPPRESSING_EMOTIONS]
    rng = context.rng("micro")
    found: list[MicroExpression] = []
    at, end = 0.0, duration(context)
    while True:
        draws, priorities = rng.random(7), rng.random(len(table.units) // 2)
        current = np.zeros(len(names))
        current[weights.columns] = weights.rows[min(len(weights.rows) - 1, int(at * float(context.fps)))]
        suppression = min(1.0, 2 * float(current[suppressing].sum()))
        current[suppressing] = 0.0
        total = float(current.sum())
        rate = min(1.0, total) * (RATE_PER_MINUTE + (SUPPRESSED_PER_MINUTE - RATE_PER_MINUTE) * suppression)
        at += -np.log(1 - draws[0]) * 60 / max(rate, 1.0)
        if at >= end:
            return found
        if total < MIN_EMOTION or rate < 1.0:
            continue
        strongest = int(current.argmax())
        row = _subset(table.mean[strongest], priorities, draws[1], draws[2])
        size = (
            (SIZE + (SUPPRESSED_SIZE - SIZE) * suppression) * (0.6 + 0.4 * draws[3]) * min(1.0, total / 0.5)
        )
        rise = RISE_S[0] + (RISE_S[1] - RISE_S[0]) * draws[4]
        fall = FALL_S[0] + (FALL_S[1] - FALL_S[0]) * draws[5]
        found.append((at + rise, size, rise, fall, row))


def _subset(mean: np.ndarray, priorities: np.ndarray, count_draw: float, side_draw: float) -> np.ndarray:
    """A few of the upper face's units of an emotion's ``mean`` [U], sometimes weaker on one side."""
    table = action_unit_table()
    strength = mean.reshape(-1, 2).max(axis=1) * [name in UNITS for name, _ in table.units[::2]]
    order = np.argsort(-strength * (0.3 + priorities))
    count = MIN_UNITS + int(count_draw * (MAX_UNITS - MIN_UNITS + 1))
    selected = np.zeros(len(strength))
    selected[order[:count]] = 1.0
    row = np.repeat(selected, 2) * mean
    if side_draw < ONE_SIDED_CHANCE:
        row[int(side_draw < ONE_SIDED_CHANCE / 2) :: 2] *= WEAK_SIDE_SHARE
    return row
