"""Videos by PyAV: exact frame rates, the sound beside them, the same bytes for the same input."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from fractions import Fraction
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.errors import OutputError, UsageError
from facegen.core.files import atomic_path
from facegen.renderers.clip import Clip
from facegen.renderers.soundtrack import SOUND_HZ, sound_frames

THREADS = 4
"""Fixed, since encoders give other bytes with another number of threads."""
WAITING_FRAMES = 6


class _Video:
    """A container with one picture stream and, where the clip has sound, one sound stream."""

    suffix = ""
    alpha = False
    sound = True
    codecs: tuple[tuple[str, dict[str, str]], ...] = ()
    """Picture encoders and their options, best first; those that PyAV lacks are passed over."""
    sound_codec = "aac"
    pixels = "yuv420p"
    container: dict[str, str] = {}

    def write(self, path: str | PathLike, frames: Iterator[np.ndarray], clip: Clip) -> None:
        """Encode ``frames`` and the clip's sound, cut or padded to the same length.

        Raises AudioError for sound that can't be read, OutputError where ``path`` can't be written.
        """
        if clip.size[0] % 2 or clip.size[1] % 2:
            raise UsageError(
                f"{self.suffix} needs even sizes, not {clip.size[0]}x{clip.size[1]}", remedy="use 1280x720"
            )
        with closing(frames), atomic_path(path) as temporary:  # type: ignore[type-var]
            with _EncoderThread(lambda waiting: self._encode(str(temporary), waiting, clip, path)) as worker:
                for number, pixels in enumerate(frames):
                    worker.put(pixels)
                    clip.report(number + 1)

    def join(
        self, path: str | PathLike, parts: Sequence[str | PathLike], clip: Clip, notes: dict[str, str]
    ) -> None:
        """One video of ``parts``, which this writer wrote without sound, without encoding pictures again; with the
        clip's sound, and ``notes`` in the file's own data. ``clip.count`` frames in all."""
        import av

        with atomic_path(path) as temporary:
            try:
                options = {"fflags": "+bitexact", **self.container}
                with av.open(str(temporary), "w", format=self.suffix[1:], container_options=options) as out:
                    out.metadata.update(notes)
                    self._join(out, parts, clip)
            except av.FFmpegError as error:
                raise OutputError(
                    f"can't be joined ({error.strerror or error})", path=path, remedy="check the free space"
                ) from error

    def _join(self, out: Any, parts: Sequence[str | PathLike], clip: Clip) -> None:
        import av

        picture, track, first = None, None, 0
        for part in parts:
            with av.open(str(part)) as source:
                given = source.streams.video[0]
                if picture is None:
                    picture = out.add_stream_from_template(given)
                    track = _Soundtrack(out, self.sound_codec, clip) if clip.audio else None
                shift, count = round(first / clip.fps / (given.time_base or 1)), 0
                for packet in source.demux(given):
                    if packet.size and packet.pts is not None and packet.dts is not None:
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = picture
                        count += 1
                        out.mux(packet)
                        if track is not None:
                            track.write_until(Fraction(first + count) / clip.fps)
                first += count
        if track is not None:
            track.finish()

    def _encode(self, name: str, frames: Iterator[np.ndarray], clip: Clip, path: str | PathLike) -> None:
        import av

        try:
            options = {"fflags": "+bitexact", **self.container}
            with av.open(name, "w", format=self.suffix[1:], container_options=options) as out:
                picture = self._picture_stream(out, clip)
                track = _Soundtrack(out, self.sound_codec, clip) if clip.audio else None
                for number, pixels in enumerate(frames):
                    frame = self._frame(pixels)
                    frame.pts, frame.time_base = number, 1 / clip.fps
                    out.mux(picture.encode(frame))
                    if track is not None:
                        track.write_until(Fraction(number + 1) / clip.fps)
                out.mux(picture.encode(None))
                if track is not None:
                    track.finish()
        except av.FFmpegError as error:
            raise OutputError(
                f"can't be encoded ({error.strerror or error})", path=path, remedy="check the free space"
            ) from error

    def _picture_stream(self, out: Any, clip: Clip) -> Any:
        name, options = self._codec(clip)
        stream = out.add_stream(name, rate=clip.fps, options=options)
        stream.width, stream.height = clip.size
        stream.pix_fmt = self._pixels(clip)
        stream.time_base = 1 / clip.fps
        context = stream.codec_context
        context.time_base = 1 / clip.fps
        context.thread_count = THREADS
        # BT.709, limited range: what players take for granted at these sizes.
        context.colorspace = context.color_primaries = context.color_trc = 1
        context.color_range = 1
        return stream

    def _codec(self, clip: Clip) -> tuple[str, dict[str, str]]:
        import av

        for name, options in self.codecs:
            if name in av.codecs_available:
                return name, options
        raise OutputError(
            f"this build of PyAV has none of the encoders {', '.join(n for n, _ in self.codecs)}",
            remedy='install the wheel: pip install --force-reinstall --only-binary :all: "av>=12"',
        )

    def _pixels(self, clip: Clip) -> str:
        return self.pixels

    def _frame(self, pixels: np.ndarray) -> Any:
        import av

        whole = _four_channels(pixels)
        if whole is not None:
            frame = av.VideoFrame.from_numpy_buffer(whole, "rgba")
        else:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), "rgb24")
        return frame.reformat(format=self.pixels, dst_colorspace="ITU709", dst_color_range="MPEG")


def _four_channels(pixels: np.ndarray) -> np.ndarray | None:
    """The contiguous [H, W, 4] array that ``pixels`` is, or shows three channels of; copying costs more."""
    rows, columns, channels = pixels.shape
    whole = pixels if channels == 4 else pixels.base
    if (
        isinstance(whole, np.ndarray)
        and whole.flags.c_contiguous
        and whole.nbytes == 4 * rows * columns
        and pixels.strides == (4 * columns, 4, 1)
        and whole.ctypes.data == pixels.ctypes.data
    ):
        return whole.reshape(rows, columns, 4)
    return None


_H264 = (
    ("libx264", {"preset": "veryfast", "crf": "20", "x264-params": "subme=1:weightp=0"}),
    ("libopenh264", {"b": "6000000"}),
    ("mpeg4", {"qscale": "3"}),
)


class Mp4(_Video):
    suffix = ".mp4"
    codecs = _H264
    container = {"movflags": "+faststart"}


class Webm(_Video):
    suffix = ".webm"
    codecs = (
        ("libvpx-vp9", {"crf": "30", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"}),
    )
    sound_codec = "libopus"


class Mov(_Video):
    """H.264, or ProRes 4444 where the background is transparent."""

    suffix = ".mov"
    alpha = True
    codecs = _H264

    def write(self, path: str | PathLike, frames: Iterator[np.ndarray], clip: Clip) -> None:
        if clip.alpha:
            _ProRes().write(path, frames, clip)
        else:
            super().write(path, frames, clip)


class _ProRes(_Video):
    suffix = ".mov"
    codecs = (("prores_ks", {"profile": "4444", "alpha_bits": "8"}),)
    pixels = "yuva444p10le"


class _Soundtrack:
    """The sound stream of a container, fed up to the time that the pictures have reached."""

    def __init__(self, out: Any, codec: str, clip: Clip) -> None:
        assert clip.audio is not None
        self._out = out
        self._frames = sound_frames(clip.audio, clip.audio_start, clip.seconds)
        self._stream = out.add_stream(codec, rate=SOUND_HZ, layout="stereo")
        self._stream.bit_rate = 160_000
        self._stream.time_base = Fraction(1, SOUND_HZ)
        self._done = 0

    def write_until(self, seconds: Fraction) -> None:
        while self._done < seconds * SOUND_HZ:
            frame = next(self._frames, None)
            if frame is None:
                return
            self._write(frame)

    def _write(self, frame: Any) -> None:
        frame.pts, frame.time_base = self._done, Fraction(1, SOUND_HZ)
        self._done += frame.samples
        self._out.mux(self._stream.encode(frame))

    def finish(self) -> None:
        for frame in self._frames:
            self._write(frame)
        self._out.mux(self._stream.encode(None))


class _EncoderThread:
    """Runs a consumer of frames in a thread of its own, so that drawing and encoding overlap."""

    def __init__(self, consume: Any) -> None:
        self._queue: queue.Queue = queue.Queue(WAITING_FRAMES)
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(consume,), daemon=True)
        self._thread.start()

    def _run(self, consume: Any) -> None:
        try:
            consume(self._waiting())
        except BaseException as fault:
            self._fault = fault
            for _ in self._waiting():  # whoever puts must not wait for ever
                pass

    def _waiting(self) -> Iterator[np.ndarray]:
        while (item := self._queue.get()) is not None:
            yield item

    def put(self, pixels: np.ndarray) -> None:
        if self._fault is not None:
            raise self._fault
        self._queue.put(pixels)

    def __enter__(self) -> _EncoderThread:
        return self

    def __exit__(self, kind: type | None, fault: BaseException | None, trace: Any) -> None:
        self._queue.put(None)
        self._thread.join()
        if fault is None and self._fault is not None:
            raise self._fault
