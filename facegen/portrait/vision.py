"""OpenCV and mediapipe's segmentation, imported where they are used."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from facegen.errors import MissingExtraError


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


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, a cubic between."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)
