"""What a speech encoder is: sound to phones, loudness and pitch over time. Derive from ``Encoder`` to write your own.

An encoder needs two methods. ``encode`` takes a whole sound, ``stream`` takes sound in blocks; both give ``Features``:
probabilities of the 40 phone classes ``LABELS``, loudness and pitch at 100 Hz. ``window``, on which live animation rests,
is made of ``stream`` unless the encoder has a quicker way of its own. A package offers its encoder to
``--encoder NAME`` by an entry point of the group ``facegen.encoders`` that names the class; it is called without
arguments.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from facegen.core.progress import Progress
from facegen.speech.audio import AudioStream
from facegen.speech.phones import LABELS, Features


class FeatureStream(Protocol):
    """Features of sound that comes in blocks, each frame once and in order."""

    def push(self, block: NDArray[np.float32]) -> Features:
        """Take in more sound.

        Parameters
        ----------
        block : ndarray of float32, shape (n,)
            Samples in -1..1 at 16 kHz; any number of them.

        Returns
        -------
        Features
            The frames that are final now and were not given before, possibly none.
        """
        ...

    def close(self) -> Features:
        """End the sound.

        Returns
        -------
        Features
            The frames that remain, so that N samples have ceil(N / 160) frames in all.
        """
        ...


class FeatureWindow(Protocol):
    """The latest frames of sound that comes in blocks, up to its very end.

    Attributes
    ----------
    start : int
        Number of the first frame that is still held; always even.
    count : int
        Number of the frame after the last that is known.
    """

    start: int
    count: int

    def push(self, block: NDArray[np.float32]) -> bool:
        """Take in samples of shape (n,) at 16 kHz; whether ``count`` has grown."""
        ...

    def close(self) -> bool:
        """End the sound; whether ``count`` has grown."""
        ...

    def window(self) -> Features:
        """The frames ``start`` to ``count - 1``."""
        ...


@runtime_checkable
class Encoder(Protocol):
    """A speech encoder: what ``--encoder`` chooses.

    Derive from it and write ``encode`` and ``stream``; ``window`` comes with it.
    """

    def encode(self, sound: AudioStream, progress: Progress | None = None) -> Features:
        """The features of a whole sound.

        Parameters
        ----------
        sound : AudioStream
            Read ``sound.blocks()``: blocks of float32 samples of shape (n,), mono at 16 kHz, 10 s each.
        progress : callable, optional
            To be called after each block with the step's name, "encode", the seconds done and all there are, or None.

        Returns
        -------
        Features
            ceil(samples / 160) frames at 100 Hz.

        Raises
        ------
        AudioError
            From ``sound.blocks()``, for a sound that is empty, damaged or clipped beyond use.
        ModelError
            For a model that fails to run.
        """
        ...

    def stream(self, step: int) -> FeatureStream:
        """A stream that takes sound as it comes.

        Parameters
        ----------
        step : int
            Frames (of 10 ms) worth computing at a time: a hint, small for live sound.
        """
        ...

    def window(self, step: int, keep: int) -> FeatureWindow:
        """The latest frames of live sound.

        Parameters
        ----------
        step : int
            Frames to compute at a time.
        keep : int
            Frames to hold at least, older ones may be forgotten.

        Returns
        -------
        FeatureWindow
            By default one of the stream's final frames, by whose lag live frames are then late. An encoder that
            can guess the frames of which it has not heard all context saves that time by a window of its own.
        """
        return StreamWindow(self.stream(step), keep)


class StreamWindow:
    """The last frames that a ``FeatureStream`` gave: the ``FeatureWindow`` of any encoder.

    Parameters
    ----------
    stream : FeatureStream
        Where the frames come from.
    keep : int
        Frames to hold at least.
    """

    def __init__(self, stream: FeatureStream, keep: int) -> None:
        self._stream, self._keep = stream, keep
        self._features = no_features()
        self.start = self.count = 0

    def push(self, block: NDArray[np.float32]) -> bool:
        """Take in samples of shape (n,) at 16 kHz; whether ``count`` has grown."""
        return self._grow(self._stream.push(block))

    def close(self) -> bool:
        """End the sound; whether ``count`` has grown."""
        return self._grow(self._stream.close())

    def window(self) -> Features:
        """The frames ``start`` to ``count - 1``."""
        return self._features

    def _grow(self, new: Features) -> bool:
        held = self._features
        posteriors = np.concatenate([held.posteriors, new.posteriors.astype(np.float32)])
        energy, pitch = np.concatenate([held.energy, new.energy]), np.concatenate([held.pitch, new.pitch])
        # An even number, since decoders work on pairs of frames.
        surplus = max(0, len(energy) - self._keep) // 2 * 2
        self._features = Features(posteriors[surplus:], energy[surplus:], pitch[surplus:])
        self.start, self.count = self.start + surplus, self.count + len(new)
        return len(new) > 0


def no_features() -> Features:
    """Features of no frames."""
    nothing = np.zeros(0, np.float32)
    return Features(np.zeros((0, len(LABELS)), np.float32), nothing, nothing)
