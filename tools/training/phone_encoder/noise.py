"""Sounds that are not speech: noises, hums, clicks, music, tones. Each is mono at 16 kHz, peak below 1."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.signal

RATE = 16_000
_MINOR, _MAJOR = (0, 3, 7, 10), (0, 4, 7, 11)


def coloured(rng: np.random.Generator, count: int) -> np.ndarray:
    """White to brown noise, its spectrum falling by 0 to 2 powers of frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20.0)
    return np.fft.irfft(spectrum * hz ** -rng.uniform(0, 1.2), count)


def room(rng: np.random.Generator, count: int) -> np.ndarray:
    """Coloured noise with broad resonances that swells slowly: rooms, fans, traffic, wind."""
    sound = coloured(rng, count)
    for _ in range(rng.integers(1, 4)):
        low = rng.uniform(60, 3000)
        sos = scipy.signal.butter(
            2, [low, min(7800, low * rng.uniform(1.2, 3))], "band", fs=RATE, output="sos"
        )
        sound = sound / (sound.std() + 1e-9) + rng.uniform(0.5, 3) * _unit(scipy.signal.sosfilt(sos, sound))
    return sound * _slow(rng, count, rng.uniform(0.05, 0.6))


def hum(rng: np.random.Generator, count: int) -> np.ndarray:
    """Mains hum at 50 or 60 Hz, or a motor, with harmonics and a little noise."""
    base = rng.choice([50.0, 60.0, rng.uniform(30, 400)])
    t = np.arange(count) / RATE
    sound = np.zeros(count)
    for k in range(1, rng.integers(3, 30)):
        if k * base < 7800:
            sound += (
                rng.random() / k ** rng.uniform(0.3, 1.5) * np.sin(2 * np.pi * (k * base * t + rng.random()))
            )
    return _unit(sound) * _slow(rng, count, 0.1) + rng.uniform(0, 0.2) * _unit(coloured(rng, count))


