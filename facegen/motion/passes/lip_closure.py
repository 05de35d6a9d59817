"""Lip closure: lips that shut at p b m and meet the teeth at f v, over any other motion of the mouth."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.expression import mean_values
from facegen.motion.passes.signals import frame_times
from facegen.motion.take import Layer, Take
from facegen.speech.phones import BILABIALS, LABELS, LABIODENTALS, VOWELS, Phone

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
LEAST_S = 0.02  # a shorter phone counts less
CONFUSED = ("T", "D", "N", "K", "G", "NG")
"""Stops and nasals, told from p b m by the place of the closure alone, which is what is misheard first (Miller and Nicely
1955): in languages and voices far from the encoder's training most p b m that it misses are heard as these."""
TOUCH_S = 0.015  # phones nearer than that follow one another
DOUBT, LIKELY = 0.1, 0.2
"""Mean probability of p b m over a phone of CONFUSED from which the lips begin to shut, and shut wholly. From LIKELY on,
half of them are p b m (learners' English, synthetic speech in 19 languages), and lips that stay apart at p b m are seen
where lips that meet in the closure of a t or k hardly are; under 2 of 100 t d n k g ng are shut by it."""


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
    vowels = _openness(context, times)
    for phone, sure in _contacts(context, labels):
        length = phone.end - phone.start
        peak = sure * min(1.0, length / LEAST_S)
        middle, half = phone.start + 0.5 * HELD * length, 0.5 * max(HELD * length, 1.02 / fps)
        first, last = (int((t - 0.5) * fps) for t in (middle - half, middle + half + 1.0))
        part = slice(max(0, first), max(0, min(context.frames, last + 1)))
        away = times[part] - middle
        if not len(away):
            continue
        edge = np.where(away < 0, 1 - (-away - half) / ATTACK_S, 1 - (away - half) / RELEASE_S)
        edge = np.clip(edge, 0, 1)
        edge = edge * edge * (3 - 2 * edge)
        own = np.arange(len(away)) == np.abs(away).argmin()
        rows[part] = np.maximum(rows[part], peak * np.where(own, edge, np.minimum(edge, 1 - vowels[part])))
    return rows


def _contacts(context: Context, labels: tuple[str, ...]) -> list[tuple[Phone, float]]:
    """The phones at which lips meet as in ``labels``, and how firmly, in 0..1."""
    posteriors, rate = context.features.posteriors, context.features.rate
    mass = posteriors[:, [LABELS.index(label) for label in labels]].sum(axis=1, dtype=np.float32)
    phones, found = context.phones.phones, []
    for number, phone in enumerate(phones):
        if phone.label not in labels and (phone.label not in CONFUSED or labels != BILABIALS):
            continue
        first = round(phone.start * rate)
        heard = mass[first : max(round(phone.end * rate), first + 1)]
        likely = float(heard.mean()) if len(heard) else 0.0
        if phone.label in labels:
            found.append((phone, STRENGTH[phone.label] * min(1.0, likely / SURE)))
        elif likely > DOUBT and not _beside(phones, number, labels):
            found.append((phone, min(1.0, (likely - DOUBT) / (LIKELY - DOUBT))))
    return found


def _beside(phones: tuple[Phone, ...], number: int, labels: tuple[str, ...]) -> bool:
    """Whether a phone of ``labels`` touches the phone ``number``: what is heard of them there is its edge."""
    here = phones[number]
    return any(
        other.label in labels and min(abs(other.end - here.start), abs(other.start - here.end)) < TOUCH_S
        for other in phones[max(0, number - 1) : number + 2]
    )


def _openness(context: Context, times: np.ndarray) -> np.ndarray:
    """How far the vowels keep a contact beside them out of each frame, [T] in 0..1: wholly in the frame nearest a vowel's
    middle, not at its edges, so that lips part in the short vowel between two consonants too."""
    rows = np.zeros(context.frames, np.float32)
    for phone in context.phones:
        first, last = np.searchsorted(times, (phone.start, phone.end))
        if phone.label not in VOWELS or first == last:
            continue
        inside = times[first:last]
        centre = inside[np.abs(inside - 0.5 * (phone.start + phone.end)).argmin()]
        near = 1 - np.abs(inside - centre) / (0.5 * (phone.end - phone.start))
        near = np.clip(near, 0, 1)
        rows[first:last] = near * near * (3 - 2 * near)
    return rows
