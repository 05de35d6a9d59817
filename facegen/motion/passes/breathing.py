"""Breathing: the head rises and tips back a little with each inhalation, 12 to 18 times a minute.

Breaths are drawn at a steady rate with some variation, and each moves to the nearest pause within a third of a period. The
head follows a smooth pulse up to the instant at which the lungs are full. ARKit has no control that moves the nostrils
without the lip. No published source: the values are hand-tuned.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.signals import duration, pulses, speaking
from facegen.motion.take import Layer, Take

BREATHS_A_MINUTE = (12.0, 18.0)
"""Range of the rate, drawn once for a take. Hand-tuned."""
INHALE_S, EXHALE_S = 0.9, 2.2
"""Seconds in which the head rises and sinks. Hand-tuned."""
RISE_CM = 0.09
"""How far the head moves up with a breath of size 1, cm. Hand-tuned."""
RISE_DEGREES = 0.7
"""How far the chin comes up with it, degrees. Hand-tuned."""


def breathing(take: Take, context: Context) -> Layer | None:
    """Raise and lower the head with breath.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Phone features (for pauses) and seed.

    Returns
    -------
    Layer
        Mode ``add``: no controls, a head pose of shape (T, 6) of which pitch (radians) and y (cm) move.
    """
    rng = context.rng("breath")
    at, size = breath_times(context, rng)
    inhalation = pulses(context, at, size, INHALE_S, EXHALE_S)
    pose = np.zeros((context.frames, 6), np.float32)
    pose[:, 1] = -np.radians(RISE_DEGREES) * inhalation
    pose[:, 4] = RISE_CM * inhalation
    return Layer("breath", "add", Animation(context.fps, (), np.zeros((context.frames, 0)), owned(pose)))


def breath_times(context: Context, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """When the lungs are full, moved into pauses where there are any.

    Parameters
    ----------
    context : Context
        Phone features.
    rng : Generator
        The generator of the pass.

    Returns
    -------
    instants : ndarray of float64, shape (N,)
        Seconds.
    sizes : ndarray of float64, shape (N,)
        Depth of each breath, 0.6..1.2.
    """
    speech = speaking(context)
    period = 60.0 / rng.uniform(*BREATHS_A_MINUTE)
    instants, sizes = [], []
    at = period * rng.uniform(0.2, 1.0)
    while at < duration(context) + EXHALE_S:
        low, high = (int(max(0.0, t) * context.features.rate) for t in (at - 0.3 * period, at + 0.3 * period))
        nearby = speech[low:high]
        has_pause = len(nearby) > 0 and nearby.max() > 0.5 and nearby.min() < 0.5
        instant = (low + int(nearby.argmin())) / context.features.rate if has_pause else at
        instants.append(instant)
        sizes.append(rng.uniform(0.6, 1.2))
        at = max(at, instant) + period * rng.uniform(0.85, 1.15)
    return np.array(instants), np.array(sizes)
