"""A plain shirt with a round collar over the shoulders, so that the head does not end in a cut."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from tools.head_builder.parameters import Parameters
from tools.head_builder.part import FLIP, Part, join, smoothstep, tube, vertex_normals
from tools.head_builder.subdivision import Subdivision

CLOTH = np.array([0.20, 0.26, 0.34])
AXIS_Z = -1.5
# Height of the neckline in cm by direction from the neck's axis in degrees, front to back.
NECKLINE = np.array([(0, -13.3), (30, -12.9), (60, -11.9), (100, -10.9), (140, -10.4), (180, -10.3)])
COLLAR_STEPS = 52
AROUND = 8  # points of the collar's cross-section


def below_neckline(points: np.ndarray) -> np.ndarray:
    """Depth under the neckline in cm [n]."""
    degrees = np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2] - AXIS_Z))
    return np.interp(degrees, NECKLINE[:, 0], NECKLINE[:, 1]) - points[:, 1]


def _collar(points: np.ndarray) -> Part:
    """A rolled band that lies on the neck along the neckline."""
    near = np.abs(below_neckline(points)) < 4
    q = points[near]
    angle = np.arctan2(q[:, 0], q[:, 2] - AXIS_Z)
    radius = np.hypot(q[:, 0], q[:, 2] - AXIS_Z)
    wrapped = [np.stack([angle + turn, q[:, 1]], axis=1) for turn in (-2 * np.pi, 0, 2 * np.pi)]
    at = LinearNDInterpolator(np.vstack(wrapped), np.tile(radius, 3))
    turn = 2 * np.pi * np.arange(COLLAR_STEPS) / COLLAR_STEPS - np.pi
    smooth = np.interp(np.degrees(np.abs(turn)), NECKLINE[:, 0], NECKLINE[:, 1])
    for _ in range(6):
        smooth = 0.25 * np.roll(smooth, 1) + 0.5 * smooth + 0.25 * np.roll(smooth, -1)
    rings = []
    spin = 2 * np.pi * np.arange(AROUND) / AROUND

    def place(height: float) -> np.ndarray:
        r = at(np.stack([turn, smooth + height], axis=1))
        r = (r + np.roll(r[::-1], 1)) / 2
        for _ in range(3):
            r = 0.25 * np.roll(r, 1) + 0.5 * r + 0.25 * np.roll(r, -1)
        return np.stack([r * np.sin(turn), smooth + height, r * np.cos(turn) + AXIS_Z], axis=1)

    middle, high, low = place(0.0), place(0.5), place(-0.5)
    along = (high - low) / np.linalg.norm(high - low, axis=1, keepdims=True)
    across = np.cross(np.roll(middle, -1, axis=0) - np.roll(middle, 1, axis=0), along)
    across /= -np.linalg.norm(across, axis=1, keepdims=True)
    across *= np.sign((across * (middle - (0, middle[:, 1].mean(), AXIS_Z))).sum(axis=1, keepdims=True))
    for m, a, o in zip(middle, along, across, strict=True):
        rings.append(m + 0.12 * o + 0.55 * np.cos(spin)[:, None] * a + 0.24 * np.sin(spin)[:, None] * o)
    vertices, faces = tube(np.array([*rings, rings[0]]), (False, False))
    faces = faces % (COLLAR_STEPS * AROUND)
    vertices = vertices[: COLLAR_STEPS * AROUND]
    volume = np.einsum(
        "ij,ij->", vertices[faces[:, 0]], np.cross(vertices[faces[:, 1]], vertices[faces[:, 2]])
    )
    faces = faces if volume > 0 else faces[:, ::-1]
    return Part("collar", "cloth", vertices, faces, np.repeat(CLOTH[None] * 0.82, len(vertices), axis=0), {})


def shirt(p: Parameters) -> Part:
    """The skin below the neckline, lifted, and the collar."""
    sub = Subdivision(p.faces, len(p.mirror), fine=np.zeros(len(p.faces), bool))
    mirror = sub.mirrored(p.mirror)
    v = sub.apply(p.neutral)
    v = (v + v[mirror] * FLIP) / 2
    depth = below_neckline(v)
    faces = sub.faces[(depth[sub.faces] > -0.9).all(axis=1)]
    used = np.unique(faces)
    number = np.full(len(v), -1)
    number[used] = np.arange(len(used))
    lift = 0.22 * smoothstep(-0.1, 0.9, depth[used]) - 0.15 * smoothstep(0.2, -0.6, depth[used])
    vertices = v[used] + vertex_normals(v, sub.faces)[used] * lift[:, None]
    vertices[:, 0][np.abs(vertices[:, 0]) < 1e-9] = 0
    body = Part("shirt", "cloth", vertices, number[faces], np.repeat(CLOTH[None], len(vertices), axis=0), {})
    return join("shirt", "cloth", [body, _collar(v)])
