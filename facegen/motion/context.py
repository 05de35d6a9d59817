"""What a decoder or a pass may look at: the clip's features, phones and emotion, and the settings."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.memory import chunks
from facegen.emotion import EmotionTrack
from facegen.speech.phones import Features, PhoneTrack


class GazeTarget(NamedTuple):
    """From ``at`` s on the eyes rest ``left`` and ``up`` degrees from ahead."""

    at: float
    left: float
    up: float


@dataclass(frozen=True)
class Context:
    """What a decoder or a pass may look at: the clip's features, phones and emotion, and the settings. ``looks`` say
    where the eyes rest over time where that is known, as in a conversation."""

    config: Config
    fps: Fraction
    frames: int
    features: Features
    phones: PhoneTrack
    emotion: EmotionTrack
    looks: tuple[GazeTarget, ...] = ()
    reference: Animation | None = None  # curves whose upper face is borrowed

    def rng(self, name: str) -> np.random.Generator:
        """The generator of the pass ``name``: its own, so that one pass never disturbs another."""
        return np.random.default_rng([self.config.seed, zlib.crc32(name.encode())])

    def at_frames(self, rows: np.ndarray) -> np.ndarray:
        """Feature-rate ``rows`` [F] or [F, C] read at the middle of each animation frame, [T] or [T, C].

        Linear between feature frames, held at the ends.
        """
        values = np.zeros((self.frames, *rows.shape[1:]), np.float32)
        places = self.places(len(rows))
        for part in chunks(self.frames if len(rows) else 0):
            values[part] = self.read(rows, 0, places[part])
        return values

    def places(self, count: int) -> np.ndarray:
        """The middle of each animation frame in numbers of feature frames, of which there are ``count``, [T]."""
        place = (np.arange(self.frames) + 0.5) * float(self.features.rate / self.fps) - 0.5
        return np.clip(place, 0, max(0, count - 1))

    @staticmethod
    def read(rows: np.ndarray, first: int, places: np.ndarray) -> np.ndarray:
        """What stands at ``places`` [N] among ``rows`` [R] or [R, C], of which the first is number ``first``."""
        low = np.floor(places).astype(np.int64) - first
        high = np.minimum(low + 1, len(rows) - 1)
        part = (places - first - low).astype(np.float32)
        part = part.reshape(-1, *([1] * (rows.ndim - 1)))
        return (rows[low] * (1 - part) + rows[high] * part).astype(np.float32)
