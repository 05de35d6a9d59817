"""Sound: a value for samples in memory, and files of any kind read in blocks of bounded memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any

import numpy as np

from facegen.core.errors import AudioError, FacegenError, UsageError
from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech.audio_decoding import ArraySource, AudioDecoder, AudioInfo, checked_rate, open_decoder
from facegen.speech.audio_headers import check_seconds

__all__ = ["Audio", "AudioInfo", "AudioStream", "open_audio", "read_audio", "resample"]

BLOCK_SECONDS = 10
MAX_WHOLE_SECONDS = 3600

_CONSTANT_RANGE = 1e-4  # a sound that moves less than this is a constant ...
_CONSTANT_LEVEL = 1e-3  # ... and above this level an offset, not silence
_CLIPPED_ERROR, _CLIPPED_NOTE = 0.25, 0.001  # share of the samples that are not zero
_JUDGED_SECONDS = 0.01  # shorter sounds are not judged: one sample is always constant
_MAX_LEVEL = 16.0  # full scales; above it floats were not scaled to -1..1
_FULL_SCALE = {"PCM_U8": 0.992, "PCM_S8": 0.992, "ULAW": 0.98, "ALAW": 0.984, "uint8": 0.992, "int8": 0.992}


@dataclass(frozen=True, eq=False)
class Audio:
    """A sound in memory; immutable and finite.

    Parameters
    ----------
    samples : ndarray of float32, shape (N,)
        Mono samples in -1..1.
    rate : int
        Hz.

    Raises
    ------
    AudioError
        For samples that are not numbers, have more axes, or are not finite.
    """

    samples: np.ndarray
    rate: int

    def __post_init__(self) -> None:
        try:
            samples = np.array(self.samples, dtype=np.float32)
        except (TypeError, ValueError, OverflowError) as error:
            raise AudioError("the samples are not numbers") from error
        if samples.ndim != 1:
            raise AudioError(
                f"the samples have {samples.ndim} axes, expected [N]", remedy="mix down to one channel"
            )
        if not np.isfinite(samples).all():
            raise AudioError("a sample is not finite (NaN or infinity)", remedy="export the sound again")
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate


class AudioStream:
    """A sound to be animated, read in blocks at 16 kHz mono; made by ``open_audio``.

    Attributes
    ----------
    name : str
        The file's name, or "samples".
    path : str or None
        The file as it was named.
    info : AudioInfo
        What the source says of itself: rate, channels, codec.
    estimate : float or None
        Seconds to expect: a guess until the sound has been read.
    notes : tuple of str
        What was odd about the sound; complete once it has been read.
    """

    def __init__(
        self, source: AudioDecoder, name: str, path: str | None, span: tuple[Fraction, Fraction | None]
    ):
        self.name = name
        self.info = source.info
        self._source, self.path = source, path
        rate = source.info.rate
        self._first = round(span[0] * rate)
        self._count = None if span[1] is None else max(1, round((span[0] + span[1]) * rate) - self._first)
        self._duration: Fraction | None = None
        self._notes: tuple[str, ...] = ()
        self.estimate = self._expected_seconds(source.info.seconds)
        if source.info.frames is not None and self._first and self._first >= source.info.frames:
            raise self._beyond(source.info.frames)
        check_seconds(self.estimate or 0)

    @property
    def duration(self) -> Fraction:
        """Exact length in seconds (frames / rate of the span). Raises FacegenError before the end was read."""
        if self._duration is None:
            raise FacegenError("the length of a sound is known once its blocks have been read")
        return self._duration

    @property
    def notes(self) -> tuple[str, ...]:
        """What was odd about the sound, one sentence each."""
        return self._notes

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks [n] float32 of BLOCK_SECONDS (the last is shorter) at SAMPLE_RATE_HZ, from the start.

        Together they hold round(duration · SAMPLE_RATE_HZ) samples, at least one. May be called again.
        Raises AudioError where the sound turns out empty, damaged, truncated, not finite, a mere offset
        or clipped beyond use.
        """
        yield from self._blocks(SAMPLE_RATE_HZ)

    def shared(self, listener: Callable[[np.ndarray], object]) -> AudioStream:
        """The same sound, whose ``blocks()`` hands each block to ``listener`` too, so that two can hear it at once."""
        return _Shared(self, listener)

    def _blocks(self, rate: int) -> Iterator[np.ndarray]:
        try:
            yield from rechunk(resample(self._mono(), self.info.rate, rate), BLOCK_SECONDS * rate)
        except AudioError as error:
            if self.path is not None:
                error.at(self.path)
            raise

    def _mono(self) -> Iterator[np.ndarray]:
        """Blocks [n] of the span at the source's rate, all channels averaged."""
        levels = _Levels(self.info)
        done = 0
        for block in self._source.blocks(self._first):
            if self._count is not None:
                block = block[:, : self._count - done]
            done += block.shape[1]
            check_seconds(done / self.info.rate)
            yield levels.mix(block)
            if done == self._count:
                break
        if not done:
            if self._first:
                raise self._beyond(None)
            raise AudioError("holds no samples", remedy="record or export it again")
        notes = levels.judge(done)
        self._notes = tuple(dict.fromkeys([*self._source.notes, *notes]))
        self._duration = Fraction(done, self.info.rate)

    def _expected_seconds(self, whole: float | None) -> float | None:
        most = None if self._count is None else self._count / self.info.rate
        if whole is None:
            return most
        left = max(0.0, whole - self._first / self.info.rate)
        return left if most is None else min(left, most)

    def _beyond(self, frames: int | None) -> AudioError:
        start = f"the start at {self._first / self.info.rate:g} s"
        length = frames / self.info.rate if frames is not None else self.info.seconds
        end = "its end" if length is None else f"its end at {length:.2f} s"
        return AudioError(f"{start} is beyond {end}", path=self.path, remedy="choose an earlier start")


