"""Where live sound comes from: a microphone, a file, a pipe. Each fills a buffer from a thread of its own."""

from __future__ import annotations

import struct
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import numpy as np

from facegen.core.errors import (
    AudioError,
    FacegenError,
    InputError,
    MissingExtraError,
    MissingSystemError,
    UsageError,
)
from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech.audio import open_audio, resample
from facegen.speech.audio_decoding import scaled

CAPACITY_S, PIPE_CAPACITY_S = 1.0, 10.0
MIC_BLOCK_S = 0.02
RESERVE_S, MOST_RESERVE_S = 0.03, 0.15
"""Of sound that waits before any is used: little at first, twice as much each time that it was too little."""
PIPE_BYTES = 1280
MAX_HEADER_BYTES = 1 << 16
LOWEST_HZ, HIGHEST_HZ = 8000, 192_000
_FORMATS: dict[tuple[int, int], str] = {
    (1, 8): "u1", (1, 16): "<i2", (1, 24): "<i3", (1, 32): "<i4", (3, 32): "<f4", (3, 64): "<f8",
}  # fmt: skip


class SoundBuffer:
    """Samples at 16 kHz on their way from one thread to another, at most ``capacity_s`` seconds of them.

    A writer that is too quick waits (``put``; ``full`` is set) or loses the oldest (``put_live``). After it has run
    dry, ``take`` gives nothing until ``reserve`` samples are there again.
    """

    def __init__(self, reserve_s: float, capacity_s: float = CAPACITY_S) -> None:
        self.reserve = round(reserve_s * SAMPLE_RATE_HZ)
        self._capacity = max(round(capacity_s * SAMPLE_RATE_HZ), 4 * self.reserve)
        self._most = round(MOST_RESERVE_S * SAMPLE_RATE_HZ)
        self.full = False
        self._blocks: deque[np.ndarray] = deque()
        self._count = 0
        self._filling = True
        self._changed = threading.Condition()
        self.ended = False
        self.closed = False
        self.lost = 0
        self.fault: BaseException | None = None

    @property
    def level(self) -> int:
        return self._count

    def put(self, block: np.ndarray) -> bool:
        """Add samples once there is room; whether anybody still reads."""
        with self._changed:
            while self._count >= self._capacity and not self.closed:
                self.full = True
                self._changed.wait(0.1)
            self._add(block)
            return not self.closed

    def put_live(self, block: np.ndarray) -> None:
        with self._changed:
            while self._count + len(block) > self._capacity and self._blocks:
                gone = self._blocks.popleft()
                self._count -= len(gone)
                self.lost += len(gone)
            self._add(block)

    def _add(self, block: np.ndarray) -> None:
        if len(block):
            self._blocks.append(np.asarray(block, np.float32))
            self._count += len(block)
        self._changed.notify_all()

    def end(self, fault: BaseException | None = None) -> None:
        with self._changed:
            self.ended, self.fault = True, fault
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def take(self, count: int) -> np.ndarray:
        """``count`` samples, fewer at the end of the sound, none where it has run dry. Raises the writer's error."""
        with self._changed:
            if self._filling and self._count < self.reserve and not self.ended:
                return np.zeros(0, np.float32)
            self._filling = False
            if self._count < count and not self.ended:
                self._filling = True
                self.reserve = min(2 * self.reserve, max(self.reserve, self._most))
                return np.zeros(0, np.float32)
            if self.ended and not self._count and self.fault is not None:
                raise self.fault
            return self._take(count)

    def wait(self, count: int, seconds: float) -> bool:
        """Wait until ``count`` samples can be taken, or the sound has ended; whether that is so."""
        with self._changed:
            need = max(count, self.reserve if self._filling else 0)
            return self._changed.wait_for(lambda: self._count >= need or self.ended, seconds)

    def _take(self, count: int) -> np.ndarray:
        parts, left = [np.zeros(0, np.float32)], count
        while left and self._blocks:
            block = self._blocks.popleft()
            parts.append(block[:left])
            if len(block) > left:
                self._blocks.appendleft(block[left:])
            left -= len(parts[-1])
        taken = np.concatenate(parts)
        self._count -= len(taken)
        self._changed.notify_all()
        return taken


