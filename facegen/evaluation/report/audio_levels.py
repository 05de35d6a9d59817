"""What the samples of a sound say of its recording: clipping, offset, gaps, band. Read once, in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from facegen.core.errors import AudioError
from facegen.speech.audio_decoding import AudioDecoder

STEPS_A_SECOND = 1000  # the finest grain that is kept
FRAME_STEPS = 10
NEAR_TOP = 0.005  # part of a frame's peak within which samples count as cut off
FLAT_S = 0.00015  # shortest flat top; the crest of a voice's strongest overtones is rounder
SAME_TOP = 0.985  # tops are cut at one level
LEAST_TOP = 0.05
DEAD_RANGE = 1.5 / 32768  # a step that moves less holds no sound
WINDOW_S = 0.032
BLOCK_S = 4
SIZES = 2048


@dataclass(frozen=True, eq=False)
class Levels:
    """``low`` and ``high`` [F] are the least and greatest sample of each frame of ``frame_s`` s.

    ``clipped`` [F] says where samples are cut off at the highest level, ``clipped_share`` how many of those that
    sound; ``offset`` is the largest mean of a channel; ``dead`` [N] and ``power`` [N] tell for each ``step_s`` s
    whether the sound stands still, and its mean square; ``spectrum`` [K] is mean power at ``band_hz`` steps;
    ``sizes`` [SIZES] counts samples by their absolute value, 0..1.
    """

    rate: int
    seconds: float
    frame_s: float
    low: np.ndarray
    high: np.ndarray
    clipped: np.ndarray
    clipped_share: float
    offset: float
    step_s: float
    dead: np.ndarray
    power: np.ndarray
    spectrum: np.ndarray
    band_hz: float
    sizes: np.ndarray


def read_levels(source: AudioDecoder, start: float = 0.0, duration: float | None = None) -> Levels:
    """The levels of ``duration`` seconds (or all) of ``source`` from ``start`` on, at its own rate, all channels.

    Raises AudioError as the source does, and where there is no sample.
    """
    rate = source.info.rate
    meter = _Meter(rate)
    left = None if duration is None else round(duration * rate)
    for block in _whole_frames(source.blocks(round(start * rate)), meter.frame * 100 * BLOCK_S, left):
        meter.push(block)
    return meter.levels()


def _whole_frames(blocks: Iterator[np.ndarray], size: int, left: int | None) -> Iterator[np.ndarray]:
    """The same samples [channels, n] in blocks of ``size``, at most ``left`` in all; the last may be shorter."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        if left is not None:
            block = block[:, :left]
            left -= block.shape[1]
        held.append(block)
        count += block.shape[1]
        while count >= size:
            joined = np.concatenate(held, axis=1)
            yield joined[:, :size]
            held, count = [joined[:, size:]], count - size
        if left == 0:
            break
    if count:
        yield np.concatenate(held, axis=1)


class _Meter:
    """Takes blocks [channels, n]; all but the last hold whole frames."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.step = max(1, rate // STEPS_A_SECOND)
        self.frame = FRAME_STEPS * self.step
        self.flat = max(3, round(FLAT_S * rate))
        self.window = 2 ** round(np.log2(WINDOW_S * rate))
        self.samples = self.sounding = self.windows = 0
        self.sums: np.ndarray | float = 0.0
        self.spectrum = np.zeros(self.window // 2 + 1)
        self.sizes = np.zeros(SIZES, np.int64)
        self.parts: list[tuple[np.ndarray, ...]] = []

    def push(self, block: np.ndarray) -> None:
        channels, count = block.shape
        self.samples += count
        self.sounding += int(np.count_nonzero(block))
        self.sums = self.sums + block.sum(axis=1, dtype=np.float64)
        self._add_spectrum(block.mean(axis=0))
        places = np.minimum(np.abs(block) * SIZES, SIZES - 1).astype(np.int64)
        self.sizes += np.bincount(places.ravel(), minlength=SIZES)
        padded = np.pad(block, ((0, 0), (0, -count % self.frame)), mode="edge")
        frames = padded.reshape(channels, -1, self.frame)
        steps = padded.reshape(channels, -1, self.step)
        dead = (np.ptp(steps, axis=2) <= DEAD_RANGE).all(axis=0)
        power = np.square(steps).mean(axis=(0, 2))
        tops, counts = zip(*(self._tops(sign * frames) for sign in (1, -1)), strict=True)
        low, high = frames.min(axis=(0, 2)), frames.max(axis=(0, 2))
        self.parts.append((low, high, dead, power, np.concatenate(tops), np.concatenate(counts)))

    def _tops(self, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The peak of each of frames [channels, F, n], and how many samples lie flat at it, both [channels, F]."""
        top = frames.max(axis=2)
        near = frames >= (top * (1 - NEAR_TOP))[..., None]
        flat = near[..., self.flat - 1 :].copy()
        for shift in range(self.flat - 1):
            flat &= near[..., shift : shift - self.flat + 1]
        held = flat.any(axis=2) & (top >= LEAST_TOP)
        return top, np.where(held, near.sum(axis=2), 0).astype(np.int32)

    def _add_spectrum(self, mono: np.ndarray) -> None:
        count = len(mono) // self.window
        if count:
            rows = mono[: count * self.window].reshape(count, self.window) * np.hanning(self.window)
            self.spectrum += np.square(np.abs(np.fft.rfft(rows, axis=1))).sum(axis=0)
            self.windows += count

    def levels(self) -> Levels:
        if not self.samples:
            raise AudioError("holds no samples", remedy="record or export it again")
        low, high, dead, power, tops, counts = (
            np.concatenate(column, axis=-1) for column in zip(*self.parts, strict=True)
        )
        cut = (tops >= SAME_TOP * tops.max(axis=1, keepdims=True)) & (counts > 0)
        return Levels(
            rate=self.rate,
            seconds=self.samples / self.rate,
            frame_s=self.frame / self.rate,
            low=low,
            high=high,
            clipped=cut.any(axis=0),
            clipped_share=float(counts[cut].sum() / max(1, self.sounding)),
            offset=float(np.abs(self.sums).max() / self.samples),
            step_s=self.step / self.rate,
            dead=dead,
            power=power,
            spectrum=self.spectrum / max(1, self.windows),
            band_hz=self.rate / self.window,
            sizes=self.sizes,
        )
