"""``EmotionTrack``: emotion over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from facegen.core.errors import ConfigError
from facegen.emotion.curves import EMOTION_HZ, EmotionCurve, plain_summary
from facegen.emotion.lexicon import CATEGORIES, named_emotions
from facegen.emotion.model import Emotion


@dataclass(frozen=True)
class EmotionSpan:
    """An emotion held from ``start`` to ``end`` seconds, coming in ``fade_in`` and going in ``fade_out`` s (by default
    as quickly as that emotion does), and the name of a style for the while, if any; one that ``leaves`` what is felt as
    it is names only the style."""

    start: float
    end: float
    emotion: Emotion
    fade_in: float | None = None
    fade_out: float | None = None
    style: str = ""
    leaves: bool = False

    def __post_init__(self) -> None:
        if not (0 <= self.start < self.end):
            raise ConfigError(
                f"the emotion span {self.start}..{self.end} s is empty or reversed", remedy="start < end"
            )
        for name, value in (("fade_in", self.fade_in), ("fade_out", self.fade_out)):
            if value is not None and not 0 <= value <= 60:
                raise ConfigError(f"{name} {value} is not in 0..60 s", remedy="use a number in 0..60")

    def amount(self, times: np.ndarray) -> np.ndarray:
        """How far the span is in at ``times`` [T] seconds, 0..1: half at its start and end."""
        rise, fall = self._fades()
        part = np.clip(np.minimum((times - self.start) / rise, (self.end - times) / fall) + 0.5, 0, 1)
        return part * part * (3 - 2 * part)

    def reach(self, times: np.ndarray) -> slice:
        """The part of ascending ``times`` [T] in which the span is in at all."""
        rise, fall = self._fades()
        first, last = np.searchsorted(times, (self.start - rise / 2, self.end + fall / 2))
        return slice(int(first), int(last))

    def _fades(self) -> tuple[float, float]:
        longest = self.end - self.start
        onset = self.emotion.onset
        asked = (onset if fade is None else fade for fade in (self.fade_in, self.fade_out))
        rise, fall = (max(1e-3, min(fade, longest)) for fade in asked)
        return rise, fall


@dataclass(frozen=True)
class EmotionTrack:
    """An emotion for each instant: ``base``, or where it ``follows`` what was ``heard`` that, and spans over it,
    cross-faded over the emotion's onset.

    Raises ConfigError for spans that overlap or are out of order.
    """

    base: Emotion = field(default_factory=Emotion)
    spans: tuple[EmotionSpan, ...] = ()
    heard: EmotionCurve | None = None
    follows: bool = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        for before, after in zip(self.spans, self.spans[1:], strict=False):
            if after.start < before.end - 1e-9:
                raise ConfigError(
                    f"the emotion spans at {before.start} s and {after.start} s overlap or are out of order",
                    remedy="let each start where the one before ends, or later",
                )

    @property
    def changes(self) -> bool:
        """Whether it is not the same all the time."""
        return bool(self.spans) or (self.follows and self.heard is not None)

    def weights(self, times: np.ndarray) -> np.ndarray:
        """Weights of ``CATEGORIES`` [T, 8] float32 at ascending ``times`` [T] seconds; rows sum to 1."""
        return self._faded(times, Emotion.distribution)

    def named_weights(self, times: np.ndarray, columns: np.ndarray | None = None) -> np.ndarray:
        """Weights of the named emotions [T, N] float32 at ascending ``times`` [T] seconds; rows sum to 1. With
        ``columns``, which begin as ``named_columns`` do, only of those."""
        chosen = slice(None) if columns is None else columns
        return self._faded(times, lambda emotion: emotion.named_distribution()[chosen])

    @property
    def named_columns(self) -> np.ndarray:
        """Numbers, rising, of neutral and of the named emotions that ever have a weight."""
        rows = [self.base.named_distribution(), *(s.emotion.named_distribution() for s in self.spans)]
        present = np.any(rows, axis=0)
        present[: len(CATEGORIES) if self.changes else 1] = True
        return np.flatnonzero(present)

    def _faded(self, times: np.ndarray, row_of: Callable[[Emotion], np.ndarray]) -> np.ndarray:
        times = np.asarray(times, np.float64)
        rows = self._below(times, row_of)
        for span in self.spans:
            if span.leaves:
                continue
            part = span.reach(times)
            amount = span.amount(times[part])[:, None].astype(np.float32)
            rows[part] += amount * (row_of(span.emotion).astype(np.float32) - rows[part])
        return rows

    def _below(self, times: np.ndarray, row_of: Callable[[Emotion], np.ndarray]) -> np.ndarray:
        """What lies below the spans, [T, N]."""
        base = row_of(self.base).astype(np.float32)
        if self.heard is None or not self.follows:
            return np.tile(base, (len(times), 1))
        heard = self.heard.at(self.heard.shown, times)
        if len(base) == len(CATEGORIES):
            return heard
        rows = np.zeros((len(times), len(base)), np.float32)
        rows[:, : len(CATEGORIES)] = heard  # they are the first of the named emotions
        return rows

    def summary(self) -> dict[str, Any]:
        """``valence``, ``arousal``, ``dominance`` and ``confidence`` as numbers, and the probability of each of
        CATEGORIES under ``categories``: of what was heard, or asked for, over the whole time."""
        if self.heard is not None and self.follows and not self.spans:
            return self.heard.summary()
        end = max([len(self.heard) / EMOTION_HZ if self.heard else 0.0, *(span.end for span in self.spans)])
        times = (np.arange(max(1, round(end * EMOTION_HZ))) + 0.5) / EMOTION_HZ
        weights = self.weights(times).mean(axis=0)
        point = np.array([named_emotions()[name].vad for name in CATEGORIES]).T @ weights
        if not self.spans:
            point = np.array(self.base.vad)
        return plain_summary(point, weights / weights.sum(), 1.0)

    def asked(self, base: Emotion | None = None) -> EmotionTrack:
        """The track that keeps what was heard but shows ``base`` (by default its own) instead."""
        return replace(self, base=self.base if base is None else base, follows=False)
