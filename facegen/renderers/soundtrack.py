"""The sound of a video: any file that PyAV decodes, as frames of 48 kHz stereo of an exact total length."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.errors import AudioError

SOUND_HZ = 48_000
FRAME_SAMPLES = 960


def sound_frames(path: str | PathLike, start: float, seconds: Fraction) -> Iterator[Any]:
    """PyAV audio frames (float planar, stereo) of the sound from ``start`` s on, silence after its end.

    Together they hold round(seconds · 48 000) samples. Raises AudioError for what is no sound.
    """
    import av

    left = round(seconds * SOUND_HZ)
    samples = _pieces(path, round(start * SOUND_HZ))
    while left > 0:
        count = min(FRAME_SAMPLES, left)
        block = samples.take(count)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
        frame.sample_rate = SOUND_HZ
        left -= count
        yield frame


class _Samples:
    """Samples [2, n] taken in pieces of any length; zeros after the end."""

    def __init__(self, blocks: Iterator[np.ndarray]) -> None:
        self._blocks = blocks
        self._held = np.zeros((2, 0), np.float32)

    def take(self, count: int) -> np.ndarray:
        pieces = [self._held]
        held = self._held.shape[1]
        while held < count and (block := next(self._blocks, None)) is not None:
            pieces.append(block)
            held += block.shape[1]
        joined = np.concatenate(pieces, axis=1)
        self._held = joined[:, count:]
        return np.pad(joined[:, :count], ((0, 0), (0, max(0, count - held))))


def _pieces(path: str | PathLike, skip: int) -> _Samples:
    return _Samples(_skipped(_decoded(path), skip))


def _skipped(blocks: Iterator[np.ndarray], skip: int) -> Iterator[np.ndarray]:
    for block in blocks:
        if skip < block.shape[1]:
            yield block[:, skip:]
        skip = max(0, skip - block.shape[1])


def _decoded(path: str | PathLike) -> Iterator[np.ndarray]:
    """The file's sound in blocks [2, n] float32 at SOUND_HZ."""
    import av

    if not Path(path).is_file():
        raise AudioError("no such sound file", path=path, remedy="check the name and the folder")
    try:
        with av.open(str(path)) as source:
            if not source.streams.audio:
                raise AudioError("holds no sound", path=path, remedy="give a sound file")
            resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND_HZ)
            for frame in source.decode(audio=0):
                for piece in resampler.resample(frame):
                    yield np.nan_to_num(piece.to_ndarray(), posinf=0.0, neginf=0.0)
            for piece in resampler.resample(None):
                yield np.nan_to_num(piece.to_ndarray(), posinf=0.0, neginf=0.0)
    except av.FFmpegError as error:
        raise AudioError(
            f"can't be read as sound ({error.strerror or error})", path=path, remedy="convert it to WAV"
        ) from error
