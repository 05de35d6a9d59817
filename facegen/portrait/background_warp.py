"""What lies around the face: hair, ears, neck and shoulders as a sheet that bends with the head, and the picture
behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from facegen.portrait.head_fitting import FittedHead
from facegen.portrait.segmentation import opencv, person_mask, smoothstep

CELLS = 18
"""Cells of the sheet along the width of the face."""
AROUND = (1.05, 0.9, 1.2)
"""The sheet reaches so many widths of the face to the sides, and heights up and down, beyond it."""
NECK = (0.0, 0.8)
"""From where to where below the chin, in heights of the face, the head's motion fades out."""
EXPRESSION_REACH = 0.22
"""How far from the face its expression bends the sheet, in widths of the face."""
LEAST_PERSON = 0.8
"""Where less of the face than this is taken for a person, the segmentation is not believed."""
GROWN = 0.02
PLATE_PIXELS = 160


@dataclass(frozen=True, eq=False)
class BackgroundMesh:
    """``box``: left, top, right and bottom of the part of the photo that moves. ``points`` [G, 3] px (x right, y up,
    z to the camera), ``faces``, ``weight`` [G] of the head's pose, and shares [G, n] of the displacements of the face's
    ``rim`` vertices [n]. ``alpha`` [h, w] uint8: what of the box belongs to the person; ``plate`` [h, w, 3] uint8 the
    picture behind."""

    box: tuple[int, int, int, int]
    points: np.ndarray
    faces: np.ndarray
    weight: np.ndarray
    rim: np.ndarray
    shares: np.ndarray
    alpha: np.ndarray
    plate: np.ndarray
    segmented: bool


def make_background_mesh(pixels: np.ndarray, head: FittedHead, edge: np.ndarray) -> BackgroundMesh:
    """The sheet around ``head`` in the photo ``pixels`` [H, W, 3]; ``edge`` [V] is true for the face's rim."""
    box = _box(pixels.shape, head)
    part = np.ascontiguousarray(pixels[box[1] : box[3], box[0] : box[2]])
    mask = _mask(part, head, box)
    points, faces = _grid(box, head)
    weight = follows(points, head, box)
    if mask is None:
        weight = weight * _near(points, head)
    points[:, 2] = _depth(points, head)
    rim = np.flatnonzero(edge)
    shares = _shares(points, head.skin[rim], head.face_size[0])
    if mask is None:
        alpha, plate = np.full(part.shape[:2], 255, np.uint8), part
    else:
        alpha, plate = (255 * mask).round().astype(np.uint8), _plate(part, mask)
    return BackgroundMesh(
        box, points.astype(np.float32), faces, weight, rim, shares, alpha, plate, mask is not None
    )


def _box(shape: tuple, head: FittedHead) -> tuple[int, int, int, int]:
    low, high = head.outline.min(axis=0), head.outline.max(axis=0)
    width, height = head.face_size
    left, right = low[0] - AROUND[0] * width, high[0] + AROUND[0] * width
    top, bottom = low[1] - AROUND[1] * height, high[1] + AROUND[2] * height
    return (
        int(np.clip(left, 0, shape[1])),
        int(np.clip(top, 0, shape[0])),
        int(np.clip(right + 1, 0, shape[1])),
        int(np.clip(bottom + 1, 0, shape[0])),
    )


def _mask(part: np.ndarray, head: FittedHead, box: tuple[int, int, int, int]) -> np.ndarray | None:
    """What of ``part`` is the person, softly, in 0..1; None where that can't be told."""
    found = person_mask(part)
    if found is None:
        return None
    cv2 = opencv()
    face = np.zeros(part.shape[:2], np.uint8)
    cv2.fillPoly(face, [(head.outline - box[:2]).round().astype(np.int32)], 1)
    if face.sum() == 0 or found[face > 0].mean() < LEAST_PERSON or found.mean() > 0.97:
        return None
    size = max(2, round(GROWN * head.face_size[0]))
    guide = part.astype(np.float32) / 255
    sharp = cv2.ximgproc.guidedFilter(guide, found, 2 * size, 1e-3) if hasattr(cv2, "ximgproc") else found
    grown = cv2.dilate(sharp, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * size + 1, 2 * size + 1)))
    soft = smoothstep(0.15, 0.7, gaussian_filter(grown, size / 2))
    return np.maximum(soft, gaussian_filter(face.astype(np.float32), size / 2) * (face > 0)).astype(
        np.float32
    )