class LiveSource:
    """Sound at 16 kHz in ``buffer``. ``live``: it comes at its own pace and without end, and silence stands in for
    what does not come."""

    def __init__(self, name: str, reserve_s: float, live: bool, capacity_s: float = CAPACITY_S) -> None:
        self.name, self.live = name, live
        self.buffer = SoundBuffer(reserve_s, capacity_s)
        self._device: Any = None

    def fill_from(self, blocks: Callable[[], Iterator[np.ndarray]]) -> None:
        """Start a thread that fills the buffer with what ``blocks()`` yields."""

        def run() -> None:
            fault: BaseException | None = None
            try:
                for block in blocks():
                    if not self.buffer.put(block):
                        return
            except (FacegenError, OSError, MemoryError) as error:
                fault = error
            except ValueError as error:  # a pipe that was closed meanwhile
                fault = None if self.buffer.closed else error
            self.buffer.end(fault)

        threading.Thread(target=run, name="facegen-sound", daemon=True).start()

    def close(self) -> None:
        self.buffer.close()
        if self._device is not None:
            self._device.abort()
            self._device.close()


def open_live_source(name: str, rate: int, device: str | None) -> LiveSource:
    """``mic``, ``-`` (a pipe: WAV, or raw 16-bit mono at ``rate`` Hz) or a file. Raises as each can fail."""
    if name == "mic":
        return _microphone(device)
    if name == "-":
        source = LiveSource("-", RESERVE_S, True, PIPE_CAPACITY_S)
        source.fill_from(lambda: piped(sys.stdin.buffer, rate))
        return source
    sound = open_audio(name)
    source = LiveSource(sound.name, 0.0, live=False)
    source.fill_from(sound.blocks)
    return source


def _microphone(device: str | None) -> LiveSource:
    try:
        import sounddevice
    except ImportError as error:
        raise MissingExtraError("sounddevice", "stream", "a microphone") from error
    except OSError as error:
        raise MissingSystemError(
            "a microphone needs the library PortAudio, which is not installed",
            path="mic",
            remedy="install it with: apt-get install libportaudio2",
        ) from error
    wanted: Any = int(device) if device is not None and device.isdecimal() else device
    source = LiveSource("mic", RESERVE_S, live=True)

    def heard(block: np.ndarray, frames: int, times: Any, status: Any) -> None:
        source.buffer.put_live(resampler(mono(block)))

    try:
        about = sounddevice.query_devices(wanted, "input")
        rate = stream_rate(int(about["default_samplerate"]))
        resampler = _Resampler(rate)
        source._device = sounddevice.InputStream(
            rate, round(MIC_BLOCK_S * rate), wanted, 1, "float32", "low", callback=heard
        )
        source._device.start()
    except (ValueError, sounddevice.PortAudioError) as error:
        what = "there is no microphone" if device is None else f"no microphone is called {device!r}"
        raise InputError(
            f"{what} ({_first_line(error)})", path="mic", remedy="connect one, or stream a file or - (a pipe)"
        ) from error
    return source


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].lower()[:120]


class _Resampler:
    """Blocks [n] at ``rate`` Hz as blocks at 16 kHz."""

    def __init__(self, rate: int) -> None:
        import soxr

        same = rate == SAMPLE_RATE_HZ
        self._stream = None if same else soxr.ResampleStream(rate, SAMPLE_RATE_HZ, 1, "float32", "MQ")

    def __call__(self, block: np.ndarray) -> np.ndarray:
        return block if self._stream is None else self._stream.resample_chunk(block)


