"""The upper face of a reference: its mean and its motion, to and fro for as long as the take lasts."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation
from facegen.motion.context import Context
from facegen.motion.passes.signals import frame_times
from facegen.motion.take import Layer, Take


def reference_face(take: Take, context: Context) -> Layer | None:
    """The reference's brows, lids and cheeks [T, C] instead of those of the emotion; None where nothing is borrowed."""
    curves = context.reference
    if curves is None or not len(curves):
        return None
    place = to_and_fro(frame_times(context), max(curves.seconds - 1 / float(curves.fps), 1e-3)) * float(
        curves.fps
    )
    low = np.clip(place.astype(np.int64), 0, len(curves) - 1)
    high = np.minimum(low + 1, len(curves) - 1)
    part = np.clip(place - low, 0, 1).astype(np.float32)[:, None]
    values = curves.values[low] * (1 - part) + curves.values[high] * part
    strength = context.config.upper_face * context.config.intensity
    return Layer(
        "borrow", "replace", Animation(context.fps, curves.controls, np.clip(strength * values, 0, 1))
    )


def to_and_fro(times: np.ndarray, length: float) -> np.ndarray:
    """Instants [T] in 0..``length``: forth, back, and forth again."""
    phase = np.mod(times, 2 * length)
    return np.minimum(phase, 2 * length - phase)
