"""Timecodes of Live Link Face: written for a frame, and the frame rate found in a list of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from facegen.core.units import MAX_FPS

BASE = 60
"""Timecodes count this many frames a second at every frame rate."""
DAY = 24 * 3600 * BASE * 1000
RATES = tuple(
    Fraction(rate)
    for rate in (
        "10", "12", "25/2", "15", "20", "24000/1001", "24", "25", "30000/1001", "30", "48000/1001", "48", "50",
        "60000/1001", "60", "72", "75", "90", "96", "100", "120000/1001", "120", "144", "200", "240",
    )
)  # fmt: skip
"""Frame rates that cameras and programs use."""
_NEAR = 0.001
_CODE = re.compile(r"(\d{1,3}):(\d{1,2}):(\d{1,2}):(\d{1,4})(?:\.(\d{1,9}))?$")


def timecode(frame: int, fps: Fraction) -> str:
    """``HH:MM:SS:FF.sss`` of a frame that starts at frame/fps seconds: FF counts sixtieths of a second,
    ``sss`` thousandths of those."""
    place = (2 * frame * BASE * 1000 * fps.denominator + fps.numerator) // (2 * fps.numerator) % DAY
    whole, thousandths = divmod(place, 1000)
    seconds, sixtieths = divmod(whole, BASE)
    return (
        f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{sixtieths:02d}.{thousandths:03d}"
    )


def parse_timecode(text: str) -> tuple[int, int, int] | None:
    """Whole seconds, frame and thousandths of a timecode, or None where ``text`` is none."""
    match = _CODE.match(text.strip())
    if match is None:
        return None
    hours, minutes, seconds, frame = (int(g) for g in match.groups()[:4])
    part = round(int(match[5]) * 10 ** (3 - len(match[5]))) if match[5] else 0
    return hours * 3600 + minutes * 60 + seconds, frame, part


def frame_rate(codes: Sequence[tuple[int, int, int]]) -> Fraction:
    """The rate of rows at ``codes`` (seconds, frame, thousandths); 60 where there is one row only.

    A usual rate that explains every row wins, then the simplest that does; where none does, as in recordings
    whose clock jitters, the usual rate within 0.1 % of the mean, else the mean itself. Gaps (dropped rows)
    leave the median step in charge.
    """
    if len(codes) < 2:
        return Fraction(BASE)
    places, slack = _places(np.array(codes, np.int64))
    steps = np.diff(places)
    steps = np.where(steps < -DAY // 2, steps + DAY, steps)
    middle = float(np.median(steps))
    if middle <= 0:
        return Fraction(BASE)
    mean = float(steps.sum() / len(steps))
    if not 0.5 * middle < mean < 1.5 * middle or steps.max() > 1.8 * middle or steps.min() < 0.2 * middle:
        return _nearest(BASE * 1000 / middle)
    rows = np.arange(1, len(places), dtype=np.float64) * BASE * 1000
    passed = np.cumsum(steps)
    high = float((rows / np.maximum(passed - slack, 1)).min())
    low = float((rows / (passed + slack)).max())
    if low <= high:
        close = BASE * 1000 / mean
        usual = [r for r in RATES if low <= r <= high]
        if usual:
            return min(usual, key=lambda r: abs(float(r) - close))
        return _simplest(Fraction(low), Fraction(high))
    return _nearest(BASE * 1000 / mean)


def _places(codes: np.ndarray) -> tuple[np.ndarray, int]:
    """Times of the rows in thousandths of a sixtieth of a second, and how far rounding may have moved one.

    Some writers put the milliseconds of the second where the thousandths of a frame belong; theirs agree with
    the frame number in every row.
    """
    seconds, frames, parts = codes.T
    milliseconds = frames.max() >= 2 and bool((np.abs(parts - frames * 1000 / BASE) <= 18).all())
    if milliseconds:
        return seconds * BASE * 1000 + parts * BASE, BASE + 1
    return (seconds * BASE + frames) * 1000 + parts, 1


def _nearest(rate: float) -> Fraction:
    best = min(RATES, key=lambda r: abs(float(r) - rate))
    if abs(float(best) - rate) <= _NEAR * rate:
        return best
    return min(Fraction(rate).limit_denominator(1001), Fraction(MAX_FPS))


def _simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of smallest denominator in low..high (Stern-Brocot)."""
    whole = -(-low.numerator // low.denominator)
    if whole <= high:
        return Fraction(whole)
    floor = low.numerator // low.denominator
    return floor + 1 / _simplest(1 / (high - floor), 1 / (low - floor))
