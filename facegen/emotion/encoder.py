"""What an emotion encoder is: a voice to its emotion over time. Derive from ``EmotionEncoder`` to write your own.

It needs one method, ``stream``. The stream takes blocks of sound, and the phone features that the speech encoder found in
them, and gives an ``EmotionCurve``: ten rows a second of valence, arousal, dominance, the probabilities of eight
categories, a confidence, and the probabilities of sounds such as laughter. Files and live sound go the same way. A
package offers its encoder to ``--emotion-encoder NAME`` by an entry point of the group ``facegen.emotion_encoders`` that
names the class; it is called without arguments.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from facegen.emotion.curves import EmotionCurve
from facegen.speech.phones import Features


class EmotionStream(Protocol):
    """The emotion in sound that comes in blocks, each row once and in order."""

    def push(self, block: NDArray[np.float32], features: Features | None = None) -> EmotionCurve:
        """Take in more sound.

        Parameters
        ----------
        block : ndarray of float32, shape (n,)
            Samples in -1..1 at 16 kHz; any number of them.
        features : Features, optional
            The phone features that have come since the last call. They may lag behind the sound; where a whole file is
            read, all come with ``close``.

        Returns
        -------
        EmotionCurve
            The rows that are final now and were not given before, possibly none. A row may look at most 1 s ahead:
            live animation shows what it is told 1.1 s later.
        """
        ...

    def close(self, features: Features | None = None) -> EmotionCurve:
        """End the sound.

        Parameters
        ----------
        features : Features, optional
            The phone features that have not been given yet.

        Returns
        -------
        EmotionCurve
            The rows that remain, so that N samples have ceil(N / 1600) rows in all.
        """
        ...


@runtime_checkable
class EmotionEncoder(Protocol):
    """An emotion encoder: what ``--emotion-encoder`` chooses."""

    def stream(self, live: bool = False) -> EmotionStream:
        """A stream for one sound.

        Parameters
        ----------
        live : bool
            Whether rows are wanted as soon as they can be known, rather than many at a time. The rows are the same.

        Raises
        ------
        ModelError
            For a model that fails to run.
        """
        ...
