"""A rig's textures as pixels."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np

from facegen.core.errors import MissingExtraError, RigError
from facegen.renderers.images import MAX_IMAGE_PIXELS, pillow
from facegen.rig import Rig

MAX_SIDE = 4096
"""Textures with longer sides are scaled down."""
FORMATS = ("PNG", "JPEG")


def texture_pixels(rig: Rig, name: str) -> np.ndarray:
    """The texture called ``name``, [H, W, 4] uint8 sRGB and alpha, top row first. Raises RigError for a broken one."""
    raw = rig.textures[name]
    try:
        return _decoded(raw)
    except MissingExtraError:
        raise
    except Exception as error:  # Pillow raises all kinds
        raise RigError(
            f"the texture {name} of the rig {rig.name} can't be read ({error})", remedy="save it again as PNG"
        ) from error


@lru_cache(maxsize=2)
def _decoded(raw: bytes) -> np.ndarray:
    image_module = pillow()
    with image_module.open(io.BytesIO(raw), formats=FORMATS) as image:
        if image.width * image.height > MAX_IMAGE_PIXELS:
            raise ValueError(f"{image.width} x {image.height} pixels are too many")
        scale = MAX_SIDE / max(image.size)
        if scale < 1:
            image.draft("RGB", (MAX_SIDE, MAX_SIDE))
            image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
        pixels = np.asarray(image.convert("RGBA"))
    pixels.setflags(write=False)
    return pixels


def at_uvs(pixels: np.ndarray, uvs: np.ndarray) -> np.ndarray:
    """The pixels [V, 4] under ``uvs`` [V, 2], repeated beyond 0..1."""
    height, width = pixels.shape[:2]
    place = np.mod(np.nan_to_num(uvs), 1.0)
    column = np.minimum((place[:, 0] * width).astype(int), width - 1)
    row = np.minimum(((1 - place[:, 1]) * height).astype(int), height - 1)
    return pixels[row, column]


def smaller(pixels: np.ndarray, times: int) -> np.ndarray:
    """Means over ``times`` x ``times`` pixels [H, W, 4], where there are many."""
    height, width = (n // times for n in pixels.shape[:2])
    if min(height, width) < times:
        return pixels
    blocks = pixels[: height * times, : width * times].reshape(height, times, width, times, -1)
    return np.round(blocks.mean(axis=(1, 3), dtype=np.float32)).astype(np.uint8)
