"""What the video shows of a clip: lips and brows as curves [75] at 25 fps, in distances of the outer eye corners."""

from __future__ import annotations

import numpy as np

from tools.evaluation.lip_tracking import EYES, aperture_and_width
from tools.training.lip_decoder.windows import VIDEO_FRAMES

BROWS = ((105, 33, 133), (334, 263, 362))
"""Of either side: a point of the brow, and the two corners of the eye below it."""


def lips(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Aperture and width [75] of landmarks [T, 478, 3]."""
    gap, width = aperture_and_width(points)
    return fitted(gap), fitted(width)


def brows(points: np.ndarray) -> np.ndarray:
    """Height of the brows over the eye corners, [75], mean of both sides."""
    flat = points[:, :, :2].astype(np.float64)
    across = flat[:, EYES[1]] - flat[:, EYES[0]]
    size = np.linalg.norm(across, axis=1)
    up = np.stack([across[:, 1], -across[:, 0]], axis=1) / size[:, None]
    heights = [
        ((flat[:, brow] - 0.5 * (flat[:, a] + flat[:, b])) * up).sum(axis=1) / size for brow, a, b in BROWS
    ]
    curve = np.mean(heights, axis=0)
    good = np.isfinite(curve)
    if not good.any():
        return np.zeros(VIDEO_FRAMES, np.float32)
    return fitted(np.interp(np.arange(len(curve)), np.flatnonzero(good), curve[good]))


def fitted(curve: np.ndarray) -> np.ndarray:
    """The first 75 frames, the last one held where there are fewer."""
    held = np.pad(curve, (0, max(0, VIDEO_FRAMES - len(curve))), mode="edge")
    return held[:VIDEO_FRAMES].astype(np.float32)
