"""Head motion: a slow drift that never repeats, and nods with the stresses of speech."""

from __future__ import annotations

import numpy as np

from facegen.animation import Animation
from facegen.config import Context
from facegen.passes.curves import pulses, slow_noise, speaking, stresses
from facegen.take import Layer, Take

# Standard deviation of the drift while talking, and its slowest period. Talkers' heads move a few degrees, most
# about yaw (Munhall et al. 2004, "Visual prosody and speech intelligibility").
DRIFT_DEGREES = {"yaw": 2.2, "pitch": 1.4, "roll": 1.2}
DRIFT_PERIOD_S = {"yaw": 4.6, "pitch": 3.7, "roll": 5.3}
DRIFT_CM = {"x": 0.12, "y": 0.06, "z": 0.12}
DRIFT_PERIOD_CM_S = {"x": 6.1, "y": 5.3, "z": 7.3}
STILL = 0.45  # part of the drift that stays in silence
NOD_DEGREES = 2.6  # of the strongest stress
NOD_RISE_S, NOD_FALL_S = 0.16, 0.34
POSTURE_DEGREES = {
    "sad": 4.0,
    "fearful": -1.5,
    "contempt": -3.0,
    "surprised": -2.0,
    "angry": 2.0,
    "happy": -0.8,
}
"""Pitch (down is positive) that goes with an emotion."""


def head(take: Take, context: Context) -> Layer | None:
    """Head pose [T, 6], no controls."""
    rng = context.rng("head")
    drift = rng.spawn(1)[0]
    active = context.at_frames(speaking(context, 1.5))
    amount = STILL + (1 - STILL) * active
    pose = np.zeros((context.frames, 6), np.float32)
    for column, name in enumerate(DRIFT_DEGREES):
        noise = slow_noise(context, drift, DRIFT_PERIOD_S[name])
        pose[:, column] = amount * np.radians(DRIFT_DEGREES[name]) * noise
    for column, name in enumerate(DRIFT_CM, start=3):
        pose[:, column] = amount * DRIFT_CM[name] * slow_noise(context, drift, DRIFT_PERIOD_CM_S[name], 2)
    at, strength = stresses(context)
    vary = rng.random((len(at), 3))
    nods = strength * (0.4 + 0.6 * vary[:, 0]) * (vary[:, 1] < 0.7)
    pose[:, 1] += pulses(context, at, np.radians(NOD_DEGREES) * nods, NOD_RISE_S, NOD_FALL_S)
    pose[:, 0] += pulses(context, at, np.radians(1.2) * nods * (2 * vary[:, 2] - 1), NOD_RISE_S, NOD_FALL_S)
    pose[:, 1] += _posture(context)
    return Layer("head", "add", Animation(context.fps, (), np.zeros((context.frames, 0)), pose))


def _posture(context: Context) -> np.ndarray:
    """Pitch [T] radians of the emotion, settled over a second."""
    from facegen.emotion import CATEGORIES
    from facegen.passes.expression import emotion_weights

    degrees = np.array([POSTURE_DEGREES.get(name, 0.0) for name in CATEGORIES])
    return np.radians(emotion_weights(context) @ degrees).astype(np.float32)