def clicks(rng: np.random.Generator, count: int) -> np.ndarray:
    """Taps, keys, drops: short resonant bursts at random times over faint noise."""
    sound = 10 ** rng.uniform(-4, -2) * rng.standard_normal(count)
    for start in rng.integers(0, count, rng.integers(3, max(4, count // 3000))):
        length = rng.integers(30, 2400)
        t = np.arange(length) / RATE
        burst = rng.standard_normal(length) + 2 * np.sin(2 * np.pi * rng.uniform(150, 5000) * t)
        burst *= np.exp(-t * rng.uniform(30, 600)) * rng.uniform(0.1, 1)
        sound[start : start + length] += burst[: count - start]
    return sound


def breath(rng: np.random.Generator, count: int) -> np.ndarray:
    """Breath-like bursts of band noise, 0.2 to 0.8 s, over faint noise."""
    sound, start = 10 ** rng.uniform(-4, -2) * rng.standard_normal(count), rng.integers(0, 4000)
    while start < count - 4000:
        length = min(count - start, rng.integers(3000, 13000))
        low = rng.uniform(200, 1200)
        sos = scipy.signal.butter(1, [low, rng.uniform(2500, 7000)], "band", fs=RATE, output="sos")
        burst = scipy.signal.sosfilt(sos, coloured(rng, length))
        sound[start : start + length] += _unit(burst) * np.hanning(length) ** 0.7 * rng.uniform(0.02, 0.5)
        start += length + rng.integers(3000, 20000)
    return sound


def tones(rng: np.random.Generator, count: int) -> np.ndarray:
    """Beeps, pure tones, sweeps, alarms."""
    sound, start = np.zeros(count), 0
    while start < count:
        length = min(count - start, rng.integers(1600, 32000))
        low, high = rng.uniform(80, 4000, 2)
        hz = np.linspace(low, high if rng.random() < 0.4 else low, length)
        wave = np.sin(2 * np.pi * np.cumsum(hz) / RATE)
        if rng.random() < 0.3:
            wave = np.sign(wave)
        sound[start : start + length] = wave * rng.uniform(0.1, 1) * (rng.random() < 0.7)
        start += length
    return sound + 10 ** rng.uniform(-5, -2) * rng.standard_normal(count)


def music(rng: np.random.Generator, count: int) -> np.ndarray:
    """Chords, bass, melody and drums in a random key, tempo and timbre."""
    beat = int(RATE * 60 / rng.uniform(60, 170))
    root, scale = rng.uniform(55, 120), _MAJOR if rng.random() < 0.5 else _MINOR
    parts = [part for part in (_chords, _bass, _melody, _drums) if rng.random() < 0.7] or [_chords]
    sound = np.zeros(count)
    for part in parts:
        sound += rng.uniform(0.3, 1) * _unit(part(rng, count, beat, root, scale))
    return sound


def silence(rng: np.random.Generator, count: int) -> np.ndarray:
    """Digital silence, dither, or a constant."""
    level = rng.choice([0.0, 1 / 32768, 10 ** rng.uniform(-5, -3)])
    return level * rng.standard_normal(count) + rng.choice([0.0, rng.uniform(-0.1, 0.1)])


def _chords(rng, count, beat, root, scale) -> np.ndarray:
    sound, start, timbre = np.zeros(count), 0, _timbre(rng)
    while start < count:
        length = min(count - start, beat * int(rng.choice([1, 2, 4])))
        shift = 2 ** (rng.choice([0, 5, 7, 9, -3, 2]) / 12)
        for step in scale[: rng.integers(2, 5)]:
            sound[start : start + length] += _note(rng, length, 2 * root * shift * 2 ** (step / 12), timbre)
        start += length
    return sound


def _bass(rng, count, beat, root, scale) -> np.ndarray:
    sound, timbre = np.zeros(count), _timbre(rng)
    for start in range(0, count, max(1, beat // int(rng.choice([1, 2])))):
        length = min(beat, count - start)
        sound[start : start + length] += _note(
            rng, length, root * 2 ** (rng.choice([0, 0, 5, 7]) / 12), timbre
        )
    return sound


def _melody(rng, count, beat, root, scale) -> np.ndarray:
    sound, timbre, start = np.zeros(count), _timbre(rng), 0
    while start < count:
        length = min(count - start, int(beat * rng.choice([0.25, 0.5, 1, 2])) + 1)
        if rng.random() < 0.8:
            hz = root * 2 ** (rng.integers(2, 5) + rng.choice([0, 2, 4, 5, 7, 9, 11]) / 12)
            sound[start : start + length] += _note(rng, length, hz, timbre)
        start += length
    return sound


def _drums(rng, count, beat, root, scale) -> np.ndarray:
    sound, step = np.zeros(count), max(1, beat // 2)
    for number, start in enumerate(range(0, count, step)):
        length = min(step, count - start)
        t = np.arange(length) / RATE
        if number % 4 == 0:
            hit = np.sin(2 * np.pi * (60 * t + 3 * (1 - np.exp(-t * 40)))) * np.exp(-t * 12)
        elif number % 4 == 2:
            hit = rng.standard_normal(length) * np.exp(-t * 18)
        else:
            hit = 0.4 * np.diff(rng.standard_normal(length + 1)) * np.exp(-t * 50)
        sound[start : start + length] += hit * (rng.random() < 0.9)
    return sound


class _Timbre(NamedTuple):
    """An instrument: harmonic levels, decay 1/s, attack s, vibrato (1 is a third of a percent), breath beside the
    tone, and players a little out of tune with one another."""

    levels: np.ndarray
    decay: float
    attack: float
    vibrato: float
    breath: float
    players: int


def _timbre(rng) -> _Timbre:
    slope = rng.uniform(0.4, 2)
    levels = (rng.random(16) if rng.random() < 0.7 else np.ones(16)) / np.arange(1, 17) ** slope
    return _Timbre(
        levels,
        rng.choice([0.3, rng.uniform(1, 12)]),
        rng.choice([0.005, rng.uniform(0.02, 0.2)]),
        rng.choice([0.0, rng.uniform(0, 1), rng.uniform(1, 4)]),
        rng.choice([0.0, 0.0, rng.uniform(0, 0.3)]),
        int(rng.choice([1, 1, 2, 3])),
    )


def _note(rng, length: int, hz: float, timbre: _Timbre) -> np.ndarray:
    t = np.arange(length) / RATE
    wave = np.zeros(length)
    for _ in range(timbre.players):
        tuned = hz * (1 + (timbre.players > 1) * rng.normal(0, 0.003))
        rate = rng.uniform(4, 7)
        phase = tuned * t + 0.003 * timbre.vibrato * tuned / rate * np.sin(2 * np.pi * rate * t)
        for number, level in enumerate(timbre.levels, 1):
            if number * hz < 7800:
                wave += level * np.sin(2 * np.pi * number * phase)
    if timbre.breath:
        wave += timbre.breath * np.abs(wave).max() * rng.standard_normal(length)
    ends = np.minimum(1, t / timbre.attack) * np.minimum(1, (length - np.arange(length)) / 160)
    return wave * ends * np.exp(-timbre.decay * t)


def _slow(rng, count: int, depth: float) -> np.ndarray:
    knots = np.exp(depth * rng.standard_normal(max(2, count // 8000) + 1))
    return np.interp(np.arange(count), np.linspace(0, count, len(knots)), knots)


def _unit(sound: np.ndarray) -> np.ndarray:
    return sound / (np.sqrt(np.mean(sound**2)) + 1e-9)


KINDS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "coloured": coloured, "room": room, "hum": hum, "clicks": clicks, "breath": breath, "tones": tones,
    "music": music, "silence": silence,
}  # fmt: skip


def clip(kind: str, rng: np.random.Generator, seconds: float) -> np.ndarray:
    """One clip of a kind, [N] float32, at a random level (silence keeps its own)."""
    sound = KINDS[kind](rng, int(seconds * RATE))
    if kind != "silence":
        sound = sound / (np.abs(sound).max() + 1e-9) * 10 ** (rng.uniform(-40, -1) / 20)
    return sound.astype(np.float32)
