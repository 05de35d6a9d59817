"""Asymmetry: nobody's face moves alike on both sides."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.signals import slow_noise
from facegen.motion.take import Layer, Take

STEADY, SWAY = 0.045, 0.025  # spread of a face's own difference, and of its slow changes
PERIOD_S = 3.1
PARTS = (
    "mouthSmile",
    "mouthStretch",
    "mouthLowerDown",
    "mouthUpperUp",
    "mouthPress",
    "mouthFrown",
    "mouthDimple",
    "cheekSquint",
    "browOuterUp",
)


def asymmetry(take: Take, context: Context) -> Layer | None:
    """Factors about 1 for the two sides, [T, 18]; they multiply, so that what rests stays at rest."""
    rng = context.rng("asymmetry")
    sway = slow_noise(context, rng.spawn(1)[0], PERIOD_S, 2)
    lean = rng.normal(0, STEADY)
    names = tuple(f"{part}{side}" for part in PARTS for side in ("Left", "Right"))
    values = np.zeros((context.frames, len(names)), np.float32)
    for number in range(len(PARTS)):
        tilt = np.clip(lean + rng.normal(0, STEADY / 2) + SWAY * sway, -0.2, 0.2)
        values[:, 2 * number], values[:, 2 * number + 1] = 1 + tilt, 1 - tilt
    return Layer("asymmetry", "multiply", Animation(context.fps, names, owned(values)))