class _Shared(AudioStream):
    def __init__(self, sound: AudioStream, listener: Callable[[np.ndarray], object]) -> None:
        self._sound, self._listener = sound, listener

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sound, name)

    @property
    def duration(self) -> Fraction:
        return self._sound.duration

    @property
    def notes(self) -> tuple[str, ...]:
        return self._sound.notes

    def blocks(self) -> Iterator[np.ndarray]:
        for block in self._sound.blocks():
            self._listener(block)
            yield block


class _Levels:
    """Mixes blocks down while watching their levels."""

    def __init__(self, info: AudioInfo) -> None:
        self.info = info
        self.full_scale = _FULL_SCALE.get(info.codec, 0.9995)
        self.low = np.full(info.channels, np.inf, np.float32)
        self.high = np.full(info.channels, -np.inf, np.float32)
        self.mixed = 0.0
        self.clipped = self.sounding = 0

    def mix(self, block: np.ndarray) -> np.ndarray:
        """The mean [n] of the channels of ``block`` [channels, n]; each sample by itself, in one order."""
        low, high = block.min(axis=1), block.max(axis=1)
        peak = max(-float(low.min()), float(high.max()))
        if not math.isfinite(peak) or np.isnan(low).any():
            raise AudioError("a sample is not finite (NaN or infinity)", remedy="export the sound again")
        if peak > _MAX_LEVEL:
            raise AudioError(
                f"its samples reach {peak:.0f} times full scale", remedy="scale the samples to -1..1"
            )
        self.low, self.high = np.minimum(self.low, low), np.maximum(self.high, high)
        self.sounding += int(np.count_nonzero(block))
        if peak >= self.full_scale:
            self.clipped += int(np.count_nonzero(np.abs(block) >= self.full_scale))
        if len(block) == 1:
            mono = block[0]
        else:
            mono = block[0] + block[1]
            for channel in block[2:]:
                mono += channel
            mono *= np.float32(1 / len(block))
        self.mixed = max(self.mixed, -float(mono.min()), float(mono.max()))
        return mono

    def judge(self, frames: int) -> list[str]:
        """Notes on what was heard; AudioError for what can't be speech or silence."""
        if frames < _JUDGED_SECONDS * self.info.rate:
            return []
        level = float(np.maximum(-self.low, self.high).max())
        if float((self.high - self.low).max()) < _CONSTANT_RANGE and level > _CONSTANT_LEVEL:
            raise AudioError(
                "holds only a constant offset, no sound", remedy="check the recording's input and its cable"
            )
        share = self.clipped / max(1, self.sounding)
        if share > _CLIPPED_ERROR:
            raise AudioError(
                f"is clipped: {share:.0%} of its samples are at full scale",
                remedy="record it at a lower level",
            )
        notes = []
        if share > _CLIPPED_NOTE:
            notes.append(f"{share:.1%} of the samples are clipped; record at a lower level")
        if level > _CONSTANT_LEVEL and self.mixed < 0.02 * level:
            notes.append("the channels cancel each other when mixed; export one of them alone")
        if level <= _CONSTANT_LEVEL:
            notes.append("the sound is silent")
        return notes


