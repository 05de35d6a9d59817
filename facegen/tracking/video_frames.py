"""Decoding video frames in order, each with its time; a still image is a video of one frame."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Any, BinaryIO

import numpy as np

from facegen.core.errors import VideoError
from facegen.core.units import MAX_FPS
from facegen.speech.audio_decoding import FileReader

LONGEST_SIDE = 1280
"""Pixels: larger frames are reduced, as MediaPipe's network sees the face in 192 x 192 pixels."""
USUAL_RATES = tuple(
    Fraction(*rate)
    for rate in (
        (24000, 1001),
        (24, 1),
        (25, 1),
        (30000, 1001),
        (30, 1),
        (50, 1),
        (60000, 1001),
        (60, 1),
        (120, 1),
    )
)
RATE_TOLERANCE = 0.1
EVEN_S = 0.0015
"""Frames whose times deviate no further than this, seconds, from even spacing have one rate."""
IMAGE_FPS = Fraction(25)
_DEMUXERS = "mov,matroska,avi,mpegts,mpeg,flv,asf,ogg,gif,image2,png_pipe,jpeg_pipe,webp_pipe,bmp_pipe,tiff_pipe,mjpeg"
_OPTIONS = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "none"}


@dataclass(frozen=True, eq=False)
class VideoFrame:
    """One frame of a video.

    Attributes
    ----------
    pixels : (H, W, 3) uint8 array
        RGB, upright.
    time : Fraction
        Seconds from the start of the file.
    scale : float
        The video's own size over that of ``pixels``.
    """

    pixels: np.ndarray
    time: Fraction
    scale: float


class Video:
    """The first video stream of a file. Raises VideoError for what holds none or can't be read."""

    def __init__(self, path: str | PathLike) -> None:
        self.path = path
        with self._file() as file, self._open(file) as container:
            stream = self._stream(container)
            if not stream.codec_context or not stream.width:
                raise VideoError("its pictures can't be decoded", path=path)
            self.size = (int(stream.width), int(stream.height))
            self.seconds = float(container.duration / 1e6) if container.duration else None
            self.average: Fraction | None = stream.average_rate
        self.damaged = 0
        self._times: list[Fraction] = []
        self._last = Fraction(0)

    def _file(self) -> BinaryIO:
        try:
            file = open(self.path, "rb")
            if not file.peek(1):
                file.close()
                raise VideoError("is empty", path=self.path)
            return file
        except FileNotFoundError as fault:
            raise VideoError("does not exist", path=self.path, remedy="check the name") from fault
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            raise VideoError(f"can't be read ({reason})", path=self.path) from fault

    def _open(self, file: Any) -> Any:
        import av

        av.logging.set_level(None)
        try:
            return av.open(FileReader(file), options=dict(_OPTIONS), metadata_errors="replace")
        except (av.FFmpegError, OSError, ValueError) as fault:
            raise VideoError("is no video that can be read", path=self.path) from fault

    def _stream(self, container: Any) -> Any:
        import av

        cover = av.stream.Disposition.attached_pic
        streams = [s for s in container.streams.video if not s.disposition & cover]
        if not streams:
            raise VideoError("holds no pictures", path=self.path, remedy="give a video of a face")
        return streams[0]

    def pictures(self) -> Iterator[VideoFrame]:
        """Every picture that can be decoded, in order of time."""
        self._times, self.damaged = [], 0
        with self._file() as file, self._open(file) as container:
            stream = self._stream(container)
            stream.thread_type = "AUTO"
            origin = _origin(container, stream)
            for frame in self._decoded(container, stream):
                time = self._time(frame, origin)
                if time is not None:
                    self._times.append(time)
                    pixels, scale = _upright(frame)
                    yield VideoFrame(pixels, time, scale)
        if not self._times:
            raise VideoError("its pictures can't be decoded", path=self.path)

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        import av

        try:
            for packet in container.demux(stream):
                try:
                    yield from packet.decode()
                except av.FFmpegError:
                    self.damaged += 1
        except (av.FFmpegError, OSError):
            self.damaged += 1

    def _time(self, frame: Any, origin: Fraction) -> Fraction | None:
        """The frame's time; None for one that does not come after the frame before it."""
        step = 1 / (self.average or IMAGE_FPS)
        if frame.pts is None or not frame.time_base:
            time = self._times[-1] + step if self._times else Fraction(0)
        else:
            time = max(Fraction(0), frame.pts * frame.time_base - origin)
        if self._times and time <= self._times[-1]:
            return None
        length = frame.duration * frame.time_base if frame.duration and frame.time_base else step
        self._last = time + length
        return time

    def timing(self) -> tuple[Fraction, int]:
        """The rate of the pictures read, and how many frames of that rate cover them. Uneven times get the nearest
        usual rate."""
        count = len(self._times)
        if count < 2:
            return IMAGE_FPS, 1
        span = self._times[-1] - self._times[0]
        mean = Fraction(count - 1) / span
        beat = float(self._times[0]) + np.arange(count) * float(1 / mean)
        even = float(np.abs(self.times - beat).max()) <= EVEN_S
        rate = _rate(mean, self.average if even else None)
        last = max(self._last, self._times[-1])
        return rate, max(1, math.ceil(last * rate - Fraction(1, 20)))

    @property
    def times(self) -> np.ndarray:
        """Seconds of the pictures read, [N] float64."""
        return np.array([float(t) for t in self._times])


def _rate(mean: Fraction, declared: Fraction | None) -> Fraction:
    if declared and abs(declared / mean - 1) < 0.01:
        near = min(USUAL_RATES, key=lambda r: abs(r - declared))
        return (
            near
            if abs(near / declared - 1) < 1e-4
            else min(declared.limit_denominator(1001), Fraction(MAX_FPS))
        )
    near = min(USUAL_RATES, key=lambda r: abs(r - mean))
    if abs(near / mean - 1) <= RATE_TOLERANCE:
        return near
    return max(Fraction(1), min(Fraction(round(mean)), Fraction(MAX_FPS)))


def _origin(container: Any, stream: Any) -> Fraction:
    """The instant of the streams' clock that is time zero: where the first of picture and sound starts."""
    starts = [
        s.start_time * s.time_base
        for s in (stream, *container.streams.audio[:1])
        if s.start_time is not None and s.time_base
    ]
    first = min(starts, default=Fraction(0))
    video = stream.start_time * stream.time_base if stream.start_time is not None else first
    # A sound that starts a little early only carries its encoder's delay.
    return video if video - first < Fraction(1, 20) else first


def _upright(frame: Any) -> tuple[np.ndarray, float]:
    longest = max(frame.width, frame.height)
    scale = 1.0
    if longest > LONGEST_SIDE:
        scale = longest / LONGEST_SIDE
        frame_size = {"width": round(frame.width / scale), "height": round(frame.height / scale)}
        pixels = frame.to_ndarray(format="rgb24", **frame_size)
    else:
        pixels = frame.to_ndarray(format="rgb24")
    quarter_turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(pixels, quarter_turns)), scale
