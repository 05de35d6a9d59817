"""Encoders: sound to phones, loudness and pitch in time."""

from __future__ import annotations

from functools import lru_cache
from os import PathLike, fspath
from typing import Any

from facegen.core.registry import Registry


def load_encoder(name: str | PathLike) -> Any:
    """The encoder called ``name``, or the phone encoder with the ONNX model in the file ``name``.

    One that is called by its name is loaded once and shared. Raises UsageError for an unknown name, ModelError for a
    file that is no phone model.
    """
    text = fspath(name)
    if text.lower().endswith(".onnx"):
        from facegen.speech.phone_encoder import PhoneEncoder

        return PhoneEncoder(text)
    return _shared(text)


@lru_cache(maxsize=4)
def _shared(name: str) -> Any:
    return Registry("encoders").get(name)()
