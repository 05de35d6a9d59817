"""Landmarks of a clip to an animation: pose, neutral face, eyes, then the controls that explain the rest."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError, VideoError
from facegen.core.units import as_fps
from facegen.rig import ARKIT
from facegen.tracking.control_solver import Solver, eye_span, lip_rows
from facegen.tracking.eyelids_gaze import EYES, LANDMARKS, eye_controls, openings
from facegen.tracking.head_pose import Poses, camera_axes, find_poses
from facegen.tracking.mediapipe_landmarks import POINTS
from facegen.tracking.neutral_pose import closed_level, resting_frames
from facegen.tracking.rig_landmarks import RigLandmarks, load_rig_landmarks

BRIDGE_S = 0.4
"""Gaps without a face longer than this, seconds, go through the rest pose; shorter ones are interpolated."""
EASE_S = 0.2
"""Seconds in which controls ease to rest and back."""
DOUBTFUL = 0.08
"""A frame whose points stay further than this from the solved head, over the distance of the outer eye corners
(and further than DOUBT_TIMES the median), is taken for a covered face and bridged."""
DOUBT_TIMES = 4.0
MOUTH_GAIN = (0.6, 1.4)
"""Limits of the width of the rig's mouth over the person's, by which lip motion is scaled."""
DECIMALS = 5
"""Results are rounded to these, so that the summation order of a linear algebra library does not show."""


def solve_landmarks(
    landmarks: np.ndarray,
    fps: str | int | float | Fraction = 25,
    face: RigLandmarks | None = None,
    progress: Callable[[float], None] | None = None,
) -> Animation:
    """Solve the landmarks of one person for controls and head poses.

    The person's shape and neutral face are found in the clip. Deterministic.

    Parameters
    ----------
    landmarks : (T, 478, 3) array
        MediaPipe's face mesh with irises, pixels (x right, y down, z away); a row of NaN where there is no face.
    fps : str, int, float or Fraction
    face : RigLandmarks or None
        The landmarks on the rig whose shapes are fitted; those of ``aria`` by default.
    progress : callable or None
        Not called: the whole clip is solved in one step.

    Returns
    -------
    Animation
        The 52 ARKit controls in 0..1; ``head`` rotation as seen from the camera, radians, and shift from the median
        place, cm. ``meta["tracking"]`` has ``lost`` and ``doubtful`` spans in seconds and ``reprojection``, the median
        and 95th percentile of the error over the distance of the outer eye corners.

    Raises
    ------
    UsageError
        For another shape.
    VideoError
        Where no row holds a face.
    """
    rate, face = as_fps(fps), face or load_rig_landmarks()
    points = np.asarray(landmarks, np.float32)
    if points.ndim != 3 or points.shape[1:] != (POINTS, 3):
        raise UsageError(f"landmarks have shape {points.shape}, expected [T, {POINTS}, 3]")
    good = np.isfinite(points).all(axis=(1, 2))
    if not good.any():
        raise VideoError(
            "no frame shows a face", remedy="give a video in which a face is seen from the front"
        )
    filled = camera_axes(bridged(points, good))
    values, poses, error = _solve(filled, face, float(rate))
    limit = max(DOUBTFUL, DOUBT_TIMES * float(np.median(error[good])))
    doubtful = good & (error > limit)
    sure = good & ~doubtful
    head = poses.head
    if doubtful.any() and sure.any():
        values, head = bridged(values, sure), bridged(head, sure)
    values = rested(values, sure, float(rate))
    meta = _report(good, doubtful, error, float(rate))
    values, head = np.clip(values, 0, 1).round(DECIMALS), head.round(DECIMALS)
    return Animation(rate, ARKIT, values, head, {"tracking": meta})


def _solve(points: np.ndarray, face: RigLandmarks, fps: float) -> tuple[np.ndarray, Poses, np.ndarray]:
    """ARKit values [T, 52], poses, and each frame's error [T] over the distance of the outer eye corners."""
    poses = find_poses(points[:, face.landmarks], face, fps)
    span = float(np.median(eye_span(face, poses.still)))
    unit = float(eye_span(face, face.rest)) / span
    still = poses.still * unit  # so that eyes lie as far apart as the rig's, and lips move as far
    placed = dict(zip(LANDMARKS, np.moveaxis(poses.unposed(points[:, LANDMARKS]) * unit, 1, 0), strict=True))
    eyes = eye_controls(placed, face.rig, span * unit, fps)
    solver = Solver.of(face)
    rows = lip_rows(still + poses.bias * unit, face)
    width, gap = rows[:, -1] / (span * unit), rows[:, 0] / (span * unit)
    lids = np.mean([openings(placed, eye) for eye in EYES], axis=0)
    rest = resting_frames(gap, width, lids, fps)
    neutral = np.median(still[rest], axis=0)
    names = face.rig.control_names
    column = {name: row for row, name in enumerate(names)}
    known = np.array([n for n in eyes if n in column])
    curves = np.stack([eyes[n] for n in known], axis=1)
    shapes = face.deltas[[column[n] for n in known]]
    at_rest = np.median(curves[rest], axis=0)
    moved = still - neutral - np.tensordot(curves - at_rest, shapes, axes=1)
    lips, opened = _lip_goal(rows, rest, gap, span * unit, face)
    moved = moved + _opened_neutral(solver, opened, fps)
    broad = _mouth_gain(neutral, face)
    lips[:, -1] *= broad
    moved[:, face.regions == "lips", 0] *= broad
    found = solver.solve(moved, lips, fps)
    left = moved - np.tensordot(found, face.deltas[solver.columns], axes=1)
    error = np.sqrt((face.weight[:, None] * left[..., :2] ** 2).sum(axis=(1, 2)) / face.weight.sum())
    values = np.zeros((len(points), len(ARKIT)))
    for name, curve in [*zip(solver.names, found.T, strict=True), *eyes.items()]:
        if name in ARKIT:
            values[:, ARKIT.index(name)] = curve
    return values, poses, error / (span * unit)


