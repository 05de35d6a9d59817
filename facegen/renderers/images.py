"""Still pictures: backgrounds in, PNG files, folders of them and animated GIFs out."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.errors import ImageError, MissingExtraError, UsageError
from facegen.core.files import atomic_path, make_folder, read_bytes, write_atomic
from facegen.renderers.clip import Clip
from facegen.renderers.colors import parse_color

MAX_IMAGE_BYTES = 256 * 2**20
MAX_IMAGE_PIXELS = 120_000_000
GIF_RATE = 50
"""Frames a second above which players slow a GIF down."""
_SPREAD = 0.10
"""How much lighter a coloured background is behind the head, and darker in the corners."""


def pillow() -> Any:
    """The module PIL.Image. Raises MissingExtraError where Pillow is not installed."""
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingExtraError("pillow", "render", "rendering") from error
    return Image


def make_background(text: str, size: tuple[int, int]) -> np.ndarray:
    """The background [H, W, 3] uint8 for ``#rrggbb`` (a soft gradient of it) or an image file (scaled to cover).

    Raises UsageError for what is neither, ImageError for a file that is no image.
    """
    color = parse_color(text)
    if color is not None:
        return _gradient(color, size)
    if text.startswith("#"):
        raise UsageError(f"the background {text!r} is no colour", remedy="use #rrggbb, for example #2b2f36")
    if not Path(text).exists() and not Path(text).suffix:
        raise UsageError(
            f"the background {text!r} is neither a colour nor an image file",
            remedy="use #rrggbb, for example #2b2f36",
        )
    return _cover(read_image(text), size)


def read_image(path: str | PathLike) -> np.ndarray:
    """The pixels [H, W, 3] uint8 of an image file, turned upright. Raises ImageError for what is none."""
    image_module = pillow()
    from PIL import ImageOps

    raw = read_bytes(path, limit=MAX_IMAGE_BYTES, error=ImageError)
    try:
        with image_module.open(io.BytesIO(raw)) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise ImageError(
                    f"has {image.width} x {image.height} pixels", path=path, remedy="scale it down"
                )
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except ImageError:
        raise
    except Exception as error:
        raise ImageError(
            "is not an image that can be read", path=path, remedy="save it as PNG or JPEG"
        ) from error


def png_bytes(pixels: np.ndarray) -> bytes:
    """``pixels`` [H, W, 3 or 4] uint8 or [H, W] uint16 as a PNG file."""
    out = io.BytesIO()
    pillow().fromarray(np.ascontiguousarray(pixels)).save(out, "PNG", compress_level=4)
    return out.getvalue()


class Png:
    """One picture: the first frame."""

    suffix, alpha, sound = ".png", True, False

    def write(self, path: str | PathLike, frames: Iterator[np.ndarray], clip: Clip) -> None:
        with closing(frames):  # type: ignore[type-var]
            write_atomic(path, png_bytes(next(frames)))
        clip.report(1)


class PngFolder:
    """Every frame as a numbered PNG in a folder."""

    suffix, alpha, sound = "/", True, False

    def write(self, path: str | PathLike, frames: Iterator[np.ndarray], clip: Clip) -> None:
        folder = make_folder(path)
        digits = max(5, len(str(clip.count - 1)))
        with closing(frames):  # type: ignore[type-var]
            for number, pixels in enumerate(frames):
                write_atomic(folder / f"{number:0{digits}d}.png", png_bytes(pixels))
                clip.report(number + 1)


class Gif:
    """An animated GIF, looping, at most GIF_RATE frames a second, with the clip's own timing."""

    suffix, alpha, sound = ".gif", False, False

    def write(self, path: str | PathLike, frames: Iterator[np.ndarray], clip: Clip) -> None:
        image = pillow()
        every = max(1, math.ceil(clip.fps / GIF_RATE))
        starts = [round(100 * Fraction(i) / clip.fps) for i in range(0, clip.count, every)]
        ends = [*starts[1:], round(100 * Fraction(clip.count) / clip.fps)]
        durations = [10 * max(1, end - start) for start, end in zip(starts, ends, strict=True)]

        def pictures() -> Iterator[Any]:
            for number, pixels in enumerate(frames):
                clip.report(number + 1)
                if number % every == 0:
                    yield image.fromarray(np.ascontiguousarray(pixels[..., :3])).quantize(256)

        with closing(frames), atomic_path(path) as temporary:  # type: ignore[type-var]
            drawn = pictures()
            next(drawn).save(
                temporary,
                "GIF",
                save_all=True,
                append_images=drawn,
                duration=durations,
                loop=0,
                optimize=False,
            )


def _gradient(color: tuple[int, int, int], size: tuple[int, int]) -> np.ndarray:
    width, height = size
    x = (np.arange(width) + 0.5) / width - 0.5
    y = (np.arange(height) + 0.5) / height - 0.45
    away = np.hypot(x[None, :] * 1.2, y[:, None])
    gain = 1.0 + _SPREAD * (1.0 - 2.2 * away)
    # Noise of less than a step hides the bands that so soft a gradient has in eight bits.
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (height, width, 1))
    return np.clip(np.round(gain[..., None] * color + noise), 0, 255).astype(np.uint8)


def _cover(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``pixels`` scaled to fill ``size``, cut at the longer sides."""
    from PIL import ImageOps

    image = pillow()
    return np.asarray(ImageOps.fit(image.fromarray(pixels), size, image.Resampling.LANCZOS))
