"""What lights heads: the studio's lamps and sky, which go with the camera, or a picture of the surroundings."""

from __future__ import annotations

import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from facegen.core.errors import ImageError, UsageError
from facegen.core.files import read_bytes
from facegen.core.mesh import to_linear
from facegen.renderers.camera import Camera
from facegen.renderers.images import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, read_image

LIGHTS = {
    # Direction in the camera's frame (right, up, back), colour (linear).
    "key": ((-0.60, 0.62, 0.75), (1.28, 1.18, 1.07)),
    "fill": ((0.85, 0.05, 0.60), (0.20, 0.23, 0.28)),
    "rim": ((0.75, 0.45, -0.75), (1.10, 1.20, 1.35)),
}
SKY, GROUND = (0.26, 0.28, 0.32), (0.14, 0.12, 0.11)
STUDIO = "studio"
LUMA = (0.2126, 0.7152, 0.0722)
RADIANCE = (".hdr", ".exr")
"""Suffixes of pictures that hold linear light."""
ROWS = 64  # of a picture's directions that are summed
BRIGHT = 0.02  # share of all directions, the brightest, that may be the key light
FRONT = 0.9  # light that falls on what faces forward, as much as in the studio
SQUARES = np.array([1, 1 / 3, 1 / 3, 1 / 3, 1 / 15, 1 / 15, 1 / 15, 4 / 15, 4 / 5])
"""The means of the squares of the functions of ``basis`` over all directions."""
COSINE = (1.0, 2 / 3, 1 / 4)
"""What remains of a light's harmonics of each degree on a matt surface (Ramamoorthi and Hanrahan, 2001)."""


def light_directions(camera: Camera) -> np.ndarray:
    """Unit vectors in the world towards key, fill and rim light, [3, 3]; the lamps go with the camera."""
    directions = np.array([d for d, _ in LIGHTS.values()]) @ camera.axes
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


@dataclass(frozen=True)
class Environment:
    """Light from a picture: the unit vector ``key`` towards its brightest spot and that light's ``color`` [3]; of all
    else the factors of ``basis`` as a mirror shows it, ``sharp`` [9, 3], and as a matt surface does, ``soft`` [9, 3]."""

    key: np.ndarray
    color: np.ndarray
    sharp: np.ndarray
    soft: np.ndarray


def basis(directions: np.ndarray) -> np.ndarray:
    """Spherical harmonics to degree 2 as the shader has them [N, 9], of unit vectors [N, 3]."""
    x, y, z = directions.T
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, z * x, x * x - y * y, 3 * z * z - 1], axis=1)


def read_surroundings(name: str | PathLike) -> Environment | None:
    """The light of an equirectangular picture whose middle lies before the face; None for the studio.

    It is made as bright in front as the studio. Raises UsageError for a name that is no file, ImageError for a file that
    is no picture.
    """
    if str(name) == STUDIO:
        return None
    if not Path(name).suffix and not Path(name).exists():
        raise UsageError(
            f"the light {str(name)!r} is neither studio nor a picture", remedy="use studio or a file"
        )
    return surroundings(_radiance(Path(name)))


def surroundings(picture: np.ndarray) -> Environment:
    """Of linear light [H, W, 3]: the top row lies straight up, the middle column towards +Z, the columns right of it
    towards -X, as a camera at the head's place that looks along +Z takes them."""
    rows = _shrunk(picture)
    height, width = rows.shape[:2]
    up = np.pi * (0.5 - (np.arange(height) + 0.5) / height)
    turn = 2 * np.pi * ((np.arange(width) + 0.5) / width - 0.5)
    flat = np.stack(
        np.broadcast_arrays(
            np.cos(up)[:, None] * -np.sin(turn), np.sin(up)[:, None], np.cos(up)[:, None] * np.cos(turn)
        ),
        -1,
    )
    directions, light = flat.reshape(-1, 3), rows.reshape(-1, 3)
    share = np.repeat(np.cos(up), width)
    share /= share.sum()
    luma = light @ LUMA
    order = np.argsort(-luma)
    spot = order[np.cumsum(share[order]) <= BRIGHT]
    around = np.median(luma)
    above = light[spot] * np.maximum(0, 1 - around / np.maximum(luma[spot], 1e-9))[:, None]
    light = light.copy()
    light[spot] -= above
    power = share[spot] @ above  # of 4 pi, times 4 on a surface that faces it
    key = (share[spot] * (above @ LUMA)) @ directions[spot]
    key = key / np.linalg.norm(key) if np.linalg.norm(key) > 1e-9 else np.array([0.0, 0.0, 1.0])
    sharp = basis(directions).T @ (light * share[:, None]) / SQUARES[:, None]
    soft = sharp * np.repeat(COSINE, (1, 3, 5))[:, None]
    front = basis(np.array([[0.0, 0.0, 1.0]])) @ soft + 4 * power * max(key[2], 0.0)
    scale = FRONT / max(float(front[0] @ LUMA), 1e-6)
    return Environment(key, 4 * power * scale, sharp * scale, soft * scale)


def _shrunk(picture: np.ndarray) -> np.ndarray:
    """Means of blocks, about ROWS high."""
    times = max(1, picture.shape[0] // ROWS)
    height, width = (n // times for n in picture.shape[:2])
    if not width:
        return picture.astype(np.float64)
    blocks = picture[: height * times, : width * times].reshape(height, times, width, times, 3)
    return blocks.mean(axis=(1, 3), dtype=np.float64)


def _radiance(path: Path) -> np.ndarray:
    """The linear light [H, W, 3] of a picture."""
    if path.suffix.lower() not in RADIANCE:
        return to_linear(read_image(path) / 255.0)
    import av

    raw = read_bytes(path, limit=MAX_IMAGE_BYTES, error=ImageError)
    try:
        with av.open(io.BytesIO(raw), mode="r") as container:
            stream = container.streams.video[0]
            if stream.width * stream.height > MAX_IMAGE_PIXELS:
                raise ImageError(
                    f"has {stream.width} x {stream.height} pixels", path=path, remedy="scale it down"
                )
            frame = next(container.decode(stream))
            light = frame.reformat(format="gbrpf32le").to_ndarray()
    except (av.FFmpegError, StopIteration, IndexError, ValueError) as error:
        raise ImageError(
            "is not a picture that can be read", path=path, remedy="save it as .hdr or .jpg"
        ) from error
    if light.ndim != 3 or light.shape[2] != 3 or not np.isfinite(light).all():
        raise ImageError("holds light that is no finite number", path=path, remedy="export it again")
    return np.maximum(light, 0.0)
