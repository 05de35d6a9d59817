"""Lip closure: the lips shut at p, b and m, and the lower lip meets the teeth at f and v, whatever lies below.

At each such phone the pass replaces the mouth's controls by the posture of the contact, POSES, under a mask: it comes in
ATTACK_S, holds over the first half of the phone and goes in RELEASE_S, and is whole in at least one frame. A phone counts by
the probability of its class. Stops and nasals that the encoder confuses with p b m (Miller and Nicely 1955) shut the lips
too where p b m is likely enough. Vowels beside a contact keep it out of their middle.
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.expression import mean_values
from facegen.motion.passes.signals import frame_times
from facegen.motion.take import Layer, Take
from facegen.speech.phones import BILABIALS, LABELS, LABIODENTALS, VOWELS, Phone

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
"""Control to its value with the lips shut, and with the lower lip on the upper teeth. Hand-tuned."""
NOSE_CONTROLS = ("noseSneerLeft", "noseSneerRight")
"""Controls of a wrinkled nose."""
NOSE_COMPENSATION = {"mouthShrugLower": 0.3, "mouthClose": 0.14}
"""How much these controls rise where a wrinkled nose (NOSE_CONTROLS at 1) lifts the upper lip. Fitted to the rig ``aria``,
whose lips it parts by 0.07 of the distance between the eyes."""
STRENGTH = {**dict.fromkeys(BILABIALS, 1.0), **dict.fromkeys(LABIODENTALS, 0.6)}
"""Mask value at a certain phone, 0..1. Hand-tuned: labiodentals leave some of the mouth's own motion."""
ATTACK_S, RELEASE_S = 0.045, 0.04
"""Seconds in which the lips come together before the contact and part after it. Hand-tuned."""
HOLD_SHARE = 0.5
"""Share of the phone, from its start, in which the contact is whole. Hand-tuned."""
FULL_PROBABILITY = 0.5
"""Mean probability of its class from which a phone counts fully; below, in proportion. Hand-tuned."""
MIN_PHONE_S = 0.02
"""Seconds; a shorter phone counts in proportion to its length. Hand-tuned."""
CONFUSABLE = ("T", "D", "N", "K", "G", "NG")
"""Stops and nasals, which differ from p b m by the place of articulation alone, the feature that is confused first (Miller
and Nicely 1955): in languages and voices far from the encoder's training, most p b m that it misses come out as these."""
ADJACENT_S = 0.015
"""Seconds between two phones below which they follow one another. Hand-tuned, one and a half feature frames."""
CONFUSABLE_MIN, CONFUSABLE_FULL = 0.1, 0.2
"""Mean probability of p b m over a CONFUSABLE phone from which the lips begin to shut, and shut wholly. From CONFUSABLE_FULL
on, half of them are p b m (measured on learners' English and synthetic speech in 19 languages), and under 2 of 100 t d n k g
ng are shut by it. A viewer sees lips that stay apart at p b m, but hardly lips that meet in the closure of a t or k."""


def lip_closure(take: Take, context: Context) -> Layer | None:
    """Replace the mouth by the posture of the contact while it holds.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Phones and their probabilities, emotion (for the nose) and the strength of the mouth.

    Returns
    -------
    Layer or None
        Mode ``replace``: the controls of POSES, float32 of shape (T, 13), under a mask in 0..1. None without contacts.
    """
    bilabial = _contact_strength(context, BILABIALS)
    labiodental = _contact_strength(context, LABIODENTALS)
    mask = np.maximum(bilabial, labiodental) * min(1.0, context.config.mouth)
    if not mask.any():
        return None
    share = (bilabial / np.maximum(bilabial + labiodental, 1e-6))[:, None]
    poses = np.array(list(POSES.values()), np.float32)
    values = share * poses[:, 0] + (1 - share) * poses[:, 1]
    nose = share[:, 0] * mean_values(context, NOSE_CONTROLS).mean(axis=1)
    for name, amount in NOSE_COMPENSATION.items():
        values[:, list(POSES).index(name)] += amount * nose
    values[mask == 0] = 0
    return Layer("lip_closure", "replace", Animation(context.fps, tuple(POSES), owned(values)), mask)


