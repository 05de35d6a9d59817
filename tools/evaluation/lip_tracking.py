"""Lips tracked in video by mediapipe's face mesh: landmarks [T, 478, 3] and the two measures taken from them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

UPPER_LIP, LOWER_LIP = 13, 14
LEFT_CORNER, RIGHT_CORNER = 291, 61
EYES = (33, 263)


def track(video: Path, cache: Path | None = None) -> np.ndarray:
    """Landmarks [T, 478, 3] in pixels of every frame of ``video``, NaN where no face is found.

    With ``cache``, read from or kept in ``cache/<name>.npy``.
    """
    kept = None if cache is None else cache / f"{video.stem}.npy"
    if kept is not None and kept.exists():
        return np.load(kept, allow_pickle=False)
    points = _track(video)
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, points)
    return points


def _track(video: Path) -> np.ndarray:
    os.environ.setdefault("GLOG_minloglevel", "3")
    import av
    import mediapipe

    rows = []
    mesh = mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1)
    with av.open(str(video)) as container, mesh:
        for frame in container.decode(video=0):
            image = frame.to_ndarray(format="rgb24")
            found = mesh.process(image).multi_face_landmarks
            if not found:
                rows.append(np.full((478, 3), np.nan, np.float32))
                continue
            size = np.array([image.shape[1], image.shape[0], image.shape[1]], np.float32)
            points = np.array([(p.x, p.y, p.z) for p in found[0].landmark], np.float32)
            rows.append(points * size)
    return np.stack(rows) if rows else np.zeros((0, 478, 3), np.float32)


def aperture_and_width(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The signed gap between the inner lips, down the face, and the mouth's width, both over the distance of the
    outer eye corners: [T] and [T]. Frames without a face are filled from their neighbours."""
    flat = points[:, :, :2].astype(np.float64)
    across = flat[:, EYES[1]] - flat[:, EYES[0]]
    size = np.linalg.norm(across, axis=1)
    down = np.stack([-across[:, 1], across[:, 0]], axis=1) / size[:, None]
    aperture = ((flat[:, LOWER_LIP] - flat[:, UPPER_LIP]) * down).sum(axis=1) / size
    width = np.linalg.norm(flat[:, LEFT_CORNER] - flat[:, RIGHT_CORNER], axis=1) / size
    return _filled(aperture), _filled(width)


def _filled(curve: np.ndarray) -> np.ndarray:
    good = np.isfinite(curve)
    if good.all() or not good.any():
        return np.nan_to_num(curve)
    places = np.arange(len(curve))
    return np.interp(places, places[good], curve[good])
