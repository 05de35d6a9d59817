"""Reference face: brows, lids and cheeks of ``--emotion-from``, where that is a face, in place of the emotion's.

The reference's curves play forwards and backwards in turn for as long as the take lasts, scaled by the strengths of the
upper face and of the emotion. No formula or constant comes from the literature.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation
from facegen.motion.context import Context
from facegen.motion.passes.signals import frame_times
from facegen.motion.take import Layer, Take


def reference_face(take: Take, context: Context) -> Layer | None:
    """Replace the upper face by that of the reference.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        ``context.reference`` holds the curves.

    Returns
    -------
    Layer or None
        Mode ``replace``: the reference's controls, float32 of shape (T, C) in 0..1. None without a reference.
    """
    reference = context.reference
    if reference is None or not len(reference):
        return None
    frame = ping_pong(frame_times(context), max(reference.seconds - 1 / float(reference.fps), 1e-3)) * float(
        reference.fps
    )
    low = np.clip(frame.astype(np.int64), 0, len(reference) - 1)
    high = np.minimum(low + 1, len(reference) - 1)
    part = np.clip(frame - low, 0, 1).astype(np.float32)[:, None]
    values = reference.values[low] * (1 - part) + reference.values[high] * part
    strength = context.config.upper_face * context.config.intensity
    return Layer(
        "borrow", "replace", Animation(context.fps, reference.controls, np.clip(strength * values, 0, 1))
    )


def ping_pong(times: np.ndarray, length: float) -> np.ndarray:
    """Instants of a recording that plays forwards and backwards in turn.

    Parameters
    ----------
    times : ndarray, shape (T,)
        Seconds of the take.
    length : float
        Length of the recording, seconds.

    Returns
    -------
    ndarray, shape (T,)
        Seconds in 0..``length``.
    """
    phase = np.mod(times, 2 * length)
    return np.minimum(phase, 2 * length - phase)
