"""Borrowing an emotion: from a voice, the face in a video, or captured curves (``--emotion-from``)."""

from __future__ import annotations

import os
from os import PathLike, fspath
from typing import NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import InputError, UsageError
from facegen.core.registry import Registry, suffix_of
from facegen.emotion import CATEGORIES, Emotion
from facegen.emotion.from_curves import emotion_from_curves
from facegen.formats import load_animation
from facegen.pipeline.recognize import Encoders, recognize_speech
from facegen.speech.audio import open_audio
from facegen.speech.audio_decoding import has_pictures

LEAST_SURE = 0.05
BY_PLACE = 0.3  # share of the finer emotions that lie near the point, beside the categories
UPPER = ("brow", "eyeSquint", "eyeWide", "cheekSquint", "noseSneer")
"""Controls whose curves are borrowed; the mouth speaks for itself, blinks and gaze are made anew."""


class EmotionReference(NamedTuple):
    """The emotion of a reference, and the curves of its upper face where it has one."""

    emotion: Emotion
    curves: Animation | None = None


def load_reference(path: str | PathLike, encoders: Encoders) -> EmotionReference:
    """What ``path`` lends: a sound (how its voice differs from a neutral one), a video (its tracked face) or curves.

    Raises InputError for a file that is not there or is none of these, UsageError for one that shows and tells nothing.
    """
    text = check_reference(path)
    if suffix_of(text, Registry("importers").names()):
        return _of_curves(load_animation(text))
    if has_pictures(text):
        from facegen.tracking import track

        return _of_curves(track(text))
    return EmotionReference(_of_voice(text, encoders))


def check_reference(path: str | PathLike) -> str:
    """The path, which is that of a file. Raises InputError where there is none."""
    text = fspath(path)
    if not os.path.isfile(text):
        raise InputError("is not there", path=text, remedy="give a sound, a video of a face or curves")
    return text


def _of_voice(path: str, encoders: Encoders) -> Emotion:
    summary = recognize_speech(open_audio(path), encoders)[1].summary()
    if summary["confidence"] < LEAST_SURE:
        raise UsageError(
            "holds no voice to borrow from", path=path, remedy="give a clip in which someone speaks"
        )
    return emotion_of(summary)


def emotion_of(summary: dict) -> Emotion:
    """The emotion of a summary: its categories, and finer ones near its point."""
    valence, arousal, dominance = (
        float(np.clip(summary[axis], -1, 1)) for axis in ("valence", "arousal", "dominance")
    )
    chances = {name: chance for name, chance in summary["categories"].items() if name != CATEGORIES[0]}
    fine = Emotion.from_vad(valence, arousal, dominance).parts
    names = {name: (1 - BY_PLACE) * chance for name, chance in chances.items()}
    for name, weight in fine.items():
        names[name] = names.get(name, 0.0) + BY_PLACE * weight
    total = max(1.0, sum(names.values()))
    return Emotion(
        valence, arousal, dominance, chances, {name: weight / total for name, weight in names.items()}
    )


def _of_curves(curves: Animation) -> EmotionReference:
    kept = tuple(name for name in curves.controls if name.startswith(UPPER))
    if not kept or not len(curves):
        raise UsageError(
            "moves no brows, lids or cheeks to borrow", remedy="give ARKit curves of a whole face"
        )
    return EmotionReference(emotion_of(emotion_from_curves(curves, at_rest=0).summary()), curves.select(kept))
