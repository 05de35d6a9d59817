"""Which emotion a face shows: a small classifier on the curves of a take, ours, captured or tracked.

A softmax of means and high levels of some facial actions over time (``tools/training/train_face_emotion.py``). It knows
faces by how often people in each emotion show each action unit (Du, Tao and Martinez 2014), laid over the faces of six
people who speak (GRID, tracked), not by the tables that make our own expressions.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import ModelError
from facegen.core.files import read_bytes
from facegen.emotion import CATEGORIES
from facegen.evaluation.metrics.inputs import NotApplicable

MODEL = "face_emotion.safetensors"
ACTIONS: dict[str, tuple[str, ...]] = {
    "brow inner": ("browInnerUp",),
    "brow outer": ("browOuterUpLeft", "browOuterUpRight"),
    "brow down": ("browDownLeft", "browDownRight"),
    "lids wide": ("eyeWideLeft", "eyeWideRight"),
    "lids tight": ("eyeSquintLeft", "eyeSquintRight"),
    "cheeks": ("cheekSquintLeft", "cheekSquintRight"),
    "nose": ("noseSneerLeft", "noseSneerRight"),
    "upper lip": ("mouthUpperUpLeft", "mouthUpperUpRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "dimple": ("mouthDimpleLeft", "mouthDimpleRight"),
    "frown": ("mouthFrownLeft", "mouthFrownRight"),
    "stretch": ("mouthStretchLeft", "mouthStretchRight"),
    "press": ("mouthPressLeft", "mouthPressRight"),
    "lower lip": ("mouthLowerDownLeft", "mouthLowerDownRight"),
    "chin": ("mouthShrugLower",),
    "jaw": ("jawOpen",),
}
"""The mean of the controls of each, over time its mean and its 85th percentile."""
ONE_SIDED = ("smile", "dimple", "upper lip", "brow outer")
"""Whose difference between left and right counts too."""
HIGH = 85.0
LEAST_FRAMES = 3


def face_emotion(animation: Animation) -> dict[str, float]:
    """Probability of each of CATEGORIES in the face over the whole ``animation``. NotApplicable without its controls."""
    kept = model()
    row = (summary(animation) - kept["centre"]) / kept["scale"]
    scores = row @ kept["weights"] + kept["bias"]
    shares = np.exp(scores - scores.max())
    return dict(zip(CATEGORIES, (shares / shares.sum()).astype(float).tolist(), strict=True))


def summary(animation: Animation) -> np.ndarray:
    """What the classifier looks at: 16 means, 16 high levels, 4 differences of sides, [36]."""
    known = {name for names in ACTIONS.values() for name in names}
    if not known & set(animation.controls):
        raise NotApplicable("it has none of the controls of an expression")
    if len(animation) < LEAST_FRAMES:
        raise NotApplicable("it is too short to show an emotion")
    curves = {key: animation.select(names).values for key, names in ACTIONS.items()}
    both = np.stack([rows.mean(axis=1) for rows in curves.values()], axis=1)
    sides = [abs(float(np.mean(curves[key][:, 0] - curves[key][:, 1]))) for key in ONE_SIDED]
    return np.concatenate([both.mean(axis=0), np.percentile(both, HIGH, axis=0), sides])


@lru_cache(maxsize=1)
def model() -> dict[str, np.ndarray]:
    """``centre`` [36], ``scale`` [36], ``weights`` [36, 8], ``bias`` [8]. Raises ModelError for a broken file."""
    from safetensors.numpy import load

    path = str(resources.files("facegen") / "models" / MODEL)
    try:
        kept = load(read_bytes(path, limit=1 << 20, error=ModelError))
        size = 2 * len(ACTIONS) + len(ONE_SIDED)
        shapes = {"centre": (size,), "scale": (size,), "weights": (size, 8), "bias": (8,)}
        if any(kept[name].shape != shape for name, shape in shapes.items()):
            raise ValueError("has other shapes")
    except (KeyError, ValueError) as error:
        raise ModelError(
            f"is no judge of faces ({error})", path=path, remedy="install facegen again"
        ) from error
    return kept
