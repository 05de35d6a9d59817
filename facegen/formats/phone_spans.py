"""The phones of a take as spans from the sound's start to its end, for the formats that are made of them."""

from __future__ import annotations

from fractions import Fraction

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.formats.take import CONTROLS
from facegen.motion.take import Take
from facegen.speech.phones import SILENCE

ROUNDING_S = 1e-6
"""Gaps and overlaps below this come from rounded times."""

Span = tuple[float, float, str]


def phone_spans(thing: Animation | Take) -> list[Span]:
    """``(start s, end s, label)`` end to end over the whole take; silence has the label ``""``.

    Raises AnimationFileError for what was not heard from speech: an animation, or a take made of one.
    """
    if not isinstance(thing, Take) or (CONTROLS in thing.config and not thing.phones):
        raise AnimationFileError(
            "holds curves but no phones",
            remedy="make this format from the sound (facegen animate) or from a .take",
        )
    spans: list[Span] = []
    at = 0.0
    for phone in thing.phones:
        if phone.start > at + ROUNDING_S:
            spans.append((at, phone.start, ""))
            at = phone.start
        if phone.end > at:
            spans.append((at, phone.end, "" if phone.label == SILENCE else phone.label))
            at = phone.end
    end = _seconds(thing)
    if end > at + ROUNDING_S or not spans:
        spans.append((at, end, ""))
    return spans


def _seconds(take: Take) -> float:
    """The length of the sound where the take says it, else of its frames."""
    try:
        told = Fraction(str(take.audio.get("seconds", "")))
    except (ValueError, ZeroDivisionError):
        told = Fraction(0)
    return float(told) if told > 0 else float(take.frames / take.fps)
