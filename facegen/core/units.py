"""Base rates and measures and all that follows from them; the only place that rounds a time to a frame."""

from __future__ import annotations

import math
from fractions import Fraction

from facegen.core.errors import UsageError


def exact_div(a: int, b: int) -> int:
    """``a / b`` where it leaves no remainder; ValueError where it does."""
    if a % b:
        raise ValueError(f"{a} is not a multiple of {b}")
    return a // b


SAMPLE_RATE_HZ = 16_000
FEATURE_STEP_SAMPLES = 160
FEATURE_HZ = exact_div(SAMPLE_RATE_HZ, FEATURE_STEP_SAMPLES)
WINDOW_SAMPLES = 400
METRES_PER_CM = 0.01
EYE_DEGREES_SIDE, EYE_DEGREES_UP = 30.0, 25.0
"""Rotation of an eye that eyeLookOut and eyeLookIn, and eyeLookUp and eyeLookDown, at 1 stand for."""
MAX_FPS = 1000

# Rates that people write as decimals, and the NTSC fractions they mean.
_NTSC = {
    "23.976": Fraction(24000, 1001),
    "23.98": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
    "47.952": Fraction(48000, 1001),
    "59.94": Fraction(60000, 1001),
    "119.88": Fraction(120000, 1001),
}


def as_fps(rate: str | int | float | Fraction) -> Fraction:
    """A frame rate as an exact fraction.

    Parameters
    ----------
    rate : str, int, float or Fraction
        Frames a second: ``30``, ``29.97`` (30000/1001, as all NTSC rates that people write as decimals), ``"24000/1001"``.

    Raises
    ------
    UsageError
        For what is no number, not positive or above ``MAX_FPS``.
    """
    try:
        text = str(rate).strip()
        value = _NTSC[text] if text in _NTSC else Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if not 0 < value <= MAX_FPS:
        raise UsageError(
            f"the frame rate {rate!r} is not a number of frames a second in 0..{MAX_FPS}",
            remedy="use for example 30, 60, 24, 25 or 29.97",
        )
    return value.limit_denominator(1_000_000)


def frames_for_samples(samples: int, rate: int, fps: Fraction) -> int:
    """How many frames cover ``samples`` at ``rate`` Hz: ceil(duration · fps), exactly."""
    return math.ceil(Fraction(samples, rate) * fps)


def frame_count(seconds: float | Fraction, fps: Fraction) -> int:
    """How many frames cover a duration: its ceiling in frames.

    Parameters
    ----------
    seconds : float or Fraction
        A Fraction is taken exactly; the noise of a float below a microsecond makes no frame.
    fps : Fraction
        Frames a second.
    """
    if isinstance(seconds, Fraction):
        return math.ceil(seconds * fps)
    return max(0, math.ceil(Fraction(seconds) * fps - Fraction(1, 1_000_000)))


def frame_at(seconds: float, fps: Fraction) -> int:
    """The index of the frame that holds the instant ``seconds``; frame i is [i/fps, (i+1)/fps)."""
    return math.floor(Fraction(seconds) * fps + Fraction(1, 1_000_000))
