"""When frames are due: evenly spaced, on the sound's own clock, whose rate is found as it runs."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW_S = 2.0
GAIN = 0.1
MOST_S = 0.001  # by which the clock may move in a window: half a thousandth of its rate


class Clock:
    """Maps seconds of sound to instants of ``now()``; begins when ``start`` is called.

    ``observe(level)`` tells how much sound, in seconds, waits in the source's buffer. Where that grows or shrinks in
    the long run, the source's clock and ours differ, and ours is moved a little at a time.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.origin = now()
        self._least: float | None = None
        self._since = self.origin

    def start(self) -> None:
        self.origin = self._since = self.now()

    def due(self, seconds: float) -> float:
        """The instant at which ``seconds`` of sound have passed."""
        return self.origin + seconds

    def late(self, seconds: float) -> float:
        """How long ago that was; negative if it is to come."""
        return self.now() - self.due(seconds)

    def observe(self, level: float, wanted: float) -> None:
        """``level`` seconds wait where ``wanted`` are right."""
        self._least = level if self._least is None else min(self._least, level)
        if self.now() - self._since < WINDOW_S:
            return
        change = GAIN * (wanted - self._least)
        self.origin += max(-MOST_S, min(MOST_S, change))
        self._since, self._least = self.now(), None
