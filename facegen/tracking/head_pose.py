"""Head poses of tracked landmarks, and the landmarks with the pose taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from facegen.rig.head_pose import head_angles
from facegen.tracking.rig_landmarks import RigLandmarks

MOBILE_CM = 0.15
"""Points that a control can move so far count half in the pose."""
ROUNDS = 3
SCALE_S = 0.2
POSE_S = 0.03
"""Standard deviations of the smoothing of the head's distance and of its pose."""
DISTANCE_CM = 70.0
"""How far from the camera a head is taken to be: one picture does not tell."""
BLOCK = 2048
REFINEMENTS = 3
DEPTH_TRUST = 0.3
"""Share of the tracker's depth that is believed in a single frame."""
DEPTH_PRIOR = 3.0
"""How much its mean weighs, in frames seen from the side."""
HARDLY = np.radians((4.0, 4.0, 4.0))
EXPRESSED_CM = 0.1
REWEIGHTED = 3


@dataclass(frozen=True, eq=False)
class Poses:
    """``still`` [T, N, 3] cm: the landmarks as the rig's head at rest in pose would have them,
    without the ``bias`` [T, N, 3] cm of the tracker in turned faces; ``head`` [T, 6] as
    ``Animation.head``; rotations [T, 3, 3], ``scale`` [T] pixels a cm and ``shift`` [T, 3] pixels that put ``still``
    back: scale · rotation · still + shift (x right, y up, z to the camera)."""

    still: np.ndarray
    bias: np.ndarray
    head: np.ndarray
    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def unposed(self, points: np.ndarray) -> np.ndarray:
        """Other landmarks [T, M, 3] (``camera_axes``) of the same head without its pose, cm."""
        pose = self.rotation, self.scale, self.shift
        return flattened(points, np.median(unposed(points, *pose), axis=0), *pose)


def camera_axes(points: np.ndarray) -> np.ndarray:
    """Landmarks with x right, y up and z towards the camera."""
    return points.astype(np.float64) * (1.0, -1.0, -1.0)


def find_poses(points: np.ndarray, face: RigLandmarks, fps: float) -> Poses:
    """Poses of landmarks ``points`` [T, N, 3] (``camera_axes``, finite), by those that expressions leave in place.

    The person's own shape is found along the way (generalised Procrustes: Gower 1975), so that no difference of
    shape between the person and the rig turns the head.
    """
    weight = face.weight / (1 + (np.linalg.norm(face.deltas, axis=2).max(axis=0) / MOBILE_CM) ** 2)
    shape = face.rest
    for _ in range(ROUNDS):
        rotation, scale, shift = align(points, shape, weight)
        shape = np.median(unposed(points, rotation, scale, shift), axis=0)
        turn, size, move = align(face.rest[None], shape, weight)
        shape = size[0] * shape @ turn[0].T + move[0]
    shape, rotation, scale, shift = _refined(points, shape, weight)
    scale = np.exp(smoothed(np.log(scale), SCALE_S * fps))
    centre = weight @ shape / weight.sum()
    middle = np.einsum("n,tnx->tx", weight / weight.sum(), points)
    shift = middle - scale[:, None] * (rotation @ centre)
    still = flattened(points, shape, rotation, scale, shift)
    bias = _turned_with(still, angles(rotation))
    return Poses(still - bias, bias, _head(rotation, scale, shift, face, fps), rotation, scale, shift)