def piped(pipe: BinaryIO, rate: int) -> Iterator[np.ndarray]:
    """Blocks at 16 kHz of the WAV stream or raw 16-bit mono sound in a pipe, as they come. Raises AudioError."""
    start = _read(pipe, 4)
    if start in (b"RIFF", b"RF64"):
        kind, channels, rate = _wav_header(pipe)
        start = b""
    else:
        kind, channels = "<i2", 1
    size = int(kind[-1]) * channels

    def blocks() -> Iterator[np.ndarray]:
        left = start
        while True:
            data = pipe.read1(max(PIPE_BYTES, size))  # type: ignore[attr-defined]
            whole = left + data
            used = len(whole) - len(whole) % size
            if used:
                yield mono(_decoded(whole[:used], kind).reshape(-1, channels))
            left = whole[used:]
            if not data:
                return

    yield from resample(blocks(), rate, SAMPLE_RATE_HZ)


def _decoded(data: bytes, kind: str) -> np.ndarray:
    if kind != "<i3":
        return np.frombuffer(data, kind)
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
    return wide.view("<i4")[:, 0]


def _wav_header(pipe: BinaryIO) -> tuple[str, int, int]:
    """Kind of samples, channels and rate of a WAV stream whose first four bytes have been read; leaves it at its data."""
    _read(pipe, 8)
    found: tuple[str, int, int] | None = None
    while True:
        name, size = struct.unpack("<4sI", _read(pipe, 8))
        if name == b"data":
            break
        if size > MAX_HEADER_BYTES:
            raise _no_wav("it has no data")
        body = _read(pipe, size + size % 2)
        if name == b"fmt " and size >= 16:
            code, channels, rate, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if code == 0xFFFE and size >= 26:
                code = struct.unpack("<H", body[24:26])[0]
            if (code, bits) not in _FORMATS:
                raise _no_wav(f"its samples of {bits} bits, format {code}, are not known")
            if not 1 <= channels <= 64 or not LOWEST_HZ <= rate <= HIGHEST_HZ:
                raise _no_wav(f"it claims {channels} channels at {rate} Hz")
            found = (_FORMATS[code, bits], channels, rate)
    if found is None:
        raise _no_wav("it does not say what its samples are")
    return found


def _no_wav(reason: str) -> AudioError:
    return AudioError(
        f"the pipe holds no WAV stream that can be read: {reason}", path="-", remedy="send 16-bit PCM WAV"
    )


def _read(pipe: BinaryIO, count: int) -> bytes:
    data = pipe.read(count)
    if len(data) < count:
        raise AudioError(
            "the pipe ended before any sound came", path="-", remedy="send WAV, or raw 16-bit samples"
        )
    return data


def stream_rate(rate: Any) -> int:
    """``rate`` where it is one of sound. Raises UsageError."""
    whole = not isinstance(rate, bool) and isinstance(rate, int | float | np.number) and rate == int(rate)
    if not whole or not LOWEST_HZ <= rate <= HIGHEST_HZ:
        raise UsageError(
            f"the rate {rate!r} is not a whole number in {LOWEST_HZ}..{HIGHEST_HZ} Hz",
            remedy="use e.g. 16000",
        )
    return int(rate)


def mono(block: Any) -> np.ndarray:
    """A block as samples [n] float32: channels averaged, integers by their full scale. Raises AudioError."""
    try:
        samples = np.asarray(block)
    except (TypeError, ValueError, OverflowError) as error:
        raise AudioError("a block is no array of numbers", remedy="give float samples in -1..1") from error
    if samples.dtype.kind not in "fiu" or samples.ndim not in (1, 2):
        raise AudioError(
            f"a block has {samples.ndim} axes of {samples.dtype}", remedy="give samples [n] or [n, channels]"
        )
    samples = scaled(samples)
    if not np.isfinite(samples).all():
        raise AudioError("a sample is not finite (NaN or infinity)", remedy="leave such blocks out")
    if samples.ndim == 2:
        samples = samples.mean(axis=1) if samples.size else np.zeros(0, np.float32)
    return samples