def _mouth_gain(neutral: np.ndarray, face: RigLandmarks) -> float:
    """How broad the rig's mouth is beside the person's: mouths widen and round by the same share of their width."""
    rig, own = (float(lip_rows(places, face)[-1]) for places in (face.rest, neutral))
    return float(np.clip(rig / max(own, 1e-6), *MOUTH_GAIN))


def _lip_goal(
    rows: np.ndarray, rest: np.ndarray, gap: np.ndarray, span: float, face: RigLandmarks
) -> tuple[np.ndarray, np.ndarray]:
    """How gaps and width [T, L] of the mouth should change from the rig's rest, and how far [L] the neutral's lips
    already part beyond contact."""
    neutral = np.median(rows[rest], axis=0)
    contact = neutral.copy()
    opened = max(0.0, float(neutral[0]) - closed_level(gap) * span)
    parted = np.zeros_like(neutral)
    if neutral[0] > 0:
        parted[:-1] = opened * np.clip(neutral[:-1] / neutral[0], 0, 1.5)
    contact -= parted
    return rows - contact, parted


def _opened_neutral(solver: Solver, parted: np.ndarray, fps: float) -> np.ndarray:
    """The displacement [N, 3] that parts the lips as far as a neutral face with open lips does."""
    if parted[0] < 0.05:
        return np.zeros_like(solver.face.rest)
    none = np.zeros((1, *solver.face.rest.shape))
    light = solver.solve(none, parted[None], fps)
    return np.tensordot(light[0], solver.face.deltas[solver.columns], axes=1)


