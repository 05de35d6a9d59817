"""Motion: speed, jerk and jitter of groups of controls, warped distance to a reference, variety over seeds."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from facegen.core.animation import Animation
from facegen.evaluation.metrics.curves import DTW_BAND_S, dtw, jitter, jitter_share, speeds
from facegen.evaluation.metrics.inputs import Metric, MetricInputs, NotApplicable, chosen, trimmed
from facegen.evaluation.metrics.lips import MOUTH
from facegen.rig import ARKIT

BROWS = tuple(n for n in ARKIT if n.startswith(("brow", "cheek", "nose", "eyeSquint", "eyeWide")))
PARTS = {"mouth": MOUTH, "brows": BROWS}


def mouth(animation: Animation) -> np.ndarray:
    """The curves of jaw and mouth, [T, n]."""
    return chosen(animation, MOUTH, "mouth")


def head_degrees(animation: Animation) -> np.ndarray:
    """Yaw, pitch and roll of the head, [T, 3] degrees. NotApplicable where it has no pose or never turns."""
    if animation.head is None:
        raise NotApplicable("the head has no pose")
    turns = np.degrees(animation.head[:, :3].astype(np.float64))
    if len(turns) and np.ptp(turns, axis=0).max() < 1e-4:
        raise NotApplicable("the head is still")
    return turns


def _speed(part: str, order: int, percent: float) -> Callable[[MetricInputs], float]:
    """The percentile over frames of how fast the controls of ``part`` change (order 1) or jerk (order 3)."""

    def run(inputs: MetricInputs) -> float:
        curves = head_degrees(inputs.pred) if part == "head" else chosen(inputs.pred, PARTS[part], part)
        return float(np.percentile(speeds(curves, float(inputs.fps), order), percent))

    return run


def mouth_jitter(inputs: MetricInputs) -> float:
    return jitter(mouth(inputs.pred), float(inputs.fps))


def mouth_jitter_share(inputs: MetricInputs) -> float:
    return jitter_share(mouth(inputs.pred), float(inputs.fps))


def head_jitter(inputs: MetricInputs) -> float:
    return jitter(head_degrees(inputs.pred), float(inputs.fps))


def mouth_warp(inputs: MetricInputs) -> float:
    ours, theirs = inputs.pair()
    names = tuple(n for n in MOUTH if n in ours.controls or n in theirs.controls)
    if not names:
        raise NotApplicable("neither has controls of the mouth")
    a, b = (x.select(names).values.astype(np.float64) for x in (ours, theirs))
    return dtw(a, b, round(DTW_BAND_S * float(inputs.fps)))


def head_range(inputs: MetricInputs) -> float:
    turns = head_degrees(inputs.pred)
    if not len(turns):
        raise NotApplicable("there is no frame")
    return float(np.linalg.norm(turns.std(axis=0)))


def diversity(inputs: MetricInputs) -> float:
    """Root mean square over the controls that either has, mean over all pairs of takes."""
    sizes = []
    for one, other in combinations((inputs.pred, *inputs.others), 2):
        a, b = trimmed(one, other)
        names = tuple(dict.fromkeys((*a.controls, *b.controls)))
        gap = a.select(names).values.astype(np.float64) - b.select(names).values
        sizes.append(float(np.sqrt(np.mean(gap**2))) if names else 0.0)
    return float(np.mean(sizes))


def head_diversity(inputs: MetricInputs) -> float:
    sizes = []
    for one, other in combinations((inputs.pred, *inputs.others), 2):
        a, b = (head_degrees(x) for x in trimmed(one, other))
        sizes.append(float(np.sqrt(np.mean(np.sum((a - b) ** 2, axis=1)))))
    return float(np.mean(sizes))


def _speed_row(part: str, order: int, percent: float) -> Metric:
    what, unit = {1: ("speed", "/s"), 3: ("jerk", "/s³")}[order]
    name = f"{part}_{what}_{'median' if percent == 50 else f'p{percent:g}'}"
    return Metric(
        name,
        "smoothness",
        ("degrees" if part == "head" else "1") + unit,
        "range",
        (),
        "Flash & Hogan 1985 (jerk)" if order == 3 else "first difference",
        f"{percent:g}th percentile over frames of |d^{order}x/dt^{order}|, x all {part} controls",
        _speed(part, order, percent),
    )


ROWS = (
    *(
        _speed_row(part, order, percent)
        for part in ("mouth", "brows", "head")
        for order, percent in ((1, 50.0), (1, 95.0), (3, 95.0))
    ),
    Metric(
        "mouth_jitter",
        "smoothness",
        "1",
        "low",
        (),
        "Butterworth high-pass, fourth order, zero phase",
        "RMS over frames and mouth controls of the part above 8 Hz",
        mouth_jitter,
    ),
    Metric(
        "mouth_jitter_share",
        "smoothness",
        "%",
        "low",
        (),
        "Butterworth high-pass, fourth order, zero phase",
        "variance of the mouth controls above 8 Hz over their variance",
        mouth_jitter_share,
    ),
    Metric(
        "head_jitter",
        "head",
        "degrees",
        "low",
        (),
        "Butterworth high-pass, fourth order, zero phase",
        "RMS over frames and axes of the head's turn above 8 Hz",
        head_jitter,
    ),
    Metric(
        "mouth_warp_distance",
        "lips",
        "1",
        "low",
        ("reference",),
        "Sakoe & Chiba 1978 (dynamic time warping, symmetric form)",
        "least of sum w|x_i - x'_j| / (N + M) along a warp within 250 ms, x the mouth controls",
        mouth_warp,
    ),
    Metric(
        "head_spread",
        "head",
        "degrees",
        "range",
        (),
        "standard deviation",
        "sqrt of the sum over yaw, pitch and roll of their variances",
        head_range,
    ),
    Metric(
        "diversity",
        "face",
        "1",
        "range",
        ("others",),
        "Stan et al. 2023 (FaceDiffuser), on controls",
        "mean over pairs of seeds of RMS over frames and controls |x - x'|",
        diversity,
    ),
    Metric(
        "head_diversity",
        "head",
        "degrees",
        "range",
        ("others",),
        "Stan et al. 2023 (FaceDiffuser), on head turns",
        "mean over pairs of seeds of RMS over frames of |turn - turn'|",
        head_diversity,
    ),
)
