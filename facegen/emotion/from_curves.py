"""The emotion that a face's curves show, by the table of action units."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from facegen.core.animation import Animation
from facegen.emotion import CATEGORIES, EMOTION_HZ, SOUNDS, EmotionCurve
from facegen.emotion.action_units import action_table
from facegen.emotion.lexicon import vad_table

CLEAR = 0.35  # how strong a face's action units are when it is read half surely
SMOOTH_S = 0.6
AT_REST = 20  # percentile of each control that is the person's face at rest, where the curves are of a person
MOUTH_SHARE = 0.6  # of the mouth, which speech moves too, beside the upper face
SHARPNESS, NEUTRAL = 8.0, 0.45  # of likeness to action units; the likeness from which it is not neutral


def emotion_from_curves(curves: Animation, at_rest: float = AT_REST) -> EmotionCurve:
    """The emotion that a face shows, at EMOTION_HZ: each category by how like its action units the controls are beyond the
    percentile ``at_rest`` of each (0: beyond the least)."""
    names, table, regions = action_table()
    share = np.array([MOUTH_SHARE if region == "mouth" else float(region == "upper") for region in regions])
    wanted = table[: len(CATEGORIES)] * share
    values = np.zeros((len(curves), len(names)), np.float32)
    for column, name in enumerate(names):
        if name in curves.controls:
            values[:, column] = curves.channel(name)
    if not len(values):
        return EmotionCurve.nothing()
    values = np.maximum(values - np.percentile(values, at_rest, axis=0), 0)
    values = uniform_filter1d(values, max(1, round(SMOOTH_S * float(curves.fps))), axis=0, mode="nearest")
    count = max(1, round(curves.seconds * EMOTION_HZ))
    place = ((np.arange(count) + 0.5) / EMOTION_HZ * float(curves.fps)).astype(int)
    rows = values[np.minimum(place, len(values) - 1)] * share
    size = np.linalg.norm(rows, axis=1)
    like = rows @ wanted.T / np.maximum(np.linalg.norm(wanted, axis=1), 1e-6)
    like /= np.maximum(size, 1e-6)[:, None]
    clear = size / (size + CLEAR)
    scores = SHARPNESS * clear[:, None] * like
    scores[:, 0] = SHARPNESS * NEUTRAL
    chance = np.exp(scores - scores.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    vad = chance @ vad_table()[: len(CATEGORIES)]
    return EmotionCurve(vad, chance, clear * (1 - chance[:, 0]), np.zeros((count, len(SOUNDS))))
