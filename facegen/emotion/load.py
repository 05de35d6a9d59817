"""Emotion encoders: sound to the emotion in the voice."""

from __future__ import annotations

import os
from functools import lru_cache
from os import PathLike, fspath
from typing import Any

from facegen.core.registry import Registry


def load_emotion_encoder(name: str | PathLike) -> Any:
    """The emotion encoder called ``name``, the built-in one with the ONNX model in the file ``name``, or a
    ``transformers`` audio classifier from the folder ``name``.

    Raises UsageError for an unknown name, ModelError for a file or folder that holds no such model.
    """
    text = fspath(name)
    if text.lower().endswith(".onnx"):
        from facegen.emotion.voice_encoder import VoiceEmotionEncoder

        return VoiceEmotionEncoder(text)
    if os.path.isdir(text) or os.sep in text:
        from facegen.emotion.transformers_audio import TransformersEmotion

        return TransformersEmotion(text)
    return _shared(text)


@lru_cache(maxsize=4)
def _shared(name: str) -> Any:
    return Registry("emotion_encoders").get(name)()
