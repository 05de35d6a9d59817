"""The lamps and the sky that every renderer lights heads with; they go with the camera."""

from __future__ import annotations

import numpy as np

from facegen.renderers.camera import Camera

LIGHTS = {
    # Direction in the camera's frame (right, up, back), colour (linear).
    "key": ((-0.60, 0.62, 0.75), (1.28, 1.18, 1.07)),
    "fill": ((0.85, 0.05, 0.60), (0.20, 0.23, 0.28)),
    "rim": ((0.75, 0.45, -0.75), (1.10, 1.20, 1.35)),
}
SKY, GROUND = (0.26, 0.28, 0.32), (0.14, 0.12, 0.11)


def light_directions(camera: Camera) -> np.ndarray:
    """Unit vectors in the world towards key, fill and rim light, [3, 3]; the lamps go with the camera."""
    directions = np.array([d for d, _ in LIGHTS.values()]) @ camera.axes
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)
