"""What is heard of sound as it comes, up to its very end: surely where enough has followed, provisionally after that."""

from __future__ import annotations

import numpy as np

from facegen.speech.block_processing import BlockBuffer
from facegen.speech.logmel import BANDS, CONTEXT, HOP, logmel_frames
from facegen.speech.phone_network import QUIET_DB, PhoneNetwork
from facegen.speech.phones import LABELS, Features
from facegen.speech.prosody import ENERGY_CONTEXT, PITCH_CONTEXT, energy_frames, pitch_frames


class StreamingFeatures:
    """The last ``keep`` frames of the features of a sound that comes in blocks.

    ``push(block)`` takes samples [n] at 16 kHz; every ``step`` frames ``count`` grows. ``window()`` gives the frames
    ``start``..``count``. Those before ``settled`` are what the whole sound gives; the phones of later ones were
    heard as if the last frame of sound went on, and their pitch may be the last known one. After ``close()`` all are
    settled.
    """

    def __init__(self, network: PhoneNetwork, step: int, keep: int) -> None:
        self._network = network
        self.step = -(-step // network.stride) * network.stride
        self._keep = keep
        size = self.step * HOP
        self._parts = (
            BlockBuffer(logmel_frames, (CONTEXT, CONTEXT), size, HOP, row=(BANDS,)),
            BlockBuffer(energy_frames, (ENERGY_CONTEXT, ENERGY_CONTEXT), size, HOP),
            BlockBuffer(pitch_frames, (PITCH_CONTEXT, PITCH_CONTEXT), size, HOP),
        )
        silence = np.full(BANDS, network.pad_value, np.float32)
        self._mel = np.repeat(silence[None], network.left, axis=0)  # begins `left` frames before `settled`
        self._energy, self._pitch = np.zeros(0, np.float32), np.zeros(0, np.float32)
        self._posteriors = np.zeros((0, len(LABELS)), np.float32)
        self._silence = silence
        self.start = self.count = self.settled = 0

    def push(self, block: np.ndarray) -> bool:
        """Take in sound; whether there are new frames."""
        block = np.asarray(block, np.float32)
        mel, energy, pitch = (part.push(block) for part in self._parts)
        return self._grow(mel, energy, pitch)

    def close(self) -> bool:
        """Hear the rest, with silence after it."""
        mel, energy, pitch = (part.close() for part in self._parts)
        return self._grow(mel, energy, pitch, ended=True)

    def window(self) -> Features:
        """The frames ``start``..``count``."""
        return Features(self._posteriors, self._energy[: len(self._posteriors)], self._pitch_to_end())

    def _grow(self, mel: np.ndarray, energy: np.ndarray, pitch: np.ndarray, ended: bool = False) -> bool:
        self._energy = np.concatenate([self._energy, energy])
        self._pitch = np.concatenate([self._pitch, pitch])
        self._mel = np.concatenate([self._mel, mel])
        self.count += len(mel)
        if not len(mel) and not ended:
            return False
        self._hear(ended)
        self._forget()
        return True

    def _hear(self, ended: bool) -> None:
        """Phones of all frames that are not settled."""
        network, fresh = self._network, self.count - self.settled
        if not fresh:
            return
        after = self._silence if ended else self._mel[-1]
        window = np.concatenate([self._mel, np.repeat(after[None], network.right, axis=0)])
        rows = np.exp(network.run(window)[0][network.left : network.left + fresh])
        known = self.settled - self.start
        self._posteriors = np.concatenate([self._posteriors[:known], rows])
        quiet = self._energy[known : known + fresh] < QUIET_DB
        self._posteriors[known:][quiet] = np.eye(1, len(LABELS), dtype=np.float32)
        settled = self.count if ended else max(0, self.count - network.right)
        settled -= settled % network.stride if not ended else 0
        self._mel = self._mel[max(0, settled - self.settled) :]
        self.settled = max(self.settled, settled)

    def _forget(self) -> None:
        extra = min(len(self._posteriors) - self._keep, self.settled - self.start)
        if extra > 0:
            extra -= extra % self._network.stride
            self.start += extra
            self._posteriors = self._posteriors[extra:].copy()
            self._energy, self._pitch = self._energy[extra:].copy(), self._pitch[extra:].copy()

    def _pitch_to_end(self) -> np.ndarray:
        count = len(self._posteriors)
        pitch = self._pitch[:count]
        last = pitch[-1:] if len(pitch) else np.zeros(1, np.float32)
        return np.concatenate([pitch, np.repeat(last, count - len(pitch))])
