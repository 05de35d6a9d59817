"""Vocal effort: a raised voice lifts brows, upper lids and head and opens the jaw further, whatever the emotion.

Louder speech opens the mouth further and moves brows and head more (Geumann 2001; Garnier, Henrich and Dubois 2010,
Lombard speech). Effort is relative to the talker: how far level and pitch over half a second stand above their means of the
minute around. The sizes are hand-tuned.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter1d

from facegen.core.animation import Animation
from facegen.motion.context import Context
from facegen.motion.passes.expression import brow_raise_headroom
from facegen.motion.passes.signals import QUIET_DB, mean_over, speaking, style_value
from facegen.motion.take import Layer, Take

GAINS = {"brows": 0.3, "lids": 0.3, "jaw": 0.3, "head": 1.0}
"""What full effort adds: to the controls of brows and lids, to the jaw as a share of its own opening, and to the head as a
share of HEAD_DEGREES and HEAD_CM. Hand-tuned."""
REGION_SHARES = {
    "browInnerUp": ("brows", 0.8),
    "browOuterUpLeft": ("brows", 1.0),
    "browOuterUpRight": ("brows", 1.0),
    "eyeWideLeft": ("lids", 1.0),
    "eyeWideRight": ("lids", 1.0),
}
"""Control to its region and its share of the region's gain. Hand-tuned."""
HEAD_DEGREES, HEAD_CM = -4.0, 0.8
"""Pitch of the head (the chin comes up), degrees, and its shift forward, cm, at full effort. Hand-tuned."""
WINDOW_S, BASELINE_S = 0.5, 60.0
"""Seconds over which the voice's level and pitch are averaged, and over which its baseline is. Hand-tuned."""
FULL_EFFORT_DB, FULL_EFFORT_OCTAVES = 8.0, 0.6
"""dB and octaves above the baseline, each of which alone is an effort of 1 before DEAD_ZONE is taken off. Hand-tuned."""
DEAD_ZONE = 0.3
"""Effort that the ups and downs of a plain sentence reach, taken off. Hand-tuned."""


def vocal_effort_pass(take: Take, context: Context) -> Layer | None:
    """Raise brows, lids, jaw and head with vocal effort.

    Parameters
    ----------
    take : Take
        Its ``lips`` layer says how far the jaw is open.
    context : Context
        Phone features, emotion, strengths and style.

    Returns
    -------
    Layer or None
        Mode ``add``: controls of shape (T, 6) and, unless the head is turned off, a head pose of shape (T, 6) in radians
        and cm. None where the voice is never raised.
    """
    effort = context.at_frames(vocal_effort(context))
    if not effort.any():
        return None
    upper = context.config.upper_face * style_value(context, "upper_face")
    headroom = {"brows": brow_raise_headroom(context)}
    columns = [
        upper * GAINS[region] * share * effort * headroom.get(region, 1.0)
        for region, share in REGION_SHARES.values()
    ]
    jaws = [x.animation.channel("jawOpen") for x in take.layers if x.name == "lips"]
    columns.append(GAINS["jaw"] * effort * (jaws[0] if jaws else 0.0))
    pose = None
    if context.config.head:
        pose = np.zeros((context.frames, 6), np.float32)
        rotation = GAINS["head"] * style_value(context, "head") * effort
        pose[:, 1], pose[:, 5] = np.radians(HEAD_DEGREES) * rotation, HEAD_CM * rotation
    animation = Animation(context.fps, (*REGION_SHARES, "jawOpen"), np.stack(columns, axis=1), pose)
    return Layer("effort", "add", animation)


def vocal_effort(context: Context) -> np.ndarray:
    """How far the voice is raised.

    Parameters
    ----------
    context : Context
        Phone features: level, pitch and probability of speech.

    Returns
    -------
    ndarray of float32, shape (F,)
        In 0..1, smoothed over WINDOW_S; 0 where nobody speaks.
    """
    features = context.features
    if not len(features):
        return np.zeros(0, np.float32)
    speech = speaking(context, 0.1)
    level = _above_baseline(np.maximum(features.energy, QUIET_DB), speech, features.rate)
    voiced = speech * (features.pitch > 0)
    octaves = np.log2(np.maximum(features.pitch, 1.0)) * (features.pitch > 0)
    pitch = _above_baseline(octaves, voiced, features.rate)
    part = np.clip(level / FULL_EFFORT_DB + np.clip(pitch / FULL_EFFORT_OCTAVES, -0.5, 1) - DEAD_ZONE, 0, 1)
    return mean_over(part * speech, round(0.4 * WINDOW_S * features.rate))


def _above_baseline(rows: np.ndarray, weight: np.ndarray, rate: int) -> np.ndarray:
    """How far the weighted mean of ``rows`` [F] over WINDOW_S lies above that over BASELINE_S, [F]."""
    means = []
    for seconds in (WINDOW_S, BASELINE_S):
        width = round(seconds * rate)
        share = _moving_sum(weight, width)
        means.append(np.where(share > 0.01, _moving_sum(rows * weight, width) / np.maximum(share, 0.01), 0.0))
    return (means[0] - means[1]) * (mean_over(weight, round(WINDOW_S * rate)) > 1e-3)


def _moving_sum(rows: np.ndarray, frames: int) -> np.ndarray:
    """Centred moving sum of ``rows`` [F] over ``frames``, with zeros beyond the ends."""
    sums = uniform_filter1d(rows, frames, output=np.float32, mode="constant")  # sums in float64
    sums *= frames
    return sums
