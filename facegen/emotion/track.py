"""``EmotionTrack``: emotion over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from facegen.emotion.space import Emotion
from facegen.errors import ConfigError


@dataclass(frozen=True)
class EmotionSpan:
    """An emotion held from ``start`` to ``end`` seconds."""

    start: float
    end: float
    emotion: Emotion

    def __post_init__(self) -> None:
        if not (0 <= self.start < self.end):
            raise ConfigError(
                f"the emotion span {self.start}..{self.end} s is empty or reversed", remedy="start < end"
            )


@dataclass(frozen=True)
class EmotionTrack:
    """An emotion for each instant: ``base`` and spans over it, cross-faded over the emotion's onset.

    Raises ConfigError for spans that overlap or are out of order.
    """

    base: Emotion = field(default_factory=Emotion)
    spans: tuple[EmotionSpan, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        for before, after in zip(self.spans, self.spans[1:], strict=False):
            if after.start < before.end - 1e-9:
                raise ConfigError(
                    f"the emotion spans at {before.start} s and {after.start} s overlap or are out of order",
                    remedy="let each start where the one before ends, or later",
                )

    def weights(self, times: np.ndarray) -> np.ndarray:
        """Weights of ``CATEGORIES`` [T, 8] float32 at ``times`` [T] seconds; rows sum to 1."""
        return self._faded(times, Emotion.distribution)

    def named_weights(self, times: np.ndarray) -> np.ndarray:
        """Weights of the named emotions [T, N] float32 at ``times`` [T] seconds; rows sum to 1."""
        return self._faded(times, Emotion.named_distribution)

    def _faded(self, times: np.ndarray, row_of: Callable[[Emotion], np.ndarray]) -> np.ndarray:
        rows = np.tile(row_of(self.base), (len(times), 1))
        for span in self.spans:
            fade = min(span.emotion.onset, (span.end - span.start) / 2)
            into = np.clip((times - span.start) / fade + 0.5, 0, 1)
            out = np.clip((span.end - times) / fade + 0.5, 0, 1)
            amount = np.minimum(into, out)
            amount = amount * amount * (3 - 2 * amount)
            rows += amount[:, None] * (row_of(span.emotion) - rows)
        return rows.astype(np.float32)
