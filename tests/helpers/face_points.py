"""Landmarks as a perfect tracker would see them: points of a rig's head, moved by an animation, in pixels."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation
from facegen.rig import evaluate
from facegen.tracking.eyelids_gaze import EYES
from facegen.tracking.mediapipe_landmarks import POINTS
from facegen.tracking.rig_landmarks import RigLandmarks


def project(
    face: RigLandmarks, animation: Animation, pixels_a_cm: float = 12.0, noise: float = 0.0
) -> np.ndarray:
    """Landmarks [T, 478, 3] under a scaled orthographic camera; points that the rig lacks lie at the middle."""
    rig = face.rig
    corners, shares = face.corners, face.shares
    irises = {eye.iris: iris(rig, eye.side) for eye in EYES}
    found = np.zeros((len(animation), POINTS, 3))
    for row, vertices in zip(found, evaluate(rig, animation), strict=True):
        row[:] = vertices.mean(axis=0)
        row[face.landmarks] = (vertices[corners] * shares[..., None]).sum(axis=1)
        for landmark, vertex in irises.items():
            row[landmark] = vertices[vertex]
    found = found * (1, -1, -1) * pixels_a_cm + (320.0, 240.0, 0.0)
    return (found + np.random.default_rng(5).normal(0, max(noise, 1e-9), found.shape)).astype(np.float32)


def iris(rig, side: str) -> int:
    """The vertex at the front of an eye."""
    part = next(p for p in rig.parts if p.name == f"eye{side}")
    vertices = np.arange(*part.vertices)
    return int(vertices[rig.mesh.vertices[vertices, 2].argmax()])
