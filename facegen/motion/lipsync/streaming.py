"""Any decoder in steps: the lips of sound as it comes, from a window of what was heard that does not grow."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from facegen.config import Config
from facegen.core.units import FEATURE_HZ
from facegen.emotion import EmotionTrack
from facegen.motion.context import Context
from facegen.speech.phones import Features, PhoneTrack

USUAL_BEFORE, USUAL_AHEAD = 600, 20
"""Frames that a decoder may look at before and after one, where it does not say."""


class StreamingDecoder:
    """The rows of ``decoder`` for a part of the feature frames at a time, as it gives them for the whole.

    ``before`` and ``ahead`` are the frames around that part which ``rows`` must be given for that.
    """

    def __init__(self, decoder: Any, config: Config) -> None:
        self._decoder, self._config = decoder, config
        self.before: int = getattr(decoder, "before", USUAL_BEFORE)
        self.ahead: int = getattr(decoder, "ahead", USUAL_AHEAD)
        self.controls = tuple(getattr(decoder, "controls", ()) or self._whole(_silence(1)).controls)

    def rows(self, features: Features, first: int, last: int) -> np.ndarray:
        """Controls [last - first, C] of the feature frames ``first``..``last`` of ``features``, which must begin at
        an even frame of the sound. Coming frames that are missing are taken to be like the last."""
        some = getattr(self._decoder, "rows", None)
        span = slice(first - first % 2, last)
        rows = some(features, self._config, span) if some else self._whole(features).values
        return np.asarray(rows, np.float32)[first:last]

    def _whole(self, features: Features) -> Any:
        rate = Fraction(FEATURE_HZ)
        context = Context(self._config, rate, len(features), features, PhoneTrack(), EmotionTrack())
        return self._decoder.decode(context)


def held(features: Features, count: int) -> Features:
    """``features`` with ``count`` frames after them that are like the last."""

    def longer(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.repeat(rows[-1:], count, axis=0)])

    if count <= 0 or not len(features):
        return features
    return Features(longer(features.posteriors), longer(features.energy), longer(features.pitch))


def _silence(count: int) -> Features:
    posteriors = np.zeros((count, 40), np.float32)
    posteriors[:, 0] = 1
    return Features(posteriors, np.full(count, -100, np.float32), np.zeros(count, np.float32))
