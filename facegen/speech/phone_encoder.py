"""The built-in speech encoder: log-mel frames through the phone network, with loudness and pitch beside them.

One code path serves files and live sound. All parts work on blocks that start at fixed places of the sound, so
how the sound was cut when it was read changes nothing, and no more than a block with its context is held.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike

import numpy as np

from facegen.core.memory import trim_heap
from facegen.core.progress import Progress
from facegen.core.units import FEATURE_HZ
from facegen.speech.audio import AudioStream, rechunk
from facegen.speech.block_processing import BlockBuffer
from facegen.speech.logmel import BANDS, CONTEXT, HOP, broad, logmel_frames
from facegen.speech.phone_network import QUIET_DB, PhoneNetwork
from facegen.speech.phones import FEATURE_BANDS, LABELS, Features
from facegen.speech.prosody import ENERGY_CONTEXT, PITCH_CONTEXT, energy_frames, pitch_frames
from facegen.speech.streaming_features import StreamingFeatures

FILE_STEP = 1024  # frames of one window when a file is read
FILE_BLOCKS = 4  # windows read at a time, so that threads have something to share out
LIVE_STEP = 4  # frames of one window of live sound
TRIM_EVERY = 16  # parts joined between two returns of memory


class PhoneEncoder:
    """Sound to Features by the built-in network, or the one in the ONNX file ``model``.

    Raises ModelError for a file that is no phone model (see ``PhoneNetwork``).
    """

    def __init__(self, model: str | PathLike | None = None) -> None:
        self.network = PhoneNetwork(model)

    def encode(
        self, sound: AudioStream, progress: Progress | None = None, bottleneck: bool = False
    ) -> Features:
        """The features of the whole ``sound``, ceil(samples / 160) frames.

        ``progress("encode", seconds, total)`` is called after each block; ``bottleneck`` asks for that matrix too.
        """
        stream = self.stream(FILE_STEP, bottleneck)
        parts, frames = [], 0
        for block in rechunk(sound.blocks(), FILE_BLOCKS * FILE_STEP * HOP):
            parts.append(stream.push(block))
            frames += len(parts[-1])
            if progress is not None:
                progress("encode", frames / FEATURE_HZ, sound.estimate)
        parts.append(stream.close())
        return _join(parts)

    def stream(self, step: int = LIVE_STEP, bottleneck: bool = False) -> PhoneStream:
        """A stream that takes sound as it comes; ``step`` frames are computed at a time."""
        return PhoneStream(self.network, step, bottleneck)

    def window(self, step: int, keep: int) -> StreamingFeatures:
        """The last ``keep`` frames of live sound up to its end, whose latest phones are provisional."""
        return StreamingFeatures(self.network, step, keep)


class PhoneStream:
    """Features of sound that comes in blocks, the same as those of the whole sound.

    ``push(block)`` takes samples [n] at 16 kHz and gives the features that are due, which lag by ``lag`` frames
    and up to two steps; ``close()`` gives the rest.
    """

    def __init__(self, network: PhoneNetwork, step: int = LIVE_STEP, bottleneck: bool = False) -> None:
        self._network, self._bottleneck = network, bottleneck
        step = -(-step // network.stride) * network.stride
        silence = np.full(BANDS, network.pad_value, np.float32)
        width = len(LABELS) + (network.bottleneck_width if bottleneck else 0)
        self._mel = BlockBuffer(logmel_frames, (CONTEXT, CONTEXT), step * HOP, HOP, row=(BANDS,))
        self._phones = BlockBuffer(self._classify, (network.left, network.right), step, 1, silence, (width,))
        self._energy = BlockBuffer(energy_frames, (ENERGY_CONTEXT, ENERGY_CONTEXT), step * HOP, HOP)
        self._pitch = BlockBuffer(pitch_frames, (PITCH_CONTEXT, PITCH_CONTEXT), step * HOP, HOP)
        bands = np.zeros((0, FEATURE_BANDS), np.float16)
        self._waiting = [*(part.none for part in (self._phones, self._energy, self._pitch)), bands]

    @property
    def lag(self) -> int:
        """Frames after a frame's end that must be heard before it can be given."""
        network = self._network.right + -(-CONTEXT // HOP)
        return max(network, -(-PITCH_CONTEXT // HOP))

    def push(self, block: np.ndarray) -> Features:
        block = np.asarray(block, np.float32)
        mel = self._mel.push(block)
        return self._emit(self._phones.push(mel), broad(mel), block, BlockBuffer.push)

    def close(self) -> Features:
        mel = self._mel.close()
        rest = np.concatenate([self._phones.push(mel), self._phones.close()])
        return self._emit(rest, broad(mel), np.zeros(0, np.float32), lambda part, _: part.close())

    def _emit(self, rows: np.ndarray, bands: np.ndarray, block: np.ndarray, step: Callable) -> Features:
        fresh = (rows, step(self._energy, block), step(self._pitch, block), bands.astype(np.float16))
        waiting = [np.concatenate([old, new]) for old, new in zip(self._waiting, fresh, strict=True)]
        count = min(map(len, waiting))
        self._waiting = [w[count:] for w in waiting]
        rows, energy, pitch, bands = (w[:count] for w in waiting)
        posteriors = np.exp(rows[:, : len(LABELS)])
        posteriors[energy < QUIET_DB] = np.eye(1, len(LABELS), dtype=np.float32)
        deep = rows[:, len(LABELS) :].copy() if self._bottleneck else None
        return Features(posteriors.astype(np.float16), energy, pitch, deep, bands=bands)

    def _classify(self, window: np.ndarray) -> np.ndarray:
        scores, deep = self._network.run(window, self._bottleneck)
        rows = scores if deep is None else np.concatenate([scores, deep], axis=1)
        return rows[self._network.left : len(window) - self._network.right]


def _join(parts: list[Features]) -> Features:
    """One Features of consecutive ones; frees each part once copied, so that an hour is never held twice."""
    total = sum(map(len, parts))
    deep = parts[0].bottleneck
    posteriors = np.empty((total, len(LABELS)), np.float16)
    energy, pitch = np.empty(total, np.float32), np.empty(total, np.float32)
    bands = np.empty((total, FEATURE_BANDS), np.float16)
    bottleneck = None if deep is None else np.empty((total, deep.shape[1]), np.float32)
    at = 0
    for index in range(len(parts)):
        part, parts[index] = parts[index], None  # type: ignore[call-overload]
        span = slice(at, at := at + len(part))
        posteriors[span], energy[span], pitch[span] = part.posteriors, part.energy, part.pitch
        bands[span] = part.bands
        if bottleneck is not None:
            bottleneck[span] = part.bottleneck
        if index % TRIM_EVERY == TRIM_EVERY - 1:
            trim_heap()
    return Features(posteriors, energy, pitch, bottleneck, bands=bands)
