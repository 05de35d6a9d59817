"""Micro-expressions: what is felt flashes in the upper face for a fraction of a second, most of all when held back.

They last 1/25 to 1/2 s and show part of the expression, often on one side (Ekman and Friesen 1969; Yan et al. 2013).
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

A_MINUTE, HELD_A_MINUTE = 4.0, 22.0  # with a full emotion, and with one that is held back
SIZE, HELD_SIZE = 0.35, 0.9  # of the expression
RISE_S, FALL_S = (0.06, 0.14), (0.12, 0.3)
UNITS = ("1", "2", "4", "5", "6", "7", "9")
FEWEST, MOST = 1, 3  # units that flash together
ONE_SIDED, OTHER_SIDE = 0.4, 0.35
HOLDING = ("restraint", "numbness", "indifference")
LEAST = 0.15


def micro_expressions(take: Take, context: Context) -> Layer | None:
    """Upper face controls [T, C], added to those below; None where nothing is felt."""
    table = action_unit_table()
    columns = table.columns("upper")
    flashes = _flashes(context, emotion_signals(context))
    reach = [size * (row @ table.to[:, columns]) for _, size, _, _, row in flashes]
    moved = np.flatnonzero(np.any(reach, axis=0)) if flashes else np.zeros(0, int)
    if not len(moved):
        return None
    upper = context.config.upper_face * style_value(context, "upper_face")
    values = np.zeros((context.frames, len(moved)), np.float32)
    for (at, _, rise, fall, _), most in zip(flashes, reach, strict=True):
        span, curve = pulse(context, at, rise, fall)
        values[span] += curve[:, None] * most[moved]
    values *= upper if np.ndim(upper) == 0 else np.asarray(upper, np.float32)[:, None]
    names = tuple(table.controls[columns[i]] for i in moved)
    return Layer("micro", "add", Animation(context.fps, names, owned(values)))


Flash = tuple[float, float, float, float, np.ndarray]


def _flashes(context: Context, weights: EmotionSignals) -> list[Flash]:
    """Time, size, rise, fall and unit strengths [U] of each flash."""
    table, names = action_unit_table(), list(named_emotions())
    holding = [names.index(name) for name in HOLDING]
    rng = context.rng("micro")
    found: list[Flash] = []
    at, end = 0.0, duration(context)
    while True:
        draws, pick = rng.random(7), rng.random(len(table.units) // 2)
        shown = np.zeros(len(names))
        shown[weights.columns] = weights.rows[min(len(weights.rows) - 1, int(at * float(context.fps)))]
        held = min(1.0, 2 * float(shown[holding].sum()))
        shown[holding] = 0.0
        total = float(shown.sum())
        rate = min(1.0, total) * (A_MINUTE + (HELD_A_MINUTE - A_MINUTE) * held)
        at += -np.log(1 - draws[0]) * 60 / max(rate, 1.0)
        if at >= end:
            return found
        if total < LEAST or rate < 1.0:
            continue
        strongest = int(shown.argmax())
        row = _part(table.mean[strongest], pick, draws[1], draws[2])
        size = (SIZE + (HELD_SIZE - SIZE) * held) * (0.6 + 0.4 * draws[3]) * min(1.0, total / 0.5)
        rise = RISE_S[0] + (RISE_S[1] - RISE_S[0]) * draws[4]
        fall = FALL_S[0] + (FALL_S[1] - FALL_S[0]) * draws[5]
        found.append((at + rise, size, rise, fall, row))


def _part(mean: np.ndarray, pick: np.ndarray, many: float, side: float) -> np.ndarray:
    """A few of the upper face's units of an emotion's ``mean`` [U], now and then on one side."""
    table = action_unit_table()
    strength = mean.reshape(-1, 2).max(axis=1) * [name in UNITS for name, _ in table.units[::2]]
    order = np.argsort(-strength * (0.3 + pick))
    count = FEWEST + int(many * (MOST - FEWEST + 1))
    kept = np.zeros(len(strength))
    kept[order[:count]] = 1.0
    row = np.repeat(kept, 2) * mean
    if side < ONE_SIDED:
        row[int(side < ONE_SIDED / 2) :: 2] *= OTHER_SIDE
    return row
