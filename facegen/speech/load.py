"""Speech encoders by name: see ``facegen.speech.encoder`` for what one is."""

from __future__ import annotations

from functools import lru_cache
from os import PathLike, fspath

from facegen.core.registry import Registry
from facegen.speech.encoder import Encoder


def load_encoder(name: str | PathLike) -> Encoder:
    """The encoder called ``name``, or the phone encoder with the ONNX model in the file ``name``.

    Parameters
    ----------
    name : str or path
        A name of the registry ``encoders`` (``phones``, or what an installed package adds), or a file ``*.onnx``.

    Returns
    -------
    Encoder
        One that is called by its name is loaded once and shared.

    Raises
    ------
    UsageError
        For an unknown name.
    ModelError
        For a file that is no phone model.
    """
    text = fspath(name)
    if text.lower().endswith(".onnx"):
        from facegen.speech.phone_encoder import PhoneEncoder

        return PhoneEncoder(text)
    return _shared(text)


@lru_cache(maxsize=4)
def _shared(name: str) -> Encoder:
    return Registry("encoders").get(name)()
