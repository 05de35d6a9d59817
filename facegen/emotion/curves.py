"""``EmotionCurve``: the emotion that a voice was heard with, ten times a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from facegen.core.errors import ModelError
from facegen.core.memory import chunks
from facegen.emotion.lexicon import CATEGORIES

EMOTION_HZ = 10
SOUNDS = ("laugh", "cry", "sigh", "gasp", "groan", "breath")
"""Sounds that are no speech and that a face shows."""
AXES = ("valence", "arousal", "dominance")
# How a face follows what is heard: not for less than LEAST of a category's probability, never fully, and smoothly.
LEAST, MOST = 0.22, 0.9
ONSET_S, OFFSET_S = 0.35, 0.8  # each of two filters in a row; onsets are faster than offsets


@dataclass(frozen=True, eq=False)
class EmotionCurve:
    """What is heard at EMOTION_HZ; row i is about [i / 10, (i + 1) / 10) s.

    ``vad`` [N, 3] valence, arousal and dominance in -1..1; ``categories`` [N, 8] probabilities of CATEGORIES (rows sum to
    1); ``confidence`` [N] in 0..1, 0 where nobody speaks; ``sounds`` [N, 6] probabilities of SOUNDS. Raises ModelError
    for numbers that are not finite, out of range or of other shapes.
    """

    vad: np.ndarray
    categories: np.ndarray
    confidence: np.ndarray
    sounds: np.ndarray

    def __post_init__(self) -> None:
        count = len(self.confidence)
        shapes = {"vad": (count, 3), "categories": (count, len(CATEGORIES)), "confidence": (count,)}
        for name, shape in {**shapes, "sounds": (count, len(SOUNDS))}.items():
            rows = np.asarray(getattr(self, name), np.float32)
            low = -1.0 if name == "vad" else 0.0
            if rows.shape != shape or not ((rows >= low - 1e-4) & (rows <= 1 + 1e-4)).all():
                raise ModelError(
                    f"the heard {name} {rows.shape} are not {shape} numbers in {low:g}..1",
                    remedy="use another --emotion-encoder",
                )
            rows = np.clip(rows, low, 1)
            rows.flags.writeable = False
            object.__setattr__(self, name, rows)

    def __len__(self) -> int:
        return len(self.confidence)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, EmotionCurve):
            return NotImplemented
        return all(np.array_equal(a, b) for a, b in zip(self.arrays, other.arrays, strict=True))

    __hash__ = None  # type: ignore[assignment]

    @property
    def arrays(self) -> tuple[np.ndarray, ...]:
        """``vad``, ``categories``, ``confidence``, ``sounds``."""
        return self.vad, self.categories, self.confidence, self.sounds

    @property
    def times(self) -> np.ndarray:
        """The middle of each row, [N] s."""
        return (np.arange(len(self)) + 0.5) / EMOTION_HZ

    @classmethod
    def nothing(cls, count: int = 0) -> EmotionCurve:
        """``count`` rows in which nobody is heard: neutral, confidence 0."""
        neutral = np.eye(1, len(CATEGORIES), dtype=np.float32).repeat(count, axis=0)
        return cls(np.zeros((count, 3)), neutral, np.zeros(count), np.zeros((count, len(SOUNDS))))

    @classmethod
    def joined(cls, parts: Sequence[EmotionCurve]) -> EmotionCurve:
        """Consecutive parts as one."""
        if not parts:
            return cls.nothing()
        return cls(*(np.concatenate(rows) for rows in zip(*(part.arrays for part in parts), strict=True)))

    def sounding(self, name: str, start: float, end: float) -> EmotionCurve:
        """The same with the sound ``name`` of SOUNDS from ``start`` to ``end`` s for certain."""
        rows = np.array(self.sounds)
        rows[round(start * EMOTION_HZ) : max(round(start * EMOTION_HZ) + 1, round(end * EMOTION_HZ))] = 0.0
        rows[round(start * EMOTION_HZ) : round(end * EMOTION_HZ), SOUNDS.index(name)] = 1.0
        return replace(self, sounds=rows)

    @cached_property
    def shown(self) -> np.ndarray:
        """Weights of CATEGORIES [N, 8] for a face: what is heard as surely as it is, smoothed, each row by those before
        it; rows sum to 1. Doubtful, it stays near neutral."""
        wanted = np.clip((self.categories - LEAST) / (1 - LEAST), 0, 1) * (
            MOST * self.confidence[:, None] ** 0.5
        )
        wanted[:, 0] = 0
        rise, fall = (1 - np.exp(-1 / (EMOTION_HZ * seconds)) for seconds in (ONSET_S, OFFSET_S))
        rows = np.zeros_like(wanted)
        first = second = wanted[0] if len(wanted) else wanted  # a talker begins in the mood that he speaks in
        for at, goal in enumerate(wanted):
            first = first + np.where(goal > first, rise, fall) * (goal - first)
            second = second + np.where(first > second, rise, fall) * (first - second)
            rows[at] = second
        rows[:, 0] = 1 - rows.sum(axis=1)
        rows.flags.writeable = False
        return rows

    def at(self, rows: np.ndarray, times: np.ndarray) -> np.ndarray:
        """``rows`` [N, C] of this curve read at ``times`` [T] s, [T, C]: linear between rows, held at the ends."""
        read = np.zeros((len(times), *rows.shape[1:]), np.float32)
        for span in chunks(len(times) if len(rows) else 0):
            place = np.clip(np.asarray(times[span]) * EMOTION_HZ - 0.5, 0, len(rows) - 1)
            low = place.astype(np.int64)
            high = np.minimum(low + 1, len(rows) - 1)
            part = (place - low).astype(np.float32).reshape(-1, *([1] * (rows.ndim - 1)))
            read[span] = rows[low] * (1 - part) + rows[high] * part
        return read

    def summary(self) -> dict[str, Any]:
        """One answer for all of it, the rows weighed by their confidence: ``valence``, ``arousal``, ``dominance``,
        ``confidence``, ``categories``."""
        weight = self.confidence.astype(np.float64) ** 2  # sure rows count: they saw more of the sound
        if weight.sum() < 1e-9:
            return plain_summary((0.0, 0.0, 0.0), np.eye(len(CATEGORIES))[0], 0.0)
        share = weight / weight.sum()
        mixed = np.exp(share @ np.log(np.maximum(self.categories, 1e-4)))  # as evidence, not as a vote
        return plain_summary(share @ self.vad, mixed / mixed.sum(), float(share @ self.confidence))


def plain_summary(vad: Any, categories: np.ndarray, confidence: float) -> dict[str, Any]:
    """The answer of ``summary`` as plain numbers; the probabilities add to 1."""
    named: Mapping[str, float] = dict(zip(CATEGORIES, (float(x) for x in categories), strict=True))
    point = dict(zip(AXES, (float(x) for x in vad), strict=True))
    return {**point, "confidence": float(confidence), "categories": dict(named)}
