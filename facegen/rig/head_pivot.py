"""Guessing the head's pivot and how far down the neck its rotation reaches, from what its shapes move."""

from __future__ import annotations

import numpy as np

Point = tuple[float, float, float]
PIVOT = (-0.23, -1.0)
"""The head's pivot below and behind the face's middle, as shares of the face's height; measured on the rig `aria`."""
REACH = (-0.69, -1.28)
"""Heights, in the same unit, above which all follows the head and below which nothing does."""
FACE_QUANTILES = (0.05, 0.95)
"""Quantiles of the places that shapes move between which the face lies."""


def face_box(vertices: np.ndarray, moved: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """The middle (3,) and the height of the face, cm: the bulk of what shapes move, or of the mesh where none does.

    Parameters
    ----------
    vertices : (V, 3) array
        cm.
    moved : list of int arrays
        The vertices that each shape moves.
    """
    touched = np.zeros(len(vertices), np.int64)
    for index in moved:
        touched[index] += 1
    often = touched >= max(1, np.quantile(touched[touched > 0], 0.5)) if touched.any() else touched >= 0
    low, high = np.quantile(vertices[often], FACE_QUANTILES, axis=0)
    return (low + high) / 2, float(high[1] - low[1])


def guess_posture(vertices: np.ndarray, moved: list[np.ndarray]) -> tuple[Point, np.ndarray]:
    """The head's pivot, cm, and how far each vertex follows its rotation (V,) float32, 1 above the chin, 0 below the neck.

    Parameters as of ``face_box``.
    """
    middle, height = face_box(vertices, moved)
    pivot = (float(middle[0]), float(middle[1] + PIVOT[0] * height), float(middle[2] + PIVOT[1] * height))
    upper, lower = (middle[1] + share * height for share in REACH)
    share = np.clip((vertices[:, 1] - lower) / max(upper - lower, 1e-6), 0.0, 1.0)
    return pivot, (share * share * (3 - 2 * share)).astype(np.float32)
