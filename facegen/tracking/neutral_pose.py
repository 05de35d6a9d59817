"""The face at rest, found in the clip: the shape that all controls are a change from."""

from __future__ import annotations

import numpy as np

from facegen.tracking.head_pose import smoothed

SHARE = 0.15
LEAST = 3
"""The stillest, most closed frames: this share of the clip, at least so many."""
CONTACT = 0.02
"""Lips further apart than this, over the distance of the outer eye corners, do not touch; ``closed`` is never more."""
LOW_PERCENT = 3.0


def closed_level(gap: np.ndarray) -> float:
    """What the tracker measures between lips that touch (gap over eye distance): the least of the clip."""
    return float(np.clip(np.percentile(gap, LOW_PERCENT), -CONTACT, CONTACT))


def resting_frames(gap: np.ndarray, width: np.ndarray, opening: np.ndarray, fps: float) -> np.ndarray:
    """Numbers of the frames that show the face at rest: lips shut and still, mouth of usual width, eyes open.

    ``gap`` and ``width`` [T] of the mouth over the distance of the outer eye corners; ``opening`` [T] of the lids.
    """
    calm = np.abs(np.gradient(smoothed(gap, 0.04 * fps))) * fps if len(gap) > 1 else np.zeros_like(gap)
    cost = (
        (gap - closed_level(gap)) / 0.02
        + calm / 0.3
        + np.abs(width - np.median(width)) / 0.03
        + np.maximum(0, 0.85 - opening / max(float(np.median(opening)), 1e-6)) / 0.1
    )
    count = min(len(gap), max(LEAST, round(SHARE * len(gap))))
    return np.sort(np.argsort(cost, kind="stable")[:count])