def _refined(
    points: np.ndarray, shape: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shape and poses that agree in the picture: the tracker's depth is a guess, which gives way to what turning the
    head shows (structure from motion under scaled orthography, with the guess as prior)."""
    guess = shape
    rotation, scale, shift = align(points, shape, weight)
    for _ in range(REFINEMENTS):
        seen = (points - shift[:, None])[..., :2] / scale[:, None, None]
        flat = rotation[:, :2]
        gram = np.einsum("tix,tiy->xy", flat, flat) + np.diag((0, 0, DEPTH_PRIOR))
        pull = np.einsum("tix,tni->nx", flat, seen) + guess * (0, 0, DEPTH_PRIOR)
        shape = np.linalg.solve(gram, pull.T).T
        turn, size, move = align(guess[None], shape, weight)  # the guess stands as the rig does
        shape = size[0] * shape @ turn[0].T + move[0]
        rotation, scale, shift = align(points, shape, weight)
        for _ in range(REFINEMENTS):
            expected = scale[:, None] * (shape @ rotation[:, 2].T).T + shift[:, 2:]
            depth = DEPTH_TRUST * points[..., 2] + (1 - DEPTH_TRUST) * expected
            rotation, scale, shift = align(np.dstack([points[..., :2], depth]), shape, weight)
    return shape, rotation, scale, shift


def flattened(
    points: np.ndarray, shape: np.ndarray, rotation: np.ndarray, scale: np.ndarray, shift: np.ndarray
) -> np.ndarray:
    """The points without pose [T, N, 3], their depth mostly that of ``shape``."""
    posed = scale[:, None, None] * np.einsum("txy,ny->tnx", rotation, shape) + shift[:, None]
    left = (points - posed) * (1.0, 1.0, DEPTH_TRUST)
    return shape + left @ rotation / scale[:, None, None]


def _turned_with(still: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """What of ``still`` goes with the head's ``turned`` angles [T, 3]: the tracker's bias in turned faces, not
    expression. A head that hardly turns shows none; frames in which a point is moved far tell little of it."""
    turned = turned - np.median(turned, axis=0)
    moved = still - np.median(still, axis=0)
    bias = np.zeros_like(moved)
    for _ in range(REWEIGHTED):
        away = np.square((moved - bias) / EXPRESSED_CM).sum(axis=2)
        weight = 1 / (1 + away)
        gram = np.einsum("tn,ta,tb->nab", weight, turned, turned, optimize=True)
        gram += weight.sum(axis=0)[:, None, None] * np.diag(np.square(HARDLY))
        pull = np.einsum("tn,ta,tnx->nax", weight, turned, moved, optimize=True)
        bias = np.einsum("ta,nax->tnx", turned, np.linalg.solve(gram, pull))
    return bias


def align(
    points: np.ndarray, shape: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The similarities (rotation [T, 3, 3], scale [T], shift [T, 3]) that bring ``shape`` [N, 3] nearest to each of
    ``points`` [T, N, 3] (Umeyama 1991)."""
    share = weight / weight.sum()
    to, of = np.einsum("n,tnx->tx", share, points), share @ shape
    centred = shape - of
    spread = float((share[:, None] * centred**2).sum())
    cross = np.concatenate(
        [
            np.einsum("n,tnx,ny->txy", share, points[s : s + BLOCK] - to[s : s + BLOCK, None], centred)
            for s in range(0, len(points), BLOCK)
        ]
    )
    u, sizes, v = np.linalg.svd(cross)
    sign = np.ones_like(sizes)
    sign[:, 2] = np.sign(np.linalg.det(u @ v))
    rotation = (u * sign[:, None]) @ v
    scale = np.maximum((sizes * sign).sum(axis=1) / spread, 1e-9)
    return rotation, scale, to - scale[:, None] * (rotation @ of)


def unposed(points: np.ndarray, rotation: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    return (points - shift[:, None]) @ rotation / scale[:, None, None]


def smoothed(rows: np.ndarray, frames: float) -> np.ndarray:
    """``rows`` [T, …] under a Gaussian whose standard deviation is ``frames``."""
    return gaussian_filter1d(rows, max(frames, 1e-6), axis=0, mode="nearest") if len(rows) > 1 else rows


def angles(rotation: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll (T, 3), radians, of successive rotations (T, 3, 3), without jumps of a whole turn."""
    yaw, pitch, roll = head_angles(rotation).T
    return np.stack([np.unwrap(yaw), pitch, np.unwrap(roll)], axis=1)


def _head(
    rotation: np.ndarray, scale: np.ndarray, shift: np.ndarray, face: RigLandmarks, fps: float
) -> np.ndarray:
    """Turned as seen from the camera; moved from where the head mostly is."""
    pivot = np.asarray(face.rig.pivots.get("head", (0.0, 0.0, 0.0)))
    place = scale[:, None] * (rotation @ pivot) + shift
    usual = float(np.median(scale))
    moved = (place - np.median(place, axis=0)) / usual
    moved[:, 2] = DISTANCE_CM * (1 - usual / scale)
    return smoothed(np.concatenate([angles(rotation), moved], axis=1), POSE_S * fps)
