"""Random training crops from the cache, disturbed in the log-mel domain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.speech.logmel import BANDS, HIGH_HZ, LOW_HZ, SILENCE

# How often a crop comes from each source.
SHARES = {"speechocean762": 0.29, "grid": 0.15, "emodb": 0.12, "flite": 0.09, "espeak": 0.26, "noise": 0.09}
FRAMES = 400  # of a crop
_DB = np.log(10) / 10  # a decibel in the units of log-mel
# How often recordings of some are drawn: GRID's s1 has ten times as many as the others together, and espeak-ng's Hindi and
# Korean are the hardest to learn.
_SPEAKER_WEIGHT = {
    "s1": 0.3,
    "s2": 4.0,
    "s4": 4.0,
    "s30": 6.0,
    "s33": 6.0,
    "espeak-hi": 1.5,
    "espeak-ko": 1.3,
}


@dataclass
class Source:
    """The training copies of one source: frames [F, 80] float16, labels [F] int8, the rows' borders and weights."""

    frames: np.ndarray
    labels: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    weights: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Source:
        with np.load(path, allow_pickle=False) as file:
            frames, labels, ends = file["frames"], file["labels"], file["ends"]
            speakers, test = file["speakers"], file["test"]
        starts = np.concatenate([[0], ends[:-1]])
        weights = np.array([_SPEAKER_WEIGHT.get(str(s), 1.0) for s in speakers]) * ~test
        return cls(frames, labels, starts, ends, np.cumsum(weights / weights.sum()))

    def draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """`count` successive frames: random recordings one after the other, begun anywhere in the first."""
        frames: list[np.ndarray]
        frames, labels, have = [], [], 0
        while have < count:
            row = min(np.searchsorted(self.weights, rng.random()), len(self.ends) - 1)
            start, end = self.starts[row], self.ends[row]  # type: ignore[call-overload]
            if not frames:
                start += rng.integers(0, max(1, (end - start) // 2))
            frames.append(self.frames[start:end])
            labels.append(self.labels[start:end])
            have += end - start
        return np.concatenate(frames)[:count], np.concatenate(labels)[:count]


class Batches:
    """An endless supply of (log-mel [B, T, 80] float32, labels [B, T] int64), the same for the same seed."""

    def __init__(self, cache: Path, seed: int, size: int) -> None:
        self._sources = {name: Source.read(cache / f"{name}.npz") for name in SHARES}
        self._rng = np.random.default_rng((seed, 7))
        self._size = size

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        while True:
            yield self.next()

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each band over disturbed crops, [80] each."""
        frames = np.concatenate([self.next()[0].reshape(-1, BANDS) for _ in range(8)])
        return frames.mean(axis=0), frames.std(axis=0)

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        rng = self._rng
        mel = np.empty((self._size, FRAMES, BANDS), np.float32)
        labels = np.empty((self._size, FRAMES), np.int64)
        names = rng.choice(list(SHARES), self._size, p=list(SHARES.values()))
        for row, name in enumerate(names):
            mel[row], labels[row] = self._crop(str(name))
        noise = np.stack([self._sources["noise"].draw(rng, FRAMES)[0] for _ in names]).astype(np.float32)
        return _masked(rng, other_voices(rng, mel, noise, labels > 0)), labels

    def _crop(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """One crop, spoken faster or slower by up to a quarter; now and then begun or cut by digital silence."""
        rng = self._rng
        tempo = rng.uniform(0.8, 1.25) if rng.random() < 0.5 else 1.0
        frames, labels = self._sources[name].draw(rng, int(FRAMES * tempo) + 2)
        if tempo != 1.0:
            at = np.arange(FRAMES) * tempo
            low = at.astype(int)
            part = (at - low)[:, None].astype(np.float32)
            frames = frames[low] * (1 - part) + frames[low + 1] * part
            labels = labels[np.minimum(np.round(at).astype(int), len(labels) - 1)]
        frames, labels = frames[:FRAMES].astype(np.float32), labels[:FRAMES].copy()
        if rng.random() < 0.15:
            start, length = rng.integers(0, FRAMES), rng.integers(10, 120)
            frames[start : start + length] = SILENCE
            labels[start : start + length] = 0
        return frames, labels


def other_voices(rng, mel: np.ndarray, noise: np.ndarray, speech: np.ndarray) -> np.ndarray:
    """Log-mel crops [B, T, 80] as from other throats, rooms, channels and distances.

    ``noise`` [B, T, 80] lies under some of them; ``speech`` [B, T] says which frames are spoken.
    """
    mel = _warped_bands(rng, mel)
    mel = mel + _colours(rng, len(mel))[:, None, :]
    mel = _with_noise(rng, mel, noise, speech)
    mel = _band_limited(rng, mel)
    gain = rng.choice([0.0, 1.0], (len(mel), 1, 1), p=[0.3, 0.7]) * rng.uniform(-30, 6, (len(mel), 1, 1))
    return np.logaddexp(mel + (gain * _DB).astype(np.float32), np.float32(SILENCE))


def _warped_bands(rng: np.random.Generator, mel: np.ndarray) -> np.ndarray:
    """Each crop as from a longer or shorter throat: its frequencies scaled by 0.88 to 1.14 (half of the crops)."""
    corner = 700.0
    low, high = np.log1p(LOW_HZ / corner), np.log1p(HIGH_HZ / corner)
    centres = low + (np.arange(BANDS) + 1) * (high - low) / (BANDS + 1)
    for row in np.flatnonzero(rng.random(len(mel)) < 0.5):
        hz = corner * np.expm1(centres) * rng.uniform(0.88, 1.14)
        at = np.clip((np.log1p(hz / corner) - low) / (high - low) * (BANDS + 1) - 1, 0, BANDS - 1.001)
        base = at.astype(int)
        part = (at - base).astype(np.float32)
        mel[row] = mel[row][:, base] * (1 - part) + mel[row][:, base + 1] * part
    return mel


def _colours(rng: np.random.Generator, count: int) -> np.ndarray:
    """Smooth random channel curves of some decibels, [B, 80]."""
    axis = np.linspace(0, np.pi, BANDS)
    curves = sum(
        rng.normal(0, 4.0 / (k + 1), (count, 1)) * np.cos((k + 1) * axis + rng.uniform(0, 6, (count, 1)))
        for k in range(4)
    )
    return (curves * _DB * (rng.random((count, 1)) < 0.7)).astype(np.float32)


def _with_noise(rng, mel: np.ndarray, noise: np.ndarray, speech: np.ndarray) -> np.ndarray:
    """Noise under 60 % of the crops, 0 to 35 dB below their speech."""
    speech = np.maximum(speech, 1e-3)[..., None]
    level = np.log(np.sum(np.exp(mel) * speech, axis=(1, 2)) / speech.sum(axis=(1, 2)) / BANDS + 1e-12)
    floor = np.log(np.exp(noise).mean(axis=(1, 2)) + 1e-12)
    shift = level - floor - rng.uniform(0, 35, len(mel)) * _DB
    shift = np.where(rng.random(len(mel)) < 0.6, shift, -60.0)
    return np.logaddexp(mel, noise + shift[:, None, None].astype(np.float32))


def _band_limited(rng, mel: np.ndarray) -> np.ndarray:
    """A fifth of the crops as through a telephone or a poor channel."""
    hz = 700 * np.expm1(np.linspace(np.log1p(LOW_HZ / 700), np.log1p(HIGH_HZ / 700), BANDS + 2)[1:-1])
    for row in np.flatnonzero(rng.random(len(mel)) < 0.2):
        high = rng.choice([3400.0, rng.uniform(3000, 7000)])
        low = rng.choice([0.0, rng.uniform(80, 350)])
        cut = 0.04 * np.maximum(0, hz - high) + 0.2 * np.maximum(0, low - hz)
        mel[row] -= (np.minimum(cut, rng.uniform(30, 70)) * _DB).astype(np.float32)
    return mel


def _masked(rng, mel: np.ndarray) -> np.ndarray:
    """Up to two masks of bands and two of a few frames in half of the crops (SpecAugment, Park et al. 2019)."""
    for row in np.flatnonzero(rng.random(len(mel)) < 0.5):
        middle = mel[row].mean()
        for _ in range(rng.integers(0, 3)):
            start = rng.integers(0, BANDS)
            mel[row, :, start : start + rng.integers(1, 13)] = middle
        for _ in range(rng.integers(0, 3)):
            start = rng.integers(0, FRAMES)
            mel[row, start : start + rng.integers(1, 9)] = middle
    return mel
