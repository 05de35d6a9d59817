"""Rigid motions of jaw and eyes, fitted to the measured lower teeth; as displacements at full weight (chords)."""

from __future__ import annotations

import numpy as np

HINGE = np.array([0.0, -0.55, 1.82])  # point on the hinge axis, cm
OPEN_DEGREES = 25.3
FORWARD = np.array([0.0, -0.17, 0.89])  # cm
LEFT = np.array([0.38, -0.06, 0.06])  # cm, with a turn of
LEFT_DEGREES = 1.9


def rotation(axis: int, degrees: float) -> np.ndarray:
    """Right-handed rotation about a coordinate axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    m = np.eye(3)
    i, j = (axis + 1) % 3, (axis + 2) % 3
    m[i, i], m[j, j], m[i, j], m[j, i] = c, c, -s, s
    return m


def turned(points: np.ndarray, centre: np.ndarray, axis: int, degrees: float) -> np.ndarray:
    """Displacement [n,3] of points turned about an axis through `centre`."""
    arm = points - centre
    return arm @ rotation(axis, degrees).T - arm


def jaw_deltas(points: np.ndarray) -> dict[str, np.ndarray]:
    """Displacements of points fixed to the jaw, for the four jaw controls."""
    left = turned(points, np.zeros(3), 1, LEFT_DEGREES) + LEFT
    right = turned(points, np.zeros(3), 1, -LEFT_DEGREES) + LEFT * (-1, 1, 1)
    return {
        "jawOpen": turned(points, HINGE, 0, OPEN_DEGREES),
        "jawForward": np.broadcast_to(FORWARD, points.shape).copy(),
        "jawLeft": left,
        "jawRight": right,
    }
