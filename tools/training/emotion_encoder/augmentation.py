"""Other microphones, rooms, codecs, talkers and tempi for a recording, drawn from a seed."""

from __future__ import annotations

import numpy as np
import scipy.signal

RATE = 16_000
_KNOTS_HZ = np.array([50, 150, 400, 1000, 2500, 5000, 8000.0])


def disturbed(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """``sound`` [N] at 16 kHz, some 12 % longer or shorter, of another size of talker, channel and level."""
    sound = sound.astype(np.float64)
    if rng.random() < 0.7:
        sound = scipy.signal.resample_poly(sound, 1000, int(1000 * np.exp(rng.normal(0, 0.07))))
    sound = _channel(sound, rng)
    if rng.random() < 0.4:
        sound = _room(sound, rng)
    power = np.sqrt(np.mean(sound**2)) + 1e-9
    if rng.random() < 0.7:
        sound = sound + power * 10 ** (-rng.uniform(12, 45) / 20) * _noise(len(sound), rng)
    if rng.random() < 0.25:
        sound = _mu_law(sound / (np.abs(sound).max() + 1e-9), rng.integers(6, 9)) * power * 6
    sound = sound / power * 10 ** (rng.uniform(-38, -14) / 20)
    return np.clip(sound, -1, 1).astype(np.float32)


def _channel(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A smooth random colour, often with less of the lowest or the highest frequencies."""
    hz = np.fft.rfftfreq(len(sound), 1 / RATE)
    levels = rng.normal(0, 4, len(_KNOTS_HZ)) + rng.normal(0, 2) * np.arange(-3, 4)
    gain = np.interp(np.log(np.maximum(hz, 50)), np.log(_KNOTS_HZ), levels)
    if rng.random() < 0.3:
        gain = gain - 40 * (hz < rng.uniform(80, 250))
    if rng.random() < 0.35:
        gain = gain - 60 * np.clip((hz - rng.uniform(3400, 7000)) / 400, 0, 1)
    return np.fft.irfft(np.fft.rfft(sound) * 10 ** (gain / 20), len(sound))


def _room(sound: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    length = int(RATE * rng.uniform(0.1, 0.5))
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail[: int(RATE / 1000 * rng.uniform(1, 20))] = 0
    tail /= np.sqrt(np.sum(tail**2))
    return sound + rng.uniform(0.1, 0.6) * scipy.signal.fftconvolve(sound, tail)[: len(sound)]


def _noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """Noise [count] of unit power, white to pink."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.maximum(np.fft.rfftfreq(count, 1 / RATE), 30) ** -rng.uniform(0, 1)
    noise = np.fft.irfft(spectrum, count)
    return noise / (noise.std() + 1e-9)


def _mu_law(sound: np.ndarray, bits: int) -> np.ndarray:
    steps = 2 ** (bits - 1)
    pressed = np.sign(sound) * np.log1p(255 * np.abs(sound)) / np.log(256)
    pressed = np.rint(pressed * steps) / steps
    return np.sign(pressed) * np.expm1(np.abs(pressed) * np.log(256)) / 255
