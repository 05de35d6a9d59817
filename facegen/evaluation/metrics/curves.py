"""Curves against curves, and how fast and how smoothly they move: numbers only, nothing of faces."""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfiltfilt

from facegen.evaluation.metrics.inputs import NotApplicable

JITTER_HZ = 8.0  # speech gestures lie below it
FINE = 8  # parts of a frame in which a lag is sought
CONSTANT = 1e-9
DTW_BAND_S = 0.25


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r of [T] and [T]; 0 where one of them is constant."""
    a, b = (np.asarray(x, np.float64) - np.mean(x, dtype=np.float64) for x in (a, b))
    sizes = [float(np.abs(x).max(initial=0.0)) for x in (a, b)]
    if not min(sizes) > CONSTANT:
        return 0.0
    a, b = a / sizes[0], b / sizes[1]
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; NotApplicable for fewer than three frames and for a constant curve."""
    if len(a) < 3:
        raise NotApplicable("fewer than three frames")
    if min(np.ptp(a), np.ptp(b)) < 1e-6:
        raise NotApplicable("a curve is constant")
    return correlation(a, b)


def best_shift(
    ours: np.ndarray, theirs: np.ndarray, fps: float, reach: float = 0.4, pull: float = 0.0
) -> tuple[float, float]:
    """The shift in ms at which the curves correlate best, positive where ours is late, and the correlation there.

    ``reach`` s either way, to an eighth of a frame, and at most half of the curve. ``pull`` is how much better than
    none a shift of ``reach`` must correlate (less by the square for less), against syllables taken for one another.
    """
    if len(ours) < 3:
        return 0.0, correlation(ours, theirs) if len(ours) else 0.0
    fine = np.arange(0, len(ours) - 1 + 1e-9, 1 / FINE)
    a, b = (np.interp(fine, np.arange(len(x)), x) for x in (ours, theirs))
    most = min(round(reach * fps * FINE), len(fine) // 2)
    steps = sorted(range(-most, most + 1), key=abs)
    scores = [
        correlation(a[max(0, k) : len(a) + min(0, k)], b[max(0, -k) : len(b) - max(0, k)]) for k in steps
    ]
    best = int(np.argmax(np.array(scores) - pull * (np.array(steps) / (reach * fps * FINE)) ** 2))
    return steps[best] / (FINE * fps) * 1000, scores[best]


def lag_ms(ours: np.ndarray, theirs: np.ndarray, fps: float = 25, reach: float = 0.4) -> float:
    """The shift at which the curves correlate best, in ms; positive where ours is late."""
    return best_shift(ours, theirs, fps, reach)[0]


def speeds(curves: np.ndarray, fps: float, order: int = 1) -> np.ndarray:
    """Euclidean length of the derivative of ``order`` of curves [T, C] between frames, [T - order] per s^order."""
    if len(curves) <= order:
        raise NotApplicable(f"fewer than {order + 1} frames")
    return np.linalg.norm(np.diff(curves, n=order, axis=0), axis=1) * fps**order


def above(curves: np.ndarray, fps: float, cut: float = JITTER_HZ) -> np.ndarray:
    """The part of curves [T, C] above ``cut`` Hz: Butterworth of the fourth order, forwards and backwards."""
    if fps <= 2.2 * cut:
        raise NotApplicable(f"{fps:g} frames a second hold nothing above {cut:g} Hz")
    if len(curves) < round(fps):
        raise NotApplicable("shorter than a second")
    sections = butter(4, cut, "highpass", fs=fps, output="sos")
    return sosfiltfilt(sections, curves, axis=0, padlen=min(len(curves) - 1, 3 * round(fps / cut * 2)))


def jitter(curves: np.ndarray, fps: float) -> float:
    """Root mean square over frames and controls of the part of curves [T, C] above JITTER_HZ."""
    return float(np.sqrt(np.mean(above(curves, fps) ** 2)))


def jitter_share(curves: np.ndarray, fps: float) -> float:
    """Part of the variance of curves [T, C] that lies above JITTER_HZ, per cent."""
    high = above(curves, fps)
    whole = float(np.sum(np.var(curves, axis=0)))
    if whole < 1e-10:
        raise NotApplicable("nothing moves")
    return 100 * min(1.0, float(np.sum(np.var(high, axis=0))) / whole)


def dtw(a: np.ndarray, b: np.ndarray, band: int) -> float:
    """Dynamic time warping distance of [N, C] and [M, C]: the least mean Euclidean distance along a warp.

    Sakoe & Chiba 1978, symmetric form: steps along the diagonal count twice, the sum is divided by N + M, and a
    frame is matched to frames at most ``band`` from its own place. Worked along anti-diagonals.
    """
    n, m = len(a), len(b)
    if not n or not m:
        raise NotApplicable("there is no frame to compare")
    band = max(band, abs(n - m))
    rows = np.full((3, n + 2), np.inf)  # sums at i + 1, of this anti-diagonal and the two before it
    for d in range(n + m - 1):
        low, high = max(0, d - m + 1, (d - band + 1) // 2), min(n - 1, d, (d + band) // 2)
        here, last, before = rows[d % 3], rows[(d - 1) % 3], rows[(d - 2) % 3]
        here[max(0, low - 2) : high + 4] = np.inf
        i = np.arange(low, high + 1)
        cost = np.linalg.norm(a[i] - b[d - i], axis=1)
        beside = np.minimum(last[i], last[i + 1]) + cost
        here[i + 1] = 2 * cost if d == 0 else np.minimum(beside, before[i] + 2 * cost)
    return float(rows[(n + m - 2) % 3][n] / (n + m))
