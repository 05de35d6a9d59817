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
    """Where the eyes rest from an instant on.

    Attributes
    ----------
    at : float
        Seconds.
    left, up : float
        Degrees from straight ahead, to the character's left and up.
    """

    at: float
    left: float
    up: float


@dataclass(frozen=True)
class Context:
    """What a decoder or a pass may look at.

    Attributes
    ----------
    config : Config
        The settings.
    fps : Fraction
        Frames a second of the animation.
    frames : int
        Its length T.
    features : Features
        Phone posteriors, loudness and pitch at 100 Hz.
    phones : PhoneTrack
        The phones in time.
    emotion : EmotionTrack
        The emotion in time.
    looks : tuple of GazeTarget
        Where the eyes rest, where that is known, as in a conversation.
    reference : Animation or None
        Curves whose upper face the animation takes over.
    """

    config: Config
    fps: Fraction
    frames: int
    features: Features
    phones: PhoneTrack
    emotion: EmotionTrack
    looks: tuple[GazeTarget, ...] = ()
    reference: Animation | None = None  # curves whose upper face is borrowed

    def rng(self, name: str) -> np.random.Generator:
        """The random generator of the pass ``name``: its own, so that one pass never disturbs another."""
        return np.random.default_rng([self.config.seed, zlib.crc32(name.encode())])

    def at_frames(self, rows: np.ndarray) -> np.ndarray:
        """Feature-rate rows read at the middle of each animation frame.

        Parameters
        ----------
        rows : ndarray, shape (F,) or (F, C)
            Linear between feature frames, held at the ends.

        Returns
        -------
        ndarray of float32, shape (T,) or (T, C)
        """
        values = np.zeros((self.frames, *rows.shape[1:]), np.float32)
        places = self.places(len(rows))
        for part in chunks(self.frames if len(rows) else 0):
            values[part] = self.read(rows, 0, places[part])
        return values

    def places(self, count: int) -> np.ndarray:
        """The middle of each animation frame in numbers of feature frames.

        Parameters
        ----------
        count : int
            How many feature frames there are; places beyond them are held at the ends.

        Returns
        -------
        ndarray of float64, shape (T,)
        """
        place = (np.arange(self.frames) + 0.5) * float(self.features.rate / self.fps) - 0.5
        return np.clip(place, 0, max(0, count - 1))

    @staticmethod
    def read(rows: np.ndarray, first: int, places: np.ndarray) -> np.ndarray:
        """Rows at fractional places, linear between them.

        Parameters
        ----------
        rows : ndarray, shape (R,) or (R, C)
            Consecutive rows.
        first : int
            Number of the first of them.
        places : ndarray, shape (N,)
            Numbers of rows.

        Returns
        -------
        ndarray of float32, shape (N,) or (N, C)
        """
        low = np.floor(places).astype(np.int64) - first
        high = np.minimum(low + 1, len(rows) - 1)
        part = (places - first - low).astype(np.float32)
        part = part.reshape(-1, *([1] * (rows.ndim - 1)))
        return (rows[low] * (1 - part) + rows[high] * part).astype(np.float32)
