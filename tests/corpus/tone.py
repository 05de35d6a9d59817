"""A good sound for cases in which something else is broken."""

import wave
from pathlib import Path

import numpy as np


def write_tone(path: Path, seconds: float = 0.5, rate: int = 16000) -> Path:
    """A tone of 220 Hz as 16-bit WAV."""
    times = np.arange(int(seconds * rate)) / rate
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, rate, 0, "NONE", ""))
        sound.writeframes((8000 * np.sin(2 * np.pi * 220 * times)).astype("<i2").tobytes())
    return path
