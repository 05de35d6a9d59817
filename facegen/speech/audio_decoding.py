"""Readers of sound: each yields blocks [channels, n] float32 at the source's own rate.

libsndfile reads what it knows (WAV, FLAC, OGG, AIFF …), FFmpeg's libraries (PyAV) the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any, BinaryIO, Protocol

import numpy as np

from facegen.core.errors import AudioError, UsageError
from facegen.speech import audio_headers as audio_check

BLOCK_VALUES = 2**19
"""Samples of all channels together in one block: 2 MiB of float32."""

_SNDFILE = ("wav", "w64", "flac", "ogg", "aiff", "au", "caf")
_SEEKABLE = ("wav", "w64", "flac", "aiff", "au", "caf")
_MAX_GAP_S = 600
_MIN_GAP_S = Fraction(1, 20)
_HIDDEN_DELAY = {"aac": 1024, "mp3": 1105, "mp3float": 1105}
# FFmpeg opens only these, and nothing that a file points to (a playlist, an address).
_DEMUXERS = "mov,matroska,mp3,aac,ogg,flac,wav,w64,aiff,caf,au,avi,mpegts,mpeg,flv,amr,ac3,wv"
_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"}


@dataclass(frozen=True)
class AudioInfo:
    """What a source says of itself. ``frames`` is its length at ``rate`` where that is sure, else None;
    ``seconds`` a guess of the length, or None; ``bits`` a sample where that means something, else None."""

    rate: int
    channels: int
    codec: str
    container: str
    bits: int | None = None
    frames: int | None = None
    seconds: float | None = None


class AudioDecoder(Protocol):
    """Where samples come from. ``blocks`` starts at frame ``first`` and may be called again."""

    info: AudioInfo
    notes: list[str]

    def blocks(self, first: int) -> Iterator[np.ndarray]: ...


def open_decoder(path: str | PathLike) -> AudioDecoder:
    """The reader for the file at ``path``, told by its content. Raises AudioError for what is no sound."""
    try:
        with audio_check.open_checked(path) as file:
            container = audio_check.check_claims(file)
        if container in _SNDFILE:
            try:
                return SndfileSource(path, container)
            except NotImplementedError:  # a codec in a known container that libsndfile lacks
                pass
        return AvSource(path, container)
    except AudioError as error:
        raise error.at(path) from error


class ArraySource:
    """Samples [N] or [N, channels] in memory; integers are scaled by their full scale."""

    def __init__(self, samples: np.ndarray, rate: int) -> None:
        if samples.ndim not in (1, 2):
            raise AudioError(
                f"the samples have {samples.ndim} axes", remedy="give an array [N] or [N, channels]"
            )
        if samples.dtype.kind not in "fiu" or samples.dtype.itemsize > (
            8 if samples.dtype.kind == "f" else 4
        ):
            raise AudioError(
                f"samples of type {samples.dtype} have no known scale",
                remedy="give floats in -1..1, int16 or int32",
            )
        self.samples = samples if samples.ndim == 2 else samples[:, None]
        frames, channels = self.samples.shape
        if not frames:
            raise AudioError("holds no samples", remedy="give at least one sample")
        audio_check.check_shape(rate, channels)
        self.notes: list[str] = []
        bits = 8 * samples.dtype.itemsize
        self.info = AudioInfo(rate, channels, str(samples.dtype), "array", bits, frames, frames / rate)

    def blocks(self, first: int) -> Iterator[np.ndarray]:
        step = max(1, BLOCK_VALUES // self.info.channels)
        for place in range(first, len(self.samples), step):
            yield scaled(self.samples[place : place + step].T)


def scaled(values: np.ndarray) -> np.ndarray:
    """``values`` as contiguous float32, integers divided by their full scale (unsigned ones centred)."""
    kind, bits = values.dtype.kind, 8 * values.dtype.itemsize
    if kind == "f":
        with np.errstate(over="ignore"):  # an overflow to infinity is found by whoever looks at the samples
            return np.ascontiguousarray(values, dtype=np.float32)
    half = 2.0 ** (bits - 1)
    exact = np.float32 if bits <= 16 else np.float64
    centred: np.ndarray = np.array(values, dtype=exact, order="C")
    centred -= half if kind == "u" else 0.0
    return (centred / exact(half)).astype(np.float32, copy=False)


class SndfileSource:
    """A file read by libsndfile. Raises NotImplementedError for a codec that it lacks."""

    def __init__(self, path: str | PathLike, container: str) -> None:
        self.path, self.container = path, container
        self.notes: list[str] = []
        with open(path, "rb") as raw, self._open(raw) as file:
            audio_check.check_shape(file.samplerate, file.channels)
            codec = file.subtype
            bits = {"PCM_U8": 8, "PCM_S8": 8, "FLOAT": 32, "DOUBLE": 64, "ULAW": 8, "ALAW": 8}.get(codec)
            if codec.startswith("PCM_") and codec[4:].isdigit():
                bits = int(codec[4:])
            known = 0 <= file.frames < 2**62
            sure = file.frames if known and container in _SEEKABLE else None
            seconds = file.frames / file.samplerate if known else None
            if sure == 0:
                raise AudioError("holds no samples", remedy="record or export it again")
            self.info = AudioInfo(file.samplerate, file.channels, codec, container, bits, sure, seconds)

    def _open(self, raw: BinaryIO) -> Any:
        import soundfile

        try:
            return soundfile.SoundFile(raw.fileno(), closefd=False)
        except soundfile.LibsndfileError as fault:
            raise NotImplementedError(str(fault)) from fault

    def blocks(self, first: int) -> Iterator[np.ndarray]:
        import soundfile

        step = max(1, BLOCK_VALUES // self.info.channels)
        buffer = np.empty((step, self.info.channels), np.float32)
        done = skip = 0
        with open(self.path, "rb") as raw, self._open(raw) as file:
            try:
                if self.container in _SEEKABLE:
                    done = file.seek(first)
                else:
                    skip = first
                while len(block := file.read(out=buffer)):
                    if skip < len(block):
                        yield np.array(block[skip:].T, order="C")  # a copy: the buffer is used again
                    done += len(block)
                    skip = max(0, skip - len(block))
            except soundfile.LibsndfileError as fault:
                done = max(done, file.tell())
                reason = fault.error_string.removeprefix("Error : ").rstrip(".")
                raise AudioError(
                    f"is damaged or truncated after {done / self.info.rate:.2f} s ({reason})",
                    remedy="copy or export it again",
                ) from fault
        if self.info.frames is not None and done < self.info.frames:
            raise audio_check.truncated(done / self.info.rate, self.info.frames / self.info.rate)


class AvSource:
    """The first sound stream of a file or video read by FFmpeg's libraries.

    Encoder delay is dropped as the container says. Beside a video stream, time zero is where the file's
    first stream starts; gaps between time stamps are silence. So sound and picture stay together.
    """

    def __init__(self, path: str | PathLike, kind: str) -> None:
        self.path = path
        self.notes: list[str] = []
        self._damaged = 0
        self._first: Any = None
        with open(path, "rb") as file, _open_container(file) as container:
            stream = _sound_stream(container)
            first = next(self._frames(container, stream), None)
            if first is None and not kind:
                raise audio_check.not_sound()
            if first is None:
                raise AudioError("its sound can't be decoded", remedy="convert it to WAV or FLAC")
            audio_check.check_shape(first.sample_rate, first.layout.nb_channels)
            seconds = None
            if stream.duration and stream.time_base:
                seconds = float(stream.duration * stream.time_base)
            elif container.duration:
                seconds = container.duration / 1e6
            self.info = AudioInfo(
                first.sample_rate,
                first.layout.nb_channels,
                stream.codec_context.name,
                container.format.name.split(",")[0],
                None,
                None,
                seconds,
            )

    def _frames(self, container: Any, stream: Any) -> Iterator[Any]:
        import av

        self._damaged = packets = 0
        self._first = None
        try:
            for packet in container.demux(stream):
                packets += 1
                self._first = self._first or packet
                try:
                    yield from packet.decode()
                except av.FFmpegError:
                    self._damaged += 1
        except (av.FFmpegError, OSError) as fault:
            raise AudioError(f"is damaged ({_reason(fault)})", remedy="copy or export it again") from fault
        if self._damaged * 2 > packets:
            raise AudioError(
                f"is damaged: {self._damaged} of {packets} packets can't be decoded",
                remedy="copy or export it again",
            )

    def blocks(self, first: int) -> Iterator[np.ndarray]:
        rate = self.info.rate
        step = max(1, BLOCK_VALUES // self.info.channels)
        held: list[np.ndarray] = []
        count, skip = 0, first
        with open(self.path, "rb") as file, _open_container(file) as container:
            for piece in self._pieces(container, rate):
                cut = min(skip, piece.shape[1])
                skip -= cut
                held.append(piece[:, cut:])
                count += held[-1].shape[1]
                if count >= step:
                    yield np.concatenate(held, axis=1)
                    held, count = [], 0
        if count:
            yield np.concatenate(held, axis=1)
        if self._damaged:
            self.notes.append(f"{self._damaged} damaged packets were replaced by silence")

    def _pieces(self, container: Any, rate: int) -> Iterator[np.ndarray]:
        """Samples [channels, n] in order, with silence where the time stamps leave a gap."""
        stream = _sound_stream(container)
        frames = self._frames(container, stream)
        priming, position, origin, end = None, 0, Fraction(0), None
        held = None  # beyond the end that the container gives: dropped, unless more follows
        for frame in frames:
            if frame.sample_rate != rate or frame.layout.nb_channels != self.info.channels:
                raise AudioError(
                    f"changes its format after {position / rate:.2f} s", remedy="convert it to WAV or FLAC"
                )
            samples, time = _samples(frame), None
            if frame.pts is not None and frame.time_base:
                time = frame.pts * frame.time_base
            if priming is None:
                priming = _hidden_delay(stream.codec_context.name, time, self._first)
                start = (time or 0) + Fraction(priming, rate)
                origin = _origin(container, start)
                end = _end(container, stream, origin, rate)
            drop = min(priming, samples.shape[1])
            priming -= drop
            samples = samples[:, drop:]
            if not samples.shape[1]:
                continue
            if held is not None:
                yield held
                held = None
            if time is not None:
                gap = round((time - origin) * rate) + drop - position
                if gap > _MAX_GAP_S * rate:
                    raise AudioError(
                        f"has a gap of {gap / rate:.0f} s in its time stamps", remedy="convert it to WAV"
                    )
                if gap > (_MIN_GAP_S * rate if position else 0):
                    yield from _silence(self.info.channels, gap)
                    position += gap
            keep = samples.shape[1] if end is None else end - position
            position += samples.shape[1]
            if 0 < keep < samples.shape[1]:
                samples, held = samples[:, :keep], samples[:, keep:]
            yield samples


class FileReader:
    """A file as FFmpeg sees it: a seek to nowhere, which spoilt headers ask for, is answered by -1.

    PyAV would print an exception's traceback.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.read, self.tell, self._file = file.read, file.tell, file

    def seek(self, place: int, whence: int = 0) -> int:
        try:
            return self._file.seek(place, whence)
        except (OSError, ValueError, OverflowError):
            return -1


