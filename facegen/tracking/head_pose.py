"""Head pose: rotation, scale and shift of tracked landmarks in each frame, and the landmarks with the pose taken out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from facegen.rig.head_pose import head_angles
from facegen.tracking.rig_landmarks import RigLandmarks

MOBILE_CM = 0.15
"""Landmarks that a control can move so far count half in the pose."""
PROCRUSTES_ROUNDS = 3
SCALE_S = 0.2
POSE_S = 0.03
"""Seconds: standard deviations of the Gaussians that smooth the head's distance and its pose."""
DISTANCE_CM = 70.0
"""Assumed distance of the head from the camera, which a single camera cannot measure."""
FRAMES_PER_BLOCK = 2048
"""Frames aligned together; bounds the memory."""
REFINEMENTS = 3
"""Rounds of shape and depth in turn."""
DEPTH_TRUST = 0.3
"""Share of the tracker's depth, a guess of its network, that is used in a single frame; the rest is the shape's."""
DEPTH_PRIOR = 3.0
"""Weight of the mean of the tracker's depth, in frames seen from the side."""
PRIOR_RAD = np.radians((4.0, 4.0, 4.0))
"""Yaw, pitch and roll: a head that turns less than this shows next to nothing of the tracker's bias."""
EXPRESSION_CM = 0.1
"""Displacement beyond which a landmark shows expression rather than bias; frames count half there."""
REWEIGHTINGS = 3


@dataclass(frozen=True, eq=False)
class Poses:
    """Head poses and the landmarks without them.

    Attributes
    ----------
    still : (T, N, 3) array
        Landmarks in the axes of the rig's head, cm, without ``bias``.
    bias : (T, N, 3) array
        What the tracker displaces landmarks by in turned faces, cm.
    head : (T, 6) array
        As ``Animation.head``: radians and cm.
    rotation : (T, 3, 3) array
    scale : (T,) array
        Pixels per cm.
    shift : (T, 3) array
        Pixels. ``scale * rotation @ still + shift`` are the landmarks again (x right, y up, z to the camera).
    """

    still: np.ndarray
    bias: np.ndarray
    head: np.ndarray
    rotation: np.ndarray
    scale: np.ndarray
    shift: np.ndarray

    def unposed(self, points: np.ndarray) -> np.ndarray:
        """Other landmarks (T, M, 3) (``camera_axes``, pixels) of the same head without its pose, cm."""
        pose = self.rotation, self.scale, self.shift
        return flattened(points, np.median(unposed(points, *pose), axis=0), *pose)


def camera_axes(points: np.ndarray) -> np.ndarray:
    """Landmarks with x right, y up and z towards the camera."""
    return points.astype(np.float64) * (1.0, -1.0, -1.0)


def find_poses(points: np.ndarray, face: RigLandmarks, fps: float) -> Poses:
    """Find the head pose in each frame by the landmarks that expressions leave in place.

    The person's own shape is found along the way, so that no difference of shape between the person and the rig turns
    the head.

    Parameters
    ----------
    points : (T, N, 3) array
        Landmarks in ``camera_axes``, pixels, finite.
    face : RigLandmarks
    fps : float
        Frames a second.

    Returns
    -------
    Poses

    References
    ----------
    Gower, "Generalized Procrustes analysis", Psychometrika 40, 1975.
    """
    weight = face.weight / (1 + (np.linalg.norm(face.deltas, axis=2).max(axis=0) / MOBILE_CM) ** 2)
    shape = face.rest
    for _ in range(PROCRUSTES_ROUNDS):
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
    bias = _bias_of_turns(still, angles(rotation))
    return Poses(still - bias, bias, _head(rotation, scale, shift, face, fps), rotation, scale, shift)


