"""OpenCV and mediapipe's segmentation, imported where they are used."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from facegen.core.errors import MissingExtraError
from facegen.portrait.image_metrics import grey as grey_of

GLASSES_BLUR = 0.012
BRIDGE, RIMS = 6.0, 6.5
"""Changes of lightness, in the face's usual one over the width of the eyes, from which there is a rim."""


def opencv() -> Any:
    """The module cv2, which mediapipe brings. Raises MissingExtraError where it is missing."""
    try:
        import cv2
    except ImportError as fault:
        raise MissingExtraError("mediapipe", "portrait", "a portrait") from fault
    return cv2


def person_mask(pixels: np.ndarray) -> np.ndarray | None:
    """How surely each pixel of ``pixels`` [H, W, 3] uint8 shows a person, [H, W] float32 in 0..1 (mediapipe's selfie
    segmentation); None where this mediapipe brings no such model."""
    os.environ.setdefault("GLOG_minloglevel", "3")
    try:
        from mediapipe.python.solutions import selfie_segmentation
    except ImportError:
        return None
    with selfie_segmentation.SelfieSegmentation(model_selection=0) as finder:
        found = finder.process(np.ascontiguousarray(pixels)).segmentation_mask
    return None if found is None else np.asarray(found, np.float32)


def hands(pixels: np.ndarray) -> list[np.ndarray]:
    """The joints [21, 2] px of each hand seen in ``pixels`` [H, W, 3] uint8 (mediapipe's hand tracker: Zhang et al. 2020);
    none where this mediapipe brings no such model."""
    try:
        from mediapipe.python.solutions import hands as solution
    except ImportError:
        return []
    with solution.Hands(static_image_mode=True, max_num_hands=4, model_complexity=0) as finder:
        found = finder.process(np.ascontiguousarray(pixels)).multi_hand_landmarks or []
    size = pixels.shape[1::-1]
    return [np.array([(p.x, p.y) for p in hand.landmark]) * size for hand in found]


def wears_glasses(pixels: np.ndarray, landmarks: np.ndarray) -> bool:
    """Whether a rim that is darker or lighter than skin crosses the bridge of the nose and lies below the eyes, in
    ``pixels`` [H, W, 3] uint8 with mediapipe's ``landmarks`` [478, 2 or 3] px. Rims of the skin's lightness are not seen."""
    right, left = landmarks[33, :2], landmarks[263, :2]
    wide = float(np.linalg.norm(left - right))
    grey = gaussian_filter(grey_of(pixels), GLASSES_BLUR * wide)
    across = (left - right) / wide
    down = np.array([-across[1], across[0]])
    low, high = landmarks[:, 1].min(), landmarks[:, 1].max()
    usual = max(1.0, float(np.median(grey[max(0, int(low)) : int(high), int(right[0]) : int(left[0]) + 1])))

    def edge(at: int, first: float, last: float) -> float:
        """The steepest change down a strip from ``first`` to ``last`` below a landmark, both in widths of the eyes."""
        steps = np.linspace(first, last, 60) * wide
        sides = np.linspace(-0.04, 0.04, 7) * wide
        places = landmarks[at, :2] + steps[:, None, None] * down + sides[:, None] * across
        lines = map_coordinates(grey, [places[..., 1], places[..., 0]], order=1, mode="nearest")
        change = np.abs(np.diff(lines, axis=0)).max(axis=0) / (steps[1] - steps[0])
        return float(np.median(change)) * wide / usual

    return edge(168, -0.10, 0.16) > BRIDGE and (edge(145, 0.05, 0.38) + edge(374, 0.05, 0.38)) / 2 > RIMS


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)
