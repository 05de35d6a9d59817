"""Live lips: any decoder in steps, over a window of features that does not grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facegen.config import Config
from facegen.motion.lipsync import Decoder
from facegen.speech.phones import Features


class StreamingDecoder:
    """The rows of a decoder for part of the feature frames at a time, equal to those of the whole.

    Parameters
    ----------
    decoder : Decoder
        Whose ``before`` and ``ahead`` say how many frames around a part ``rows`` must be given.
    config : Config
        The settings that it decodes by.
    """

    def __init__(self, decoder: Decoder, config: Config) -> None:
        self._decoder, self._config = decoder, config
        self.before, self.ahead = decoder.before, decoder.ahead
        self.controls = tuple(decoder.controls)

    def rows(self, features: Features, first: int, last: int) -> NDArray[np.float32]:
        """The controls of some feature frames.

        Parameters
        ----------
        features : Features
            Frames that begin at an even frame of the sound. Coming frames that are missing are taken to be like the
            last.
        first, last : int
            The frames ``first`` to ``last - 1`` of ``features`` are wanted.

        Returns
        -------
        ndarray of float32, shape (last - first, C)
        """
        span = slice(first - first % 2, last)
        return np.asarray(self._decoder.rows(features, self._config, span), np.float32)[first:last]


def hold_last_frame(features: Features, count: int) -> Features:
    """``features`` with ``count`` frames after them that are like the last."""

    def extended(rows: np.ndarray) -> np.ndarray:
        return np.concatenate([rows, np.repeat(rows[-1:], count, axis=0)])

    if count <= 0 or not len(features):
        return features
    return Features(extended(features.posteriors), extended(features.energy), extended(features.pitch))