def _refined(
    points: np.ndarray, shape: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shape (N, 3) and poses that agree in the image plane: structure from motion under scaled orthography, with the
    tracker's depth as prior."""
    guess = shape
    rotation, scale, shift = align(points, shape, weight)
    for _ in range(REFINEMENTS):
        observed = (points - shift[:, None])[..., :2] / scale[:, None, None]
        flat = rotation[:, :2]
        gram = np.einsum("tix,tiy->xy", flat, flat) + np.diag((0, 0, DEPTH_PRIOR))
        pull = np.einsum("tix,tni->nx", flat, observed) + guess * (0, 0, DEPTH_PRIOR)
        shape = np.linalg.solve(gram, pull.T).T
        turn, size, move = align(guess[None], shape, weight)  # keeps the axes of the rig
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
    """``points`` (T, N, 3) without pose, cm, their depth mostly that of ``shape`` (N, 3)."""
    posed = scale[:, None, None] * np.einsum("txy,ny->tnx", rotation, shape) + shift[:, None]
    left = (points - posed) * (1.0, 1.0, DEPTH_TRUST)
    return shape + left @ rotation / scale[:, None, None]


def _bias_of_turns(still: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """The part (T, N, 3) of ``still`` that is linear in the head's angles ``turned`` (T, 3): the tracker's bias in turned
    faces, not expression. Ridge regression, reweighted so that frames of strong expression count little."""
    turned = turned - np.median(turned, axis=0)
    moved = still - np.median(still, axis=0)
    bias = np.zeros_like(moved)
    for _ in range(REWEIGHTINGS):
        away = np.square((moved - bias) / EXPRESSION_CM).sum(axis=2)
        weight = 1 / (1 + away)
        gram = np.einsum("tn,ta,tb->nab", weight, turned, turned, optimize=True)
        gram += weight.sum(axis=0)[:, None, None] * np.diag(np.square(PRIOR_RAD))
        pull = np.einsum("tn,ta,tnx->nax", weight, turned, moved, optimize=True)
        bias = np.einsum("ta,nax->tnx", turned, np.linalg.solve(gram, pull))
    return bias


def align(
    points: np.ndarray, shape: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Align a shape with the landmarks of each frame by weighted similarities.

    Parameters
    ----------
    points : (T, N, 3) array
    shape : (N, 3) array
    weight : (N,) array

    Returns
    -------
    rotation : (T, 3, 3) array
    scale : (T,) array
    shift : (T, 3) array
        ``scale * rotation @ shape + shift`` is nearest to ``points``.

    References
    ----------
    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 13, 1991.
    """
    share = weight / weight.sum()
    to, of = np.einsum("n,tnx->tx", share, points), share @ shape
    centred = shape - of
    spread = float((share[:, None] * centred**2).sum())
    cross = np.concatenate(
        [
            np.einsum(
                "n,tnx,ny->txy",
                share,
                points[s : s + FRAMES_PER_BLOCK] - to[s : s + FRAMES_PER_BLOCK, None],
                centred,
            )
            for s in range(0, len(points), FRAMES_PER_BLOCK)
        ]
    )
    u, sizes, v = np.linalg.svd(cross)
    sign = np.ones_like(sizes)
    sign[:, 2] = np.sign(np.linalg.det(u @ v))
    rotation = (u * sign[:, None]) @ v
    scale = np.maximum((sizes * sign).sum(axis=1) / spread, 1e-9)
    return rotation, scale, to - scale[:, None] * (rotation @ of)


def unposed(points: np.ndarray, rotation: np.ndarray, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """``points`` (T, N, 3), pixels, with the pose taken out, cm."""
    return (points - shift[:, None]) @ rotation / scale[:, None, None]


def smoothed(rows: np.ndarray, frames: float) -> np.ndarray:
    """``rows`` (T, ...) smoothed by a Gaussian with a standard deviation of ``frames``."""
    return gaussian_filter1d(rows, max(frames, 1e-6), axis=0, mode="nearest") if len(rows) > 1 else rows


def angles(rotation: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll (T, 3), radians, of successive rotations (T, 3, 3), without jumps of a whole turn."""
    yaw, pitch, roll = head_angles(rotation).T
    return np.stack([np.unwrap(yaw), pitch, np.unwrap(roll)], axis=1)


def _head(
    rotation: np.ndarray, scale: np.ndarray, shift: np.ndarray, face: RigLandmarks, fps: float
) -> np.ndarray:
    """``Animation.head`` (T, 6): rotation as seen from the camera, shift from the median place, cm."""
    pivot = np.asarray(face.rig.pivots.get("head", (0.0, 0.0, 0.0)))
    place = scale[:, None] * (rotation @ pivot) + shift
    usual = float(np.median(scale))
    moved = (place - np.median(place, axis=0)) / usual
    moved[:, 2] = DISTANCE_CM * (1 - usual / scale)
    return smoothed(np.concatenate([angles(rotation), moved], axis=1), POSE_S * fps)
