"""What of a head the pictures show: its colours, how far away it is, or where it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError, nearest
from facegen.renderers.camera import Camera
from facegen.rig import Rig

CHANNELS = ("color", "depth", "mask")
MARGIN_CM = 4.0
"""How far beyond the resting head's nearest and farthest point the greys of the depth reach."""


def check_channel(name: str) -> None:
    """Raises UsageError for a name that is none of CHANNELS."""
    if name not in CHANNELS:
        raise UsageError(f"--show {name!r} is nothing to show", remedy=nearest(name, CHANNELS))


def masks(
    renderer: object, rig: Rig, animation: Animation, camera: Camera, size: tuple[int, int]
) -> Iterator[np.ndarray]:
    """White where the head is, black elsewhere, grey at its edges: [H, W, 3] uint8 a frame."""
    for pixels in renderer.frames(rig, animation, camera, size, None, True):  # type: ignore[attr-defined]
        yield np.repeat(pixels[..., 3:], 3, axis=2)


def depths(
    renderer: object,
    rig: Rig,
    animation: Animation,
    camera: Camera,
    size: tuple[int, int],
    deep: bool = False,
) -> Iterator[np.ndarray]:
    """Lighter where nearer, black where nothing is: [H, W, 3] uint8 a frame, or ``deep`` [H, W] uint16; linear in the
    distance.

    1 is MARGIN_CM behind the resting head's farthest point from the camera's plane, 255 (65535) as much before its
    nearest. Raises UsageError for a renderer that tells no depths.
    """
    if not hasattr(renderer, "depths"):
        raise UsageError("that renderer tells no depths", remedy="use --renderer raster")
    near, far = depth_range(rig, camera)
    for distance in renderer.depths(rig, animation, camera, size):
        most = 65535 if deep else 255
        grey = np.clip(most - (most - 1) * (distance - near) / (far - near), 1, most)
        shown = np.where(np.isfinite(distance), np.round(grey), 0)
        yield shown.astype(np.uint16) if deep else np.repeat(shown.astype(np.uint8)[..., None], 3, axis=2)


def depth_range(rig: Rig, camera: Camera) -> tuple[float, float]:
    """The distances in cm that the depth's lightest and darkest grey stand for."""
    back = (rig.mesh.vertices - camera.position) @ camera.axes[2]  # type: ignore[union-attr]
    return float(-back.max() - MARGIN_CM), float(-back.min() + MARGIN_CM)