def open_audio(
    source: str | PathLike | np.ndarray | Audio,
    *,
    rate: int | None = None,
    start: float = 0.0,
    duration: float | None = None,
) -> AudioStream:
    """Open a file, or an array, as a sound.

    Parameters
    ----------
    source : str, path, ndarray or Audio
        A file, told by its content whatever its suffix, or samples of shape (N,) or (N, channels): floats in -1..1 or
        integers of full scale.
    rate : int, optional
        Hz, for an array.
    start, duration : float
        The span to read, in seconds; one that goes beyond the end is cut there, and None is all of it.

    Raises
    ------
    AudioError
        For what is no sound, and for a start beyond its end.
    UsageError
        For an array without a rate, and for a span that is none.
    """
    span = (_seconds("start", start), None if duration is None else _seconds("duration", duration))
    if span[1] is not None and not span[1]:
        raise UsageError("the duration is 0 s", remedy="choose a longer duration")
    if isinstance(source, Audio):
        return AudioStream(ArraySource(source.samples, checked_rate(source.rate)), "samples", None, span)
    if isinstance(source, np.ndarray):
        return AudioStream(ArraySource(source, checked_rate(rate)), "samples", None, span)
    path = fspath(source)
    try:
        return AudioStream(open_decoder(path), PurePath(path).name, path, span)
    except AudioError as error:
        raise error.at(path) from error


def _seconds(name: str, value: float) -> Fraction:
    if not isinstance(value, int | float | Fraction | np.number) or not 0 <= value < math.inf:
        raise UsageError(f"the {name} {value!r} is not a number of seconds from 0 up", remedy="use e.g. 2.5")
    return Fraction(value if isinstance(value, int | Fraction) else float(value))


def read_audio(path: str | PathLike, rate: int = SAMPLE_RATE_HZ) -> Audio:
    """A short sound whole, mono.

    Parameters
    ----------
    path : str or path
        The file.
    rate : int
        Hz that it is resampled to.

    Raises
    ------
    AudioError
        As ``open_audio``, and for more than an hour.
    """
    sound = open_audio(path)
    blocks, held = [], 0
    for block in sound._blocks(checked_rate(rate)):
        blocks.append(block)
        held += len(block)
        if held > MAX_WHOLE_SECONDS * rate:
            raise AudioError(
                "is too long to be held whole (more than an hour)", path=path, remedy="use open_audio"
            )
    return Audio(np.concatenate(blocks), int(rate))


def resample(blocks: Iterable[np.ndarray], source_rate: int, rate: int) -> Iterator[np.ndarray]:
    """Blocks of samples at another rate, without delay, whatever the blocks' sizes.

    Parameters
    ----------
    blocks : iterable of ndarray of float32, shape (n,)
        Consecutive samples.
    source_rate, rate : int
        Hz before and after.

    Yields
    ------
    ndarray of float32, shape (n,)
        N samples become round(N * rate / source_rate), at least one.
    """
    if source_rate == rate:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(source_rate, rate, 1, dtype="float32", quality="HQ")
    taken = given = 0
    for block in blocks:
        taken += len(block)
        made = stream.resample_chunk(block)
        given += len(made)
        yield made
    tail = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    missing = max(1, round(Fraction(taken * rate, source_rate))) - given
    yield np.pad(tail, (0, max(0, missing - len(tail))))[:missing]


def rechunk(blocks: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The same samples in blocks of exactly ``size``; the last may be shorter."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= size:
            joined = np.concatenate(held)
            yield joined[:size]
            held, count = [joined[size:]], count - size
    if count:
        yield np.concatenate(held)