def _open_container(file: BinaryIO) -> Any:
    import av

    av.logging.set_level(None)
    try:
        return av.open(FileReader(file), options=dict(_OPTIONS), metadata_errors="replace", buffer_size=2**17)
    except (av.FFmpegError, OSError) as fault:
        raise audio_check.not_sound() from fault


def has_pictures(path: str) -> bool:
    """Whether a file holds a video, not only sound or a cover picture; False for what can't be opened."""
    import av

    try:
        av.logging.set_level(None)
        with av.open(path, metadata_errors="replace") as container:
            covers = av.stream.Disposition.attached_pic
            return any(not stream.disposition & covers for stream in container.streams.video)
    except (av.FFmpegError, OSError):
        return False


def _sound_stream(container: Any) -> Any:
    if not container.streams.audio:
        raise AudioError("holds no sound", remedy="give a file with a sound track")
    return container.streams.audio[0]


def _hidden_delay(codec: str, time: Fraction | None, packet: Any) -> int:
    """Samples of encoder delay at the start that the container does not tell of (it told, where the first
    frame starts after the first packet): LAME's for MP3, one frame for AAC."""
    told = packet is None or packet.is_discard or packet.pts is None or packet.pts < 0
    if told or time is None or time > packet.pts * packet.time_base:
        return 0
    return _HIDDEN_DELAY.get(codec, 0)