def _plate(part: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The picture behind the person, filled in from around (Telea 2004) at a coarse scale."""
    cv2 = opencv()
    scale = min(1.0, PLATE_PIXELS / max(mask.shape))
    size = (max(8, round(mask.shape[1] * scale)), max(8, round(mask.shape[0] * scale)))
    hole = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0.02).astype(np.uint8)
    hole = cv2.dilate(hole, np.ones((3, 3), np.uint8))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    filled = cv2.inpaint(small, hole, 5, cv2.INPAINT_TELEA) if hole.min() == 0 else small
    wide = cv2.resize(filled, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
    share = smoothstep(0.0, 0.05, mask)[..., None]
    return np.clip(part * (1 - share) + wide * share, 0, 255).round().astype(np.uint8)


def _grid(box: tuple[int, int, int, int], head: FittedHead) -> tuple[np.ndarray, np.ndarray]:
    step = head.face_size[0] / CELLS
    across = np.linspace(box[0], box[2], max(3, round((box[2] - box[0]) / step) + 1))
    down = np.linspace(box[1], box[3], max(3, round((box[3] - box[1]) / step) + 1))
    x, y = np.meshgrid(across, down)
    points = np.stack([x.ravel(), -y.ravel(), np.zeros(x.size)], axis=1)
    row = np.arange(x.size).reshape(x.shape)
    a, b, c, d = row[:-1, :-1], row[:-1, 1:], row[1:, 1:], row[1:, :-1]
    faces = np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3)])
    return points, faces.astype(np.int32)


def follows(points: np.ndarray, head: FittedHead, box: tuple[int, int, int, int]) -> np.ndarray:
    """How far each point follows the head [G]: wholly above the chin, not at all at the shoulders, nor at the edge
    of the ``box`` that moves."""
    width, height = head.face_size
    up = head.rotation[:2, 1] / max(float(np.linalg.norm(head.rotation[:2, 1])), 1e-6)
    chin = head.landmarks[152, :2] * (1, -1)
    below = (chin - points[:, :2]) @ up / height
    weight = 1 - smoothstep(*NECK, below)
    low, high = head.outline.min(axis=0), head.outline.max(axis=0)
    x, y = points[:, 0], -points[:, 1]
    gaps = (
        (x - box[0], low[0] - box[0]),
        (y - box[1], low[1] - box[1]),
        (box[2] - x, box[2] - high[0]),
        (box[3] - y, box[3] - high[1]),
    )
    for distance, room in gaps:
        weight = weight * smoothstep(0.0, float(np.clip(room, 1.0, 0.3 * height)), distance)
    return weight


def _near(points: np.ndarray, head: FittedHead) -> np.ndarray:
    """1 in and about the face, 0 far from it: where person and background can't be told apart."""
    away, _ = cKDTree(head.outline * (1, -1)).query(points[:, :2])
    from facegen.portrait.head_fitting import inside_polygon

    away[inside_polygon(points[:, :2] * (1, -1), head.outline)] = 0
    return 1 - smoothstep(0.15, 0.9, away / head.face_size[0])


def _depth(points: np.ndarray, head: FittedHead) -> np.ndarray:
    """The depth of the head's surface at each point, drawn on flat beyond its silhouette."""
    away, near = cKDTree(head.surface[:, :2]).query(points[:, :2], k=12)
    share = 1 / (away + 0.02 * head.face_size[0]) ** 2
    return (share * head.surface[near, 2]).sum(axis=1) / share.sum(axis=1)


def _shares(points: np.ndarray, rim: np.ndarray, width: float) -> np.ndarray:
    away = np.linalg.norm(points[:, None, :2] - rim[None, :, :2], axis=2) / width
    share = 1 / (away + 0.02) ** 3
    share /= share.sum(axis=1, keepdims=True)
    return (share * np.exp(-((away.min(axis=1, keepdims=True) / EXPRESSION_REACH) ** 2))).astype(np.float32)
