"""Emotion as a value: where it lies, what it is mixed of, how it changes over time, and how it is asked for.

Called as a function, ``facegen.emotion("speech.wav")``, it is ``facegen.analyze_emotion``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from facegen.core.registry import load_object
from facegen.emotion.curves import EMOTION_HZ, SOUNDS, EmotionCurve
from facegen.emotion.lexicon import (
    CATEGORIES,
    NamedEmotion,
    named_emotions,
    nearest_emotions,
    resolve_name,
)
from facegen.emotion.model import Emotion
from facegen.emotion.prompts import parse_emotion
from facegen.emotion.track import EmotionSpan, EmotionTrack

__all__ = [
    "CATEGORIES",
    "EMOTION_HZ",
    "SOUNDS",
    "Emotion",
    "EmotionSpan",
    "EmotionTrack",
    "EmotionCurve",
    "NamedEmotion",
    "resolve_name",
    "named_emotions",
    "nearest_emotions",
    "parse_emotion",
]


class _Callable(ModuleType):
    """This package, which users call by the name that it shares with the function."""

    def __call__(self, source: Any, **settings: Any) -> EmotionTrack:
        return load_object("facegen.api:analyze_emotion")(source, **settings)


sys.modules[__name__].__class__ = _Callable
