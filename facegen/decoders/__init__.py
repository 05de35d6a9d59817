"""Decoders: what is heard to mouth shapes."""

from __future__ import annotations

from typing import Protocol

from facegen.animation import Animation
from facegen.config import Context


class Decoder(Protocol):
    """Turns a context's features into the ``lips`` layer: jaw, mouth and tongue controls, [context.frames, C]."""

    def decode(self, context: Context) -> Animation: ...
