"""Eyeballs: a sphere with a slight cornea, coloured in rings, turned about its centre by the gaze controls."""

from __future__ import annotations

import numpy as np

from tools.head_builder.jaw import turned
from tools.head_builder.part import Part, smoothstep

CORNEA = 0.055  # cm of bulge
IRIS = 0.38  # rad from the axis
PUPIL = 0.15
WIDE_PUPIL = 0.215
SPOKES = 28
RINGS = (0.0, 0.14, 0.16, 0.2, 0.245, 0.29, 0.33, 0.36, 0.385, 0.41, 0.5, 0.65, 0.85, 1.1, 1.5, 2.1)
GAZE = {
    "eyeLookUpLeft": (0, -25),
    "eyeLookDownLeft": (0, 25),
    "eyeLookInLeft": (1, -30),
    "eyeLookOutLeft": (1, 30),
}


def surface_radius(arm: np.ndarray, radius: float) -> np.ndarray:
    """Distance of the eye's surface from its centre along each direction [n], looking ahead (+Z)."""
    angle = np.arctan2(np.hypot(arm[:, 0], arm[:, 1]), arm[:, 2])
    return radius + CORNEA * smoothstep(1.15 * IRIS, 0.1 * IRIS, angle)


def _colour(angle: np.ndarray, spoke: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(11)
    streak = rng.uniform(-1, 1, SPOKES)[spoke]
    fine = rng.uniform(-1, 1, len(angle))
    sclera = np.array([0.90, 0.87, 0.85]) - smoothstep(0.6, 1.3, angle)[:, None] * (0.04, 0.16, 0.16)
    outer, inner = np.array([0.20, 0.33, 0.36]), np.array([0.46, 0.42, 0.26])
    t = smoothstep(PUPIL, 0.30, angle)[:, None]
    iris = (inner * (1 - t) + outer * t) * (1 + 0.16 * streak + 0.08 * fine)[:, None]
    rim = smoothstep(0.31, IRIS, angle)[:, None]
    iris = iris * (1 - 0.72 * rim)
    out = np.where((angle < IRIS + 0.01)[:, None], iris, sclera)
    out = np.where((np.abs(angle - 0.41) < 0.01)[:, None], 0.5 * sclera + 0.5 * iris.min(axis=0), out)
    return np.where((angle < 0.15)[:, None], 0.012, np.clip(out, 0, 1))


def left_eye(centre: np.ndarray, radius: float) -> Part:
    angles, spokes = [0.0], [0]
    turn = 2 * np.pi * np.arange(SPOKES) / SPOKES
    for a in RINGS[1:]:
        angles += [a] * SPOKES
        spokes += list(range(SPOKES))
    angles.append(np.pi)
    spokes.append(0)
    angle, spoke = np.array(angles), np.array(spokes)
    direction = np.stack(
        [np.sin(angle) * np.cos(turn[spoke]), np.sin(angle) * np.sin(turn[spoke]), np.cos(angle)], axis=1
    )
    direction[np.abs(direction) < 1e-12] = 0
    vertices = centre + direction * surface_radius(direction, radius)[:, None]
    faces = []
    rings = len(RINGS) - 1
    last = 1 + rings * SPOKES
    for j in range(SPOKES):
        i = (j + 1) % SPOKES
        faces.append((0, 1 + j, 1 + i))
        for k in range(rings - 1):
            a, b = 1 + k * SPOKES, 1 + (k + 1) * SPOKES
            faces += [(a + j, b + j, b + i), (a + j, b + i, a + i)]
        faces.append((last - SPOKES + j, last, last - SPOKES + i))
    colour = _colour(angle, spoke)
    # The upper lid's shade, which renderers without shadows would miss.
    shade = 1 - 0.30 * smoothstep(0.16, 0.40, direction[:, 1]) * (direction[:, 2] > 0)
    colour = colour * shade[:, None]
    deltas = {name: turned(vertices, centre, axis, degrees) for name, (axis, degrees) in GAZE.items()}
    wide = np.interp(angle, [0, PUPIL, 0.36, np.pi], [0, WIDE_PUPIL, 0.36, np.pi])
    across = direction * (1, 1, 0) / np.maximum(np.sin(angle), 1e-9)[:, None]
    opened = across * np.sin(wide)[:, None] + np.cos(wide)[:, None] * np.array([0, 0, 1.0])
    deltas["eyePupilWideLeft"] = centre + opened * surface_radius(opened, radius)[:, None] - vertices
    return Part("eyeLeft", "eye", vertices, np.array(faces), colour, deltas)
