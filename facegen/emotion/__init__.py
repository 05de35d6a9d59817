"""Emotion as a value: where it lies, what it is mixed of, how it changes over time, and how it is asked for."""

from facegen.emotion.ask import parse_emotion
from facegen.emotion.space import Emotion
from facegen.emotion.table import CATEGORIES, NamedEmotion, known_name, named_emotions, nearest_emotions
from facegen.emotion.track import EmotionSpan, EmotionTrack

__all__ = [
    "CATEGORIES",
    "Emotion",
    "EmotionSpan",
    "EmotionTrack",
    "NamedEmotion",
    "known_name",
    "named_emotions",
    "nearest_emotions",
    "parse_emotion",
]
