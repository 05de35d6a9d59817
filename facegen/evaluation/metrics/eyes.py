"""Eyes: blinks and gaze, as counts and sizes that can be held against people's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks, peak_widths

from facegen.core.animation import Animation
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.evaluation.metrics.inputs import Metric, MetricInputs, NotApplicable, chosen

LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
BLINK_LEAST, BLINK_LONGEST_S, BLINK_AROUND_S = 0.25, 0.5, 2.0
SHIFT_SPEED, SHIFT_LEAST = 30.0, 1.0  # degrees a second, degrees


@dataclass(frozen=True)
class Blink:
    """``at`` s of the lids' lowest point; ``start`` and ``end`` s where they pass half of ``size`` (0..1)."""

    at: float
    start: float
    end: float
    size: float

    @property
    def length(self) -> float:
        return self.end - self.start


def blinks(animation: Animation) -> tuple[Blink, ...]:
    """Blinks of the mean lid: peaks that stand out by BLINK_LEAST and pass half their height within BLINK_LONGEST_S.

    Slower closures (lids that follow a lowered gaze, eyes held shut) are none. NotApplicable without lids.
    """
    lids = chosen(animation, LIDS, "lids").mean(axis=1)
    fps = float(animation.fps)
    if len(lids) < 3:
        return ()
    around = 2 * round(BLINK_AROUND_S * fps / 2) + 1
    longest = BLINK_LONGEST_S * fps
    peaks, facts = find_peaks(lids, plateau_size=(None, longest), prominence=BLINK_LEAST, wlen=max(3, around))
    sizes = facts["prominences"]
    widths, _, starts, ends = peak_widths(
        lids, peaks, 0.5, (sizes, facts["left_bases"], facts["right_bases"])
    )
    rows = zip(peaks, starts, ends, sizes, widths, strict=True)
    return tuple(
        Blink((at + 0.5) / fps, (start + 0.5) / fps, (end + 0.5) / fps, float(size))
        for at, start, end, size, width in rows
        if width <= longest
    )


@dataclass(frozen=True)
class GazeShift:
    """One saccade: ``start`` and ``end`` s, its size in ``degrees``."""

    start: float
    end: float
    degrees: float


def gaze(animation: Animation) -> np.ndarray:
    """Mean direction of the eyes in the head to the character's left and up, [T, 2] degrees. NotApplicable without any."""
    chosen(animation, [f"eyeLook{way}{side}" for way in WAYS for side in SIDES], "gaze")
    at = {way: {side: _curve(animation, f"eyeLook{way}{side}") for side in SIDES} for way in WAYS}
    left = (at["Out"]["Left"] - at["In"]["Left"] + at["In"]["Right"] - at["Out"]["Right"]) / 2
    up = sum(at["Up"][side] - at["Down"][side] for side in SIDES) / 2
    return np.stack([EYE_DEGREES_SIDE * left, EYE_DEGREES_UP * up], axis=1)


WAYS, SIDES = ("Out", "In", "Up", "Down"), ("Left", "Right")


def _curve(animation: Animation, name: str) -> np.ndarray:
    return animation.select((name,)).values[:, 0].astype(np.float64)


def gaze_shifts(animation: Animation) -> tuple[GazeShift, ...]:
    """Saccades by velocity threshold: runs of frames faster than SHIFT_SPEED that move the gaze by SHIFT_LEAST degrees.

    Runs within a blink are left out, since tracked eyes dip with the lids. Salvucci & Goldberg 2000 (I-VT).
    """
    place, fps = gaze(animation), float(animation.fps)
    if len(place) < 2:
        return ()
    fast = np.r_[False, np.linalg.norm(np.diff(place, axis=0), axis=1) * fps > SHIFT_SPEED, False]
    edges = np.flatnonzero(np.diff(fast.astype(np.int8)))
    try:
        shut = blinks(animation)
    except NotApplicable:
        shut = ()
    found = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        start, end = (a + 0.5) / fps, (b + 0.5) / fps
        size = float(np.linalg.norm(place[b] - place[a]))
        if size >= SHIFT_LEAST and not any(k.start - 0.05 < end and start < k.end + 0.05 for k in shut):
            found.append(GazeShift(start, end, size))
    return tuple(found)


def dwells(shifts: tuple[GazeShift, ...]) -> np.ndarray:
    """Seconds from the end of each shift to the start of the next, [N - 1]."""
    return np.array([b.start - a.end for a, b in zip(shifts, shifts[1:], strict=False)])


def _median(values: list[float] | np.ndarray, what: str) -> float:
    if not len(values):
        raise NotApplicable(f"there is no {what}")
    return float(np.median(values))


def _spread(places: np.ndarray) -> float:
    if not len(places):
        raise NotApplicable("there is no frame")
    return float(np.linalg.norm(places.std(axis=0)))


def _a_minute(count: int, animation: Animation) -> float:
    if not len(animation):
        raise NotApplicable("there is no frame")
    return 60.0 * count / animation.seconds


def _shifts(inputs: MetricInputs) -> tuple[GazeShift, ...]:
    return gaze_shifts(inputs.pred)


ROWS = (
    Metric(
        "blinks_a_minute",
        "eyes",
        "1/min",
        "range",
        (),
        "peaks of the mean lid of prominence 0.25, half of it passed within 0.5 s",
        "60 blinks / s",
        lambda e: _a_minute(len(blinks(e.pred)), e.pred),
    ),
    Metric(
        "blink_length",
        "eyes",
        "s",
        "range",
        (),
        "width of the lid's peak at half height",
        "median over blinks",
        lambda e: _median([b.length for b in blinks(e.pred)], "blink"),
    ),
    Metric(
        "blink_size",
        "eyes",
        "1",
        "range",
        (),
        "prominence of the lid's peak",
        "median over blinks",
        lambda e: _median([b.size for b in blinks(e.pred)], "blink"),
    ),
    Metric(
        "gaze_shifts_a_minute",
        "eyes",
        "1/min",
        "range",
        (),
        "Salvucci & Goldberg 2000 (velocity threshold, 30 degrees/s)",
        "60 shifts of at least 1 degree / s",
        lambda e: _a_minute(len(_shifts(e)), e.pred),
    ),
    Metric(
        "gaze_shift_size",
        "eyes",
        "degrees",
        "range",
        (),
        "Salvucci & Goldberg 2000",
        "median over shifts of the angle between start and end",
        lambda e: _median([s.degrees for s in _shifts(e)], "gaze shift"),
    ),
    Metric(
        "gaze_dwell",
        "eyes",
        "s",
        "range",
        (),
        "Salvucci & Goldberg 2000",
        "median time from the end of a shift to the start of the next",
        lambda e: _median(dwells(_shifts(e)), "pair of gaze shifts"),
    ),
    Metric(
        "gaze_spread",
        "eyes",
        "degrees",
        "range",
        (),
        "standard deviation",
        "sqrt of the sum of the variances of the horizontal and vertical angle",
        lambda e: _spread(gaze(e.pred)),
    ),
)
