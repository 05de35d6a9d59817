"""Hair's streaks: a picture that repeats, with fine lines along it."""

from __future__ import annotations

import numpy as np

SIZE = (256, 64)
"""Texels across and along the strands."""
SMOOTH = (1.0, 9.0)
"""Texels over which the lines are blurred across and along."""


def make_streaks() -> np.ndarray:
    """The streaks [64, 256] uint8, even over 0..255, the same each time."""
    width, height = SIZE
    noise = np.random.default_rng(7).standard_normal((height, width))
    across, along = np.fft.fftfreq(width)[None, :], np.fft.fftfreq(height)[:, None]
    blur = np.exp(-2 * np.pi**2 * ((across * SMOOTH[0]) ** 2 + (along * SMOOTH[1]) ** 2))
    lines = np.fft.ifft2(np.fft.fft2(noise) * blur).real
    rank = np.argsort(np.argsort(lines, axis=None)).reshape(lines.shape)
    return (rank * 256 // lines.size).astype(np.uint8)