def _contact_strength(context: Context, labels: tuple[str, ...]) -> np.ndarray:
    """Strength of the contact of ``labels``, [T] in 0..1; whole in at least one frame of each certain phone."""
    rows = np.zeros(context.frames, np.float32)
    times, fps = frame_times(context), float(context.fps)
    vowels = _vowel_openness(context, times)
    for phone, firmness in _contacts(context, labels):
        length = phone.end - phone.start
        peak = firmness * min(1.0, length / MIN_PHONE_S)
        middle, half = phone.start + 0.5 * HOLD_SHARE * length, 0.5 * max(HOLD_SHARE * length, 1.02 / fps)
        first, last = (int((t - 0.5) * fps) for t in (middle - half, middle + half + 1.0))
        part = slice(max(0, first), max(0, min(context.frames, last + 1)))
        offset = times[part] - middle
        if not len(offset):
            continue
        edge = np.where(offset < 0, 1 - (-offset - half) / ATTACK_S, 1 - (offset - half) / RELEASE_S)
        edge = np.clip(edge, 0, 1)
        edge = edge * edge * (3 - 2 * edge)
        central = np.arange(len(offset)) == np.abs(offset).argmin()
        rows[part] = np.maximum(
            rows[part], peak * np.where(central, edge, np.minimum(edge, 1 - vowels[part]))
        )
    return rows


def _contacts(context: Context, labels: tuple[str, ...]) -> list[tuple[Phone, float]]:
    """The phones at which lips meet as in ``labels``, and how firmly, in 0..1."""
    posteriors, rate = context.features.posteriors, context.features.rate
    mass = posteriors[:, [LABELS.index(label) for label in labels]].sum(axis=1, dtype=np.float32)
    phones, found = context.phones.phones, []
    for number, phone in enumerate(phones):
        if phone.label not in labels and (phone.label not in CONFUSABLE or labels != BILABIALS):
            continue
        first = round(phone.start * rate)
        probability = mass[first : max(round(phone.end * rate), first + 1)]
        mean = float(probability.mean()) if len(probability) else 0.0
        if phone.label in labels:
            found.append((phone, STRENGTH[phone.label] * min(1.0, mean / FULL_PROBABILITY)))
        elif mean > CONFUSABLE_MIN and not _is_adjacent(phones, number, labels):
            found.append((phone, min(1.0, (mean - CONFUSABLE_MIN) / (CONFUSABLE_FULL - CONFUSABLE_MIN))))
    return found


def _is_adjacent(phones: tuple[Phone, ...], number: int, labels: tuple[str, ...]) -> bool:
    """Whether a phone of ``labels`` is next to the phone ``number``: their probability there is that phone's edge."""
    phone = phones[number]
    return any(
        other.label in labels and min(abs(other.end - phone.start), abs(other.start - phone.end)) < ADJACENT_S
        for other in phones[max(0, number - 1) : number + 2]
    )


def _vowel_openness(context: Context, times: np.ndarray) -> np.ndarray:
    """How far vowels keep an adjacent contact out of each frame, [T] in 0..1.

    Wholly in the frame nearest a vowel's middle and not at its edges, so that lips part in the short vowel between two
    consonants too.
    """
    rows = np.zeros(context.frames, np.float32)
    for phone in context.phones:
        first, last = np.searchsorted(times, (phone.start, phone.end))
        if phone.label not in VOWELS or first == last:
            continue
        inside = times[first:last]
        centre = inside[np.abs(inside - 0.5 * (phone.start + phone.end)).argmin()]
        openness = 1 - np.abs(inside - centre) / (0.5 * (phone.end - phone.start))
        openness = np.clip(openness, 0, 1)
        rows[first:last] = openness * openness * (3 - 2 * openness)
    return rows
