"""Asymmetry: slight left/right differences of the mouth, the cheeks and the outer brows.

Each pair of controls is multiplied by 1 + tilt on the left and 1 - tilt on the right. The tilt is a constant drawn once
for a take (one part for the whole face, one for each pair) plus slow noise. The sizes are hand-tuned.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.signals import slow_noise
from facegen.motion.take import Layer, Take

CONSTANT_SPREAD, DRIFT_SIZE = 0.045, 0.025
"""Standard deviations of the tilt, as a share of a control's value: of the part that stays for the whole take, and of
its slow drift. Hand-tuned."""
DRIFT_PERIOD_S = 3.1
"""Slowest period of the drift, seconds. Hand-tuned."""
PAIRED_CONTROLS = (
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
"""ARKit controls that have a left and a right side, without the side."""


def asymmetry(take: Take, context: Context) -> Layer | None:
    """Multiply paired controls by factors about 1, so that a face at rest stays at rest.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Its seed sets the tilt.

    Returns
    -------
    Layer
        Mode ``multiply``: factors in 0.8..1.2, float32 of shape (T, 18).
    """
    rng = context.rng("asymmetry")
    drift = slow_noise(context, rng.spawn(1)[0], DRIFT_PERIOD_S, 2)
    face_tilt = rng.normal(0, CONSTANT_SPREAD)
    names = tuple(f"{part}{side}" for part in PAIRED_CONTROLS for side in ("Left", "Right"))
    values = np.zeros((context.frames, len(names)), np.float32)
    for number in range(len(PAIRED_CONTROLS)):
        tilt = np.clip(face_tilt + rng.normal(0, CONSTANT_SPREAD / 2) + DRIFT_SIZE * drift, -0.2, 0.2)
        values[:, 2 * number], values[:, 2 * number + 1] = 1 + tilt, 1 - tilt
    return Layer("asymmetry", "multiply", Animation(context.fps, names, owned(values)))
