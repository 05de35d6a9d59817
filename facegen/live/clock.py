"""When frames are due: evenly spaced, on the sound's own clock, whose rate is found as it runs."""

from __future__ import annotations

import time
from collections.abc import Callable

WINDOW_S = 0.5
GAIN = 0.1
MOST_S = 0.00025  # by which the clock may move in a window: half a thousandth of its rate
BEHIND_S, STEADY_S = 0.1, 0.15
"""Where that much more sound than wanted waits all the time, and its amount changes by less than this, it comes at the
pace of the clock and has a lead that only delays it."""
CATCH_UP_S = 1.0


class Clock:
    """Maps seconds of sound to instants of ``now()``; begins when ``start`` is called.

    ``observe(level)`` tells how much sound, in seconds, waits in the source's buffer. Where that grows or shrinks in
    the long run, the source's clock and ours differ, and ours is moved a little at a time. Where a lead waits that was
    there from the start (a pipe was written to before there was a reader), the clock leaps over it.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.now = now
        self.origin = now()
        self._levels: tuple[float, float] | None = None
        self._since = self.origin
        self._leapt: float | None = None

    def start(self) -> None:
        self.origin = self._since = self.now()

    def due(self, seconds: float) -> float:
        """The instant at which ``seconds`` of sound have passed."""
        return self.origin + seconds

    def late(self, seconds: float) -> float:
        """How long ago that was; negative if it is to come."""
        return self.now() - self.due(seconds)

    @property
    def catching_up(self) -> bool:
        """Whether frames are late because the clock has just leapt."""
        return self._leapt is not None and self.now() - self._leapt < CATCH_UP_S

    def observe(self, level: float, wanted: float) -> None:
        """``level`` seconds wait where ``wanted`` are right."""
        least, most = self._levels or (level, level)
        least, most = min(level, least), max(level, most)
        self._levels = (least, most)
        if self.now() - self._since < WINDOW_S:
            return
        if least > wanted + BEHIND_S and most - least < STEADY_S:
            self.origin -= least - wanted
            self._leapt = self.now()
        else:
            self.origin += max(-MOST_S, min(MOST_S, GAIN * (wanted - least)))
        self.forget()

    def forget(self) -> None:
        """Observe anew from now on."""
        self._since, self._levels = self.now(), None