def _origin(container: Any, start: Fraction) -> Fraction:
    """The instant of the streams' clock that is time zero, given when the sound starts."""
    import av

    starts = [
        stream.start_time * stream.time_base
        for stream in container.streams.video
        if stream.start_time is not None and not stream.disposition & av.stream.Disposition.attached_pic
    ]
    return min([start, *starts])


def _end(container: Any, stream: Any, origin: Fraction, rate: int) -> int | None:
    """Where the sound ends in samples, in the containers that say so to the sample (MP4 and MOV)."""
    if "mov" not in container.format.name or not stream.duration or stream.start_time is None:
        return None
    return round(((stream.start_time + stream.duration) * stream.time_base - origin) * rate)


def _silence(channels: int, count: int) -> Iterator[np.ndarray]:
    step = max(1, BLOCK_VALUES // channels)
    for place in range(0, count, step):
        yield np.zeros((channels, min(step, count - place)), np.float32)


def _samples(frame: Any) -> np.ndarray:
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    return scaled(values)


def _reason(fault: Exception) -> str:
    return (getattr(fault, "strerror", None) or str(fault)).lower() or os.strerror(5)


def checked_rate(rate: object) -> int:
    """``rate`` of an array as a whole number of Hz; UsageError where it is missing or is none."""
    if rate is None:
        raise UsageError("samples need their sample rate", remedy="give rate=, for example rate=16000")
    if not isinstance(rate, int | float | np.integer | np.floating) or rate != int(rate):
        raise UsageError(f"the sample rate {rate!r} is not a whole number of Hz", remedy="use e.g. 16000")
    return int(rate)
