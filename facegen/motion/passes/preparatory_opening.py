"""Preparatory opening: before an utterance that follows a pause, lips and jaw open for the breath.

How far is predicted from the sound of the breath by a small network that was trained on tracked faces
(``lip_opening_network``). The opening comes in after the pause begins, and the lips near each other again just before the
utterance. It needs a pause of PAUSE_MIN_S, probable speech after it, and lip sync that moves there.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.motion.context import Context
from facegen.motion.passes.lip_opening_network import lip_opening_inputs, predict_lip_opening
from facegen.motion.passes.signals import QUIET_DB
from facegen.motion.take import Layer, Take
from facegen.speech.phones import BILABIALS

POSE = {
    "jawOpen": 0.2,
    "mouthLowerDownLeft": 0.3,
    "mouthLowerDownRight": 0.3,
    "mouthUpperUpLeft": 0.21,
    "mouthUpperUpRight": 0.21,
    "mouthPucker": 0.06,
}
"""Control to its value where the lips are parted as wide as in speech: the jaw opens a little, the corners draw in.
Hand-tuned."""
PAUSE_MIN_S, PAUSE_FULL_S = 0.35, 0.6
"""Seconds of a pause from which the lips begin to part before the utterance, and part fully. Hand-tuned."""
PARTING_S = 0.08
"""Seconds after a pause begins in which the lips start to part. Hand-tuned."""
CLOSING_S = 0.06
"""Seconds before the utterance in which they near each other. Hand-tuned."""
SPEECH_CHECK_S = 0.25
"""Seconds from the first phone over which speech must be probable. Hand-tuned."""
SPEECH_FULL = 0.7
"""Mean probability of speech there from which it counts fully. Hand-tuned."""
MOTION_CHECK_S, MOTION_FULL = 0.4, 0.1
"""Seconds from the first phone in which the ``lips`` layer must move, and the control value from which that counts fully: a
decoder keeps the lips still in music. Hand-tuned."""
SCALE, SCALE_SPREAD = 1.25, 0.15
"""Factor on the predicted opening, and its standard deviation between utterances. Hand-tuned: a network trained by squared
error predicts wide openings too small."""
SMOOTH_FRAMES = 9
"""Feature frames (10 ms) of the Hann window that smooths the prediction. Hand-tuned."""


class UtteranceStart(NamedTuple):
    """The start of an utterance.

    Attributes
    ----------
    at : float
        Its first sound, seconds.
    pause : float
        Seconds without phones before it; infinite at the start of the clip.
    confidence : float
        How certainly it is speech, 0..1.
    closed : bool
        Whether it begins with closed lips (p, b or m).
    """

    at: float
    pause: float
    confidence: float
    closed: bool


def preparatory_opening(take: Take, context: Context) -> Layer | None:
    """Part lips and jaw before utterances.

    Parameters
    ----------
    take : Take
        Its ``lips`` layer must move where the utterance begins.
    context : Context
        Phones, phone features, the strength of the mouth and seed.

    Returns
    -------
    Layer or None
        Mode ``max``: the controls of POSE, float32 of shape (T, 6) in 0..1. None where no utterance follows a pause.
    """
    rng = context.rng("prepare")
    rows = np.zeros(len(context.features), np.float32)
    for start in utterance_starts(context):
        size = SCALE * np.clip(1 + SCALE_SPREAD * rng.normal(), 0.6, 1.4)
        pause_share = (start.pause - PAUSE_MIN_S) / (PAUSE_FULL_S - PAUSE_MIN_S)
        size *= start.confidence * _decoder_motion(take, start.at) * _smoothstep(pause_share)
        if size > 0:
            last = min(len(rows), round(start.at * context.features.rate))
            curve = size * _opening_curve(context, start, last)
            part = rows[last - len(curve) : last]
            np.maximum(part, curve, out=part)
    rows = context.at_frames(rows) * np.float32(context.config.mouth)
    if not rows.any():
        return None
    values = np.minimum(rows[:, None] * np.array(list(POSE.values()), np.float32), 1.0)
    return Layer("prepare", "max", Animation(context.fps, tuple(POSE), values))


def _opening_curve(context: Context, start: UtteranceStart, last: int) -> np.ndarray:
    """How far the lips are parted in the feature frames of the pause before ``last``, [n] in 0..1."""
    features = context.features
    low = max(0, last - round(min(start.pause, start.at) * features.rate))
    if last <= low:
        return np.zeros(0)
    curve = predict_lip_opening(lip_opening_inputs(features.bands, low, last, start.closed))
    kernel = np.hanning(SMOOTH_FRAMES + 2)[1:-1]
    curve = np.convolve(np.pad(curve, SMOOTH_FRAMES // 2, mode="edge"), kernel / kernel.sum(), mode="valid")
    ahead = (np.arange(len(curve), 0, -1) - 0.5) / features.rate
    curve = curve * _smoothstep(ahead / CLOSING_S)
    return curve * _smoothstep((start.pause - ahead) / PARTING_S) if math.isfinite(start.pause) else curve


def utterance_starts(context: Context) -> list[UtteranceStart]:
    """Utterances: phones after more than PAUSE_MIN_S without any.

    What lies before the sound counts as a pause: a clip that is cut shortly before its first word begins with lips that
    are parted already.

    Parameters
    ----------
    context : Context
        Phones and phone features.

    Returns
    -------
    list of UtteranceStart
    """
    features, found, end = context.features, [], -math.inf
    speech = features.speech * (features.energy > QUIET_DB)
    for phone in context.phones:
        if phone.label == "SIL":
            continue
        pause = phone.start - end
        if pause > PAUSE_MIN_S:
            rows = speech[
                round(phone.start * features.rate) : round((phone.start + SPEECH_CHECK_S) * features.rate)
            ]
            confidence = min(1.0, float(rows.mean()) / SPEECH_FULL) if len(rows) else 0.0
            found.append(UtteranceStart(phone.start, pause, confidence, phone.label in BILABIALS))
        end = max(end, phone.end)
    return found


def _decoder_motion(take: Take, at: float) -> float:
    """How far the ``lips`` layer moves within MOTION_CHECK_S after ``at`` seconds, 0..1."""
    first, last = (int(t * take.fps) for t in (at, at + MOTION_CHECK_S))
    values = [x.animation.values[first : last + 1] for x in take.layers if x.name == "lips"]
    return min(1.0, max((float(v.max(initial=0.0)) for v in values), default=0.0) / MOTION_FULL)


def _smoothstep(part: np.ndarray | float) -> np.ndarray:
    part = np.clip(part, 0, 1)
    return part * part * (3 - 2 * part)
