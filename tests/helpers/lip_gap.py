"""How far the inner lips are apart, from controls; and phones as the encoder would hear them."""

from __future__ import annotations

import numpy as np

from facegen.motion.lipsync import coarticulation as rules
from facegen.speech.phones import LABELS

# Gap between the inner lips at rest and what each control adds to it, over the distance of the outer eye corners,
# measured on a blendshape head.
GAP = {
    "jawOpen": 0.367,
    "noseSneerLeft": 0.035,
    "noseSneerRight": 0.035,
    "mouthShrugLower": -0.077,
    "mouthClose": -0.437,
    "mouthFunnel": 0.154,
    "mouthRollLower": -0.042,
}
GAP |= dict.fromkeys(("mouthLowerDownLeft", "mouthLowerDownRight"), 0.038)
GAP |= dict.fromkeys(("mouthUpperUpLeft", "mouthUpperUpRight"), 0.040)
GAP |= dict.fromkeys(("mouthPressLeft", "mouthPressRight"), -0.014)


def posteriors(words: str, frames: int = 10, sure: float = 1.0) -> np.ndarray:
    labels = [LABELS.index(p) for p in words.split() for _ in range(frames)]
    rows = np.full((len(labels), len(LABELS)), (1 - sure) / len(LABELS), np.float32)
    rows[np.arange(len(labels)), labels] += sure
    return rows


def gap(rows: np.ndarray, controls: tuple[str, ...] = rules.CONTROLS) -> np.ndarray:
    return 0.0086 + rows @ np.array([GAP.get(name, 0.0) for name in controls])
