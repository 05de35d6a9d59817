"""Pictures of a face for tests, drawn of the head that ships."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.registry import Registry
from facegen.renderers import camera_for, make_background
from facegen.rig import load_rig


@lru_cache(maxsize=16)
def face_pixels(size: int = 288, pose: tuple[tuple[str, float], ...] = (), rig: str = "aria") -> np.ndarray:
    """A head from the front, [size, size, 3] uint8; ``pose``: controls and head channels and their values."""
    head, values = load_rig(rig), dict(pose)
    curves = np.array([[values.get(n, 0.0) for n in head.control_names]], np.float32)
    turns = np.array([[values.get(n, 0.0) for n in HEAD_CHANNELS]], np.float32)
    still = Animation(30, head.control_names, curves, turns)
    camera = camera_for(head, "front", (size, size))
    frames = (
        Registry("renderers")
        .get("raster")()
        .frames(head, still, camera, (size, size), make_background("#557799", (size, size)), fine=True)
    )
    return next(iter(frames))
