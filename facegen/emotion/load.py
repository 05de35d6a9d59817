"""Emotion encoders by name: see ``facegen.emotion.encoder`` for what one is."""

from __future__ import annotations

import os
from functools import lru_cache
from os import PathLike, fspath

from facegen.core.registry import Registry
from facegen.emotion.encoder import EmotionEncoder


def load_emotion_encoder(name: str | PathLike) -> EmotionEncoder:
    """The emotion encoder called ``name``, or one with the model in that file or folder.

    Parameters
    ----------
    name : str or path
        A name of the registry ``emotion_encoders`` (``voice``, or what an installed package adds), a file ``*.onnx`` for
        the built-in encoder, or the folder of a ``transformers`` audio classifier.

    Returns
    -------
    EmotionEncoder
        One that is called by its name is loaded once and shared.

    Raises
    ------
    UsageError
        For an unknown name.
    ModelError
        For a file or folder that holds no such model.
    MissingExtraError
        For a folder, where the ``torch`` extra is not installed.
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
def _shared(name: str) -> EmotionEncoder:
    return Registry("emotion_encoders").get(name)()
