"""Gestures of the mouth as the controls that make them."""

from __future__ import annotations

import numpy as np

SEAL_LOW, SEAL_HIGH = 0.15, 0.7  # seal at which the lips begin to meet and are shut

CONTROLS = (
    "jawOpen",
    "mouthClose",
    "mouthFunnel",
    "mouthPucker",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "tongueOut",
)
LEARNED_CONTROLS = (*CONTROLS, "mouthShrugUpper", "browInnerUp", "browOuterUpLeft", "browOuterUpRight")


def controls(gestures: dict[str, np.ndarray], scale: np.ndarray | float, strength: float) -> np.ndarray:
    """Gestures as CONTROLS [F, 17]: the seal shuts what the jaw opens, and takes the lips' own opening away."""
    seal = np.clip((gestures["seal"] - SEAL_LOW) / (SEAL_HIGH - SEAL_LOW), 0, 1)
    seal = seal * seal * (3 - 2 * seal)
    scale = scale * strength
    free = 1 - seal
    jaw = np.minimum(gestures["jaw"] * scale, 1)
    lower, upper = gestures["lower"] * scale * free, gestures["upper"] * scale * free
    press = gestures["press"] * strength
    smile, stretch = gestures["smile"] * strength, gestures["stretch"] * strength
    columns = (
        jaw,
        jaw * seal,
        gestures["funnel"] * strength * free,
        gestures["pucker"] * strength,
        *(smile,) * 2,
        *(stretch,) * 2,
        gestures["roll_lower"] * strength,
        gestures["roll_upper"] * strength,
        *(press,) * 2,
        *(lower,) * 2,
        *(upper,) * 2,
        gestures["tongue"] * strength,
    )
    return np.clip(np.stack(columns, axis=1), 0, 1).astype(np.float32)
