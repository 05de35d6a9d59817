"""Breath: the head lifts a little as the talker draws it, in pauses where there are any."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.signals import duration, pulses, speaking
from facegen.motion.take import Layer, Take

BREATHS_A_MINUTE = (12.0, 18.0)
INHALE_S, EXHALE_S = 0.9, 2.2
LIFT_CM = 0.09
LIFT_DEGREES = 0.7


def breathing(take: Take, context: Context) -> Layer | None:
    """Head pose [T, 6]: y and pitch; ARKit has no control that moves the nostrils and not the lip."""
    rng = context.rng("breath")
    at, size = breath_times(context, rng)
    rise = pulses(context, at, size, INHALE_S, EXHALE_S)
    pose = np.zeros((context.frames, 6), np.float32)
    pose[:, 1] = -np.radians(LIFT_DEGREES) * rise
    pose[:, 4] = LIFT_CM * rise
    return Layer("breath", "add", Animation(context.fps, (), np.zeros((context.frames, 0)), owned(pose)))


def breath_times(context: Context, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Instants [N] s at which the lungs are full, and sizes [N]: drawn at 12-18 a minute, moved to where a pause ends."""
    talks = speaking(context)
    period = 60.0 / rng.uniform(*BREATHS_A_MINUTE)
    instants, sizes = [], []
    at = period * rng.uniform(0.2, 1.0)
    while at < duration(context) + EXHALE_S:
        low, high = (int(max(0.0, t) * context.features.rate) for t in (at - 0.3 * period, at + 0.3 * period))
        quiet = talks[low:high]
        free = len(quiet) > 0 and quiet.max() > 0.5 and quiet.min() < 0.5
        place = (low + int(quiet.argmin())) / context.features.rate if free else at
        instants.append(place)
        sizes.append(rng.uniform(0.6, 1.2))
        at = max(at, place) + period * rng.uniform(0.85, 1.15)
    return np.array(instants), np.array(sizes)
