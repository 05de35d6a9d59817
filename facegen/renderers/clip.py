"""``Clip``: rate, size, length and sound of the frames that a picture or video writer receives."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from facegen.core.progress import Progress


@dataclass(frozen=True)
class Clip:
    """What a writer needs to know about the frames.

    Attributes
    ----------
    fps : Fraction
        Frames per second, exact.
    size : tuple of int
        Width and height in pixels.
    count : int
        Number of frames.
    audio : str or None
        The sound file to mux, from ``audio_start`` s on.
    alpha : bool
        Whether the frames are (H, W, 4) with straight alpha.
    progress : callable or None
        Called with "render" and the seconds written.
    """

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
        """Report to ``progress`` that ``frames`` frames are written."""
        if self.progress is not None:
            self.progress("render", float(frames / self.fps), float(self.seconds))
