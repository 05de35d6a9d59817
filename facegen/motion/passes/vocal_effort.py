"""Vocal effort: a voice that is raised lifts brows, lids, jaw and head, whatever is felt.

Louder speech opens the mouth further and moves brows and head more (Geumann 2001; Garnier, Henrich and Dubois 2010,
Lombard speech). Effort is relative to the talker: how far loudness and pitch stand above the usual of the minute around.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from facegen.core.animation import Animation
from facegen.motion.context import Context
from facegen.motion.passes.expression import free_brows
from facegen.motion.passes.signals import QUIET_DB, mean_over, speaking, style_value
from facegen.motion.take import Layer, Take

GAINS = {"brows": 0.3, "lids": 0.3, "jaw": 0.3, "head": 1.0}
"""What whole effort adds to each region: to controls, of the jaw's own motion, and HEAD_DEGREES and HEAD_CM."""
SHARES = {
    "browInnerUp": ("brows", 0.8),
    "browOuterUpLeft": ("brows", 1.0),
    "browOuterUpRight": ("brows", 1.0),
    "eyeWideLeft": ("lids", 1.0),
    "eyeWideRight": ("lids", 1.0),
}
HEAD_DEGREES, HEAD_CM = -4.0, 0.8  # the chin comes up, the head forward
WINDOW_S, USUAL_S = 0.5, 60.0
LOUD_DB, HIGH_OCTAVES = 8.0, 0.6  # above the usual, either of which is nearly whole effort
USUAL = 0.3  # what a sentence's own ups and downs reach


def vocal_effort_pass(take: Take, context: Context) -> Layer | None:
    """Brows, lids and jaw [T, 6] and a pose of the head; None where nobody raises the voice."""
    raised = context.at_frames(vocal_effort(context))
    if not raised.any():
        return None
    upper = context.config.upper_face * style_value(context, "upper_face")
    free = {"brows": free_brows(context)}
    columns = [
        upper * GAINS[region] * share * raised * free.get(region, 1.0) for region, share in SHARES.values()
    ]
    jaws = [x.animation.channel("jawOpen") for x in take.layers if x.name == "lips"]
    columns.append(GAINS["jaw"] * raised * (jaws[0] if jaws else 0.0))
    pose = None
    if context.config.head:
        pose = np.zeros((context.frames, 6), np.float32)
        turn = GAINS["head"] * style_value(context, "head") * raised
        pose[:, 1], pose[:, 5] = np.radians(HEAD_DEGREES) * turn, HEAD_CM * turn
    animation = Animation(context.fps, (*SHARES, "jawOpen"), np.stack(columns, axis=1), pose)
    return Layer("effort", "add", animation)


def vocal_effort(context: Context) -> np.ndarray:
    """How raised the voice is, [F] in 0..1, smoothed over WINDOW_S; 0 where nobody speaks."""
    features = context.features
    if not len(features):
        return np.zeros(0, np.float32)
    talks = speaking(context, 0.1)
    loud = _above(np.maximum(features.energy, QUIET_DB), talks, features.rate)
    voiced = talks * (features.pitch > 0)
    octaves = np.log2(np.maximum(features.pitch, 1.0)) * (features.pitch > 0)
    high = _above(octaves, voiced, features.rate)
    part = np.clip(loud / LOUD_DB + np.clip(high / HIGH_OCTAVES, -0.5, 1) - USUAL, 0, 1)
    return mean_over(part * talks, round(0.4 * WINDOW_S * features.rate))


def _above(rows: np.ndarray, weight: np.ndarray, rate: int) -> np.ndarray:
    """How far the mean of ``rows`` [F], weighed by ``weight``, over WINDOW_S lies above that over USUAL_S."""
    means = []
    for seconds in (WINDOW_S, USUAL_S):
        width = round(seconds * rate)
        share = _sum_over(weight, width)
        means.append(np.where(share > 0.01, _sum_over(rows * weight, width) / np.maximum(share, 0.01), 0.0))
    return (means[0] - means[1]) * (mean_over(weight, round(WINDOW_S * rate)) > 1e-3)


def _sum_over(rows: np.ndarray, frames: int) -> np.ndarray:
    """Centred moving sum of ``rows`` [F] over ``frames``, beyond whose ends lies nothing."""
    spread = uniform_filter1d(rows, frames, output=np.float32, mode="constant")  # sums in float64
    spread *= frames
    return spread
