"""Hearing: a sound read once by the encoders of phones and of emotion."""

from __future__ import annotations

from collections.abc import Callable

from facegen.config import Config
from facegen.emotion import EmotionCurve
from facegen.emotion.load import load_emotion_encoder
from facegen.speech.audio import AudioStream
from facegen.speech.load import load_encoder
from facegen.speech.phones import Features

Progress = Callable[[str, float], None]
"""Called with a step's name and the seconds of sound done so far."""


def recognize_speech(
    sound: AudioStream, config: Config, progress: Progress | None = None
) -> tuple[Features, EmotionCurve]:
    """What the encoders of ``config`` hear in the whole ``sound``: phones, and emotion."""
    stream = load_emotion_encoder(config.emotion_encoder).stream()
    parts: list[EmotionCurve] = []
    shared = sound.shared(lambda block: parts.append(stream.push(block)))
    features = encode_phones(shared, config, progress)
    return features, EmotionCurve.joined([*parts, stream.close(features)])


def encode_phones(sound: AudioStream, config: Config, progress: Progress | None = None) -> Features:
    """What the speech encoder of ``config`` hears in the whole ``sound``."""
    return load_encoder(config.encoder).encode(sound, progress)