def bridged(rows: np.ndarray, good: np.ndarray) -> np.ndarray:
    """``rows`` [T, …] with those that are not ``good`` [T] interpolated between their neighbours, held at the ends."""
    if good.all():
        return rows
    places, kept = np.arange(len(rows)), np.flatnonzero(good)
    after = np.searchsorted(kept, places).clip(0, len(kept) - 1)
    before = np.searchsorted(kept, places, side="right").clip(1, len(kept)) - 1
    a, b = kept[before], kept[after]
    share = np.where(b > a, (places - a) / np.maximum(b - a, 1), 0.0).clip(0, 1)
    share = share.reshape(-1, *[1] * (rows.ndim - 1)).astype(rows.dtype)
    return rows[a] * (1 - share) + rows[b] * share


def rested(values: np.ndarray, sure: np.ndarray, fps: float) -> np.ndarray:
    """``values`` [T, C] eased to rest within spans longer than BRIDGE_S that are not ``sure``."""
    level = np.ones(len(values))
    for first, last in spans(~sure):
        if (last - first) / fps > BRIDGE_S:
            inside = np.arange(first, last)
            since = np.full(len(inside), np.inf) if first == 0 else inside - first + 1
            until = np.full(len(inside), np.inf) if last == len(sure) else last - inside
            level[first:last] = np.clip(1 - np.minimum(since, until) / fps / EASE_S, 0, 1)
    return values * level[:, None]


def spans(flags: np.ndarray) -> list[tuple[int, int]]:
    """Runs of true ``flags`` [T] as (first, one past the last)."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0])).reshape(-1, 2)
    return [(int(a), int(b)) for a, b in edges]


def _report(good: np.ndarray, doubtful: np.ndarray, error: np.ndarray, fps: float) -> dict[str, Any]:
    def seconds(flags: np.ndarray) -> list[list[float]]:
        return [[round(a / fps, 4), round(b / fps, 4)] for a, b in spans(flags)]

    middle, high = np.percentile(error[good], (50, 95))
    return {
        "lost": seconds(~good),
        "doubtful": seconds(doubtful),
        "reprojection": [round(float(middle), 5), round(float(high), 5)],
    }


def empty_track(count: int, fps: Fraction) -> Animation:
    """``count`` frames in which no face is seen: at rest, and flagged."""
    lost = [[0.0, round(float(count / fps), 4)]]
    meta = {"lost": lost, "doubtful": [], "reprojection": [0.0, 0.0]}
    values, head = np.zeros((count, len(ARKIT))), np.zeros((count, 6))
    return Animation(fps, ARKIT, values, head, {"tracking": meta})


def joined(one: Animation, other: Animation, first: int) -> Animation:
    """``one`` passing into ``other``, which begins at frame ``first`` of it."""
    shared = min(len(one) - first, len(other))
    share = ((np.arange(shared) + 0.5) / shared)[:, None]
    heads = [np.array(take.head) for take in (one, other)]
    heads[1][:, 3:] += (heads[0][first : first + shared, 3:] - heads[1][:shared, 3:]).mean(axis=0)

    def pass_over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.concatenate(
            [a[:first], a[first : first + shared] * (1 - share) + b[:shared] * share, b[shared:]]
        )

    start = float(first / one.fps)
    meta_one, meta_other = one.meta["tracking"], other.meta["tracking"]
    meta: dict[str, Any] = {
        kind: _merged(
            [*meta_one[kind], *([round(a + start, 4), round(b + start, 4)] for a, b in meta_other[kind])]
        )
        for kind in ("lost", "doubtful")
    }
    weights = (len(one), len(other))
    meta["reprojection"] = (
        np.average([meta_one["reprojection"], meta_other["reprojection"]], 0, weights).round(5).tolist()
    )
    values = pass_over(one.values, other.values)
    return Animation(one.fps, one.controls, values, pass_over(*heads), {"tracking": meta})


def _merged(found: list[list[float]]) -> list[list[float]]:
    """Spans in order, those that touch made one."""
    result: list[list[float]] = []
    for start, end in sorted(found):
        if result and start <= result[-1][1]:
            result[-1][1] = max(end, result[-1][1])
        else:
            result.append([start, end])
    return result
