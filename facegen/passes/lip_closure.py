"""Lip closure: lips that shut at p b m and meet the teeth at f v, over any other motion of the mouth."""

from __future__ import annotations

import numpy as np

from facegen.animation import Animation, owned
from facegen.config import Context
from facegen.passes.curves import frame_times
from facegen.passes.expression import mean_values
from facegen.phones import BILABIALS, LABELS, LABIODENTALS
from facegen.take import Layer, Take

# The posture of each contact.
POSES: dict[str, tuple[float, float]] = {
    "jawOpen": (0.05, 0.06),
    "mouthClose": (0.05, 0.03),
    "mouthLowerDownLeft": (0.0, 0.0),
    "mouthLowerDownRight": (0.0, 0.0),
    "mouthUpperUpLeft": (0.0, 0.1),
    "mouthUpperUpRight": (0.0, 0.1),
    "mouthFunnel": (0.0, 0.0),
    "mouthShrugLower": (0.02, 0.0),
    "mouthRollLower": (0.08, 0.35),
    "mouthRollUpper": (0.06, 0.0),
    "mouthPressLeft": (0.2, 0.0),
    "mouthPressRight": (0.2, 0.0),
    "tongueOut": (0.0, 0.0),
}
"""Control to its value with lips shut, and with the lower lip on the teeth."""
SNEER = ("noseSneerLeft", "noseSneerRight")
RAISED = {"mouthShrugLower": 0.3, "mouthClose": 0.14}
"""How much further these go where a wrinkled nose, SNEER at 1, lifts the upper lip: it parts aria's lips by 0.07 of the
distance of the eyes, which the two take back."""
STRENGTH = {**dict.fromkeys(BILABIALS, 1.0), **dict.fromkeys(LABIODENTALS, 0.6)}
ATTACK_S, RELEASE_S = 0.045, 0.04
HELD = 0.5  # part of the phone, from its start, in which the contact is whole
SURE = 0.5  # mean probability of its class from which a phone counts fully
LEAST_S = 0.03  # a shorter phone counts less


def lip_closure(take: Take, context: Context) -> Layer | None:
    """The contact's posture in place of what lies below, by a mask that is 1 while it holds; None without contacts."""
    shut = _strength(context, BILABIALS)
    bitten = _strength(context, LABIODENTALS)
    mask = np.maximum(shut, bitten) * min(1.0, context.config.mouth)
    if not mask.any():
        return None
    share = (shut / np.maximum(shut + bitten, 1e-6))[:, None]
    poses = np.array(list(POSES.values()), np.float32)
    values = share * poses[:, 0] + (1 - share) * poses[:, 1]
    lifted = share[:, 0] * mean_values(context, SNEER).mean(axis=1)
    for name, more in RAISED.items():
        values[:, list(POSES).index(name)] += more * lifted
    values[mask == 0] = 0
    return Layer("lip_closure", "replace", Animation(context.fps, tuple(POSES), owned(values)), mask)


def _strength(context: Context, labels: tuple[str, ...]) -> np.ndarray:
    """How firm the contact of ``labels`` is in each frame, [T] in 0..1; whole in one frame of each sure phone."""
    rows = np.zeros(context.frames, np.float32)
    times, fps = frame_times(context), float(context.fps)
    posteriors, rate = context.features.posteriors, context.features.rate
    mass = posteriors[:, [LABELS.index(label) for label in labels]].sum(axis=1, dtype=np.float32)
    for phone in context.phones:
        if phone.label not in labels:
            continue
        length = phone.end - phone.start
        heard = mass[round(phone.start * rate) : max(round(phone.end * rate), round(phone.start * rate) + 1)]
        sure = min(1.0, float(heard.mean()) / SURE) if len(heard) else 0.0
        peak = STRENGTH[phone.label] * sure * min(1.0, length / LEAST_S)
        middle, half = phone.start + 0.5 * HELD * length, 0.5 * max(HELD * length, 1.02 / fps)
        first, last = (int((t - 0.5) * fps) for t in (middle - half, middle + half + 1.0))
        part = slice(max(0, first), max(0, min(context.frames, last + 1)))
        away = times[part] - middle
        edge = np.where(away < 0, 1 - (-away - half) / ATTACK_S, 1 - (away - half) / RELEASE_S)
        edge = np.clip(edge, 0, 1)
        rows[part] = np.maximum(rows[part], peak * edge * edge * (3 - 2 * edge))
    return rows
