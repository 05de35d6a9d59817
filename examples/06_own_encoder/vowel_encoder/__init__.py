"""A speech encoder for facegen without a network: which of a few sounds it is, by loudness and the shape of the spectrum.

It hears less than the encoder that ships, but shows the contract: samples in, ``Features`` out, a hundred rows a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from facegen.speech.phones import LABELS, Features

RATE = 16_000
HOP, WINDOW = 160, 512  # samples: 100 rows a second, 32 ms each
FLOOR_DB = -50.0  # a frame below is silence
BANDS_HZ = {  # loudest band to phones: what the mouth does there
    (0, 450): ("UW", "M"),
    (450, 1000): ("AA", "AO"),
    (1000, 2600): ("AE", "EH"),
    (2600, 3800): ("IY",),
    (3800, 8000): ("S", "F"),
}
LOWEST_HZ, HIGHEST_HZ = 60, 400  # of a voice
VOICED = 0.5  # least correlation of a frame with itself one period later


class VowelEncoder:
    """Sound to features by loudness and spectrum."""

    def encode(
        self, sound: Any, progress: Callable[[str, float], None] | None = None, bottleneck: bool = False
    ) -> Features:
        """The features of the whole ``sound``: ``sound.blocks()`` gives samples [n] float in -1..1 at 16 kHz."""
        samples = np.concatenate([*sound.blocks(), np.zeros(0, np.float32)])
        count = -(-len(samples) // HOP)
        padded = np.pad(samples, (WINDOW // 2, WINDOW))
        frames = np.stack([padded[i * HOP : i * HOP + WINDOW] for i in range(count)] or [np.zeros(WINDOW)])[
            :count
        ]
        energy = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
        if progress is not None:
            progress("encode", count * HOP / RATE)
        return Features(self.posteriors(frames, energy), energy.astype(np.float32), self.pitch(frames))

    def posteriors(self, frames: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """Probabilities [F, 40] of facegen's phone classes; rows sum to 1."""
        power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1)) ** 2
        hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
        rows = np.zeros((len(frames), len(LABELS)), np.float32)
        weights = power * (hertz / 500.0)  # a voice falls by some 6 dB an octave
        loud = np.stack([weights[:, (hertz >= a) & (hertz < b)].sum(axis=1) for a, b in BANDS_HZ], axis=1)
        share = loud**2 / np.maximum((loud**2).sum(axis=1, keepdims=True), 1e-12)
        for column, phones in enumerate(BANDS_HZ.values()):
            for phone in phones:
                rows[:, LABELS.index(phone)] += share[:, column] / len(phones)
        rows[(energy < FLOOR_DB) | (rows.sum(axis=1) < 0.5)] = np.eye(1, len(LABELS))
        return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float16)

    def pitch(self, frames: np.ndarray) -> np.ndarray:
        """Hz [F] by autocorrelation, 0 where no voice is heard."""
        spectrum = np.abs(np.fft.rfft(frames, 2 * WINDOW, axis=1)) ** 2
        alike = np.fft.irfft(spectrum, axis=1)[:, :WINDOW]
        shortest, longest = RATE // HIGHEST_HZ, RATE // LOWEST_HZ
        period = alike[:, shortest:longest].argmax(axis=1) + shortest
        peak = alike[np.arange(len(frames)), period] / np.maximum(alike[:, 0], 1e-9)
        return np.where(peak > VOICED, RATE / period, 0).astype(np.float32)
