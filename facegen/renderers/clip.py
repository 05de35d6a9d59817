"""What the writers of pictures and videos know about the frames they are given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike
from typing import Protocol

import numpy as np

from facegen.core.progress import Progress


@dataclass(frozen=True)
class Clip:
    """``count`` frames of ``size`` (width, height) at ``fps``, and the sound from ``audio_start`` s on."""

    fps: Fraction
    size: tuple[int, int]
    count: int
    audio: str | None = None
    audio_start: float = 0.0
    alpha: bool = False
    progress: Progress | None = None

    @property
    def seconds(self) -> Fraction:
        return Fraction(self.count) / self.fps

    def report(self, frames: int) -> None:
        """Tell who waits that so many frames are written."""
        if self.progress is not None:
            self.progress("render", float(frames / self.fps), float(self.seconds))


class ClipWriter(Protocol):
    """A file format for frames. ``alpha``: it keeps transparency; ``sound``: it holds the clip's sound."""

    suffix: str
    alpha: bool
    sound: bool

    def write(self, path: str | PathLike, frames: Iterator[np.ndarray], clip: Clip) -> None:
        """Write ``frames`` ([H, W, 3 or 4] uint8 each) to ``path``, whole or not at all."""
        ...
