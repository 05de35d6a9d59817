"""Decoders: what is heard to mouth shapes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePath
from typing import Protocol

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.registry import Registry
from facegen.motion.context import Context
from facegen.speech.phones import Features


class Decoder(Protocol):
    """Turns a context's features into the ``lips`` layer: jaw, mouth and tongue controls, [context.frames, C].

    A frame may depend on ``before`` feature frames before it and ``ahead`` after it, which live decoding counts on.
    """

    before: int
    ahead: int

    def decode(self, context: Context) -> Animation: ...

    def rows(self, features: Features, config: Config, span: slice = ...) -> np.ndarray:
        """The controls [F, C] of each feature frame by ``config.style``; only those of ``span``, which begins with an
        even one, are worked out."""
        ...


def load_decoder(name: str) -> Decoder:
    """The decoder called ``name``, or the learned one with the network in the ONNX file ``name``.

    One that is called by its name is loaded once and shared. Raises UsageError for an unknown name and ModelError for
    a file that is no decoder.
    """
    decoders = Registry("decoders")
    if name not in decoders and PurePath(name).suffix == ".onnx":
        return decoders.get("learned")(name)
    return _shared(name)


@lru_cache(maxsize=4)
def _shared(name: str) -> Decoder:
    return Registry("decoders").get(name)()
