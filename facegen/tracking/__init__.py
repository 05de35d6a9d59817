"""Faces tracked in video: landmarks, head pose and the controls that explain them.

``track`` takes a video, ``solve_landmarks`` the landmarks of one that is tracked already.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from os import PathLike

import numpy as np

from facegen.core.animation import Animation
from facegen.core.progress import Progress
from facegen.tracking.face_selection import FaceSelector, follow
from facegen.tracking.landmarks_to_curves import empty_track, joined, solve_landmarks
from facegen.tracking.mediapipe_landmarks import face_finder
from facegen.tracking.rig_landmarks import load_rig_landmarks
from facegen.tracking.video_frames import IMAGE_FPS, Video

__all__ = ["FaceSelector", "solve_landmarks", "track", "track_landmarks"]

HELD_S = 0.25
"""A video frame stands for no longer than this, seconds; after that the face counts as lost."""
PART_S, OVERLAP_S = 240.0, 10.0
"""Seconds: longer videos are solved in parts, each with its own neutral face, that are cross-faded; bounds the memory."""


def track(
    video: str | PathLike,
    *,
    rig: str | PathLike = "aria",
    model: str | PathLike | None = None,
    choice: FaceSelector | None = None,
    progress: Progress | None = None,
) -> Animation:
    """Track one face in a video: the controls and head poses that show it, at the video's own frame rate.

    However long the video, the memory stays bounded.

    Parameters
    ----------
    video : str or PathLike
        A video, or a still image.
    rig : str or PathLike
        The head whose shapes are fitted (``facegen.rig.load_rig``).
    model : str, PathLike or None
        A FaceLandmarker file, for a mediapipe that comes without models.
    choice : FaceSelector or None
        Which of several faces; by default the largest.
    progress : callable or None
        Called with a step, the seconds done and those in all (None where unknown).

    Returns
    -------
    Animation
        As of ``solve_landmarks``.

    Raises
    ------
    VideoError
        For a file without pictures, or in which no face is found.
    MissingExtraError
        Without mediapipe.
    """
    face = load_rig_landmarks(rig)
    solved: Animation | None = None
    for first, rows, fps in _parts(video, model, choice, progress, PART_S):
        part = solve_landmarks(rows, fps, face) if np.isfinite(rows).any() else empty_track(len(rows), fps)
        solved = part if solved is None else joined(solved, part, first)
    return solved or empty_track(0, IMAGE_FPS)


def track_landmarks(
    video: str | PathLike,
    *,
    model: str | PathLike | None = None,
    choice: FaceSelector | None = None,
    progress: Progress | None = None,
) -> tuple[np.ndarray, Fraction]:
    """Find the landmarks of one face in a video, without solving them.

    Parameters
    ----------
    video, model, choice, progress
        As for ``track``.

    Returns
    -------
    landmarks : (T, 478, 3) float32 array
        Pixels of the upright video at a constant rate; NaN where the face is lost.
    fps : Fraction
        That rate.

    Raises
    ------
    VideoError, MissingExtraError
        As ``track``.
    """
    _, rows, fps = next(_parts(video, model, choice, progress, float("inf")))
    return rows, fps


def _parts(
    video: str | PathLike,
    model: str | PathLike | None,
    choice: FaceSelector | None,
    progress: Progress | None,
    length: float,
) -> Iterator[tuple[int, np.ndarray, Fraction]]:
    """First frame, landmarks (T, 478, 3) and rate of parts of ``length`` seconds, each OVERLAP_S into the next."""
    source = Video(video)
    rows: list[np.ndarray] = []
    times: list[float] = []
    first, fps = 0, None

    def report(seconds: float) -> None:
        if progress is not None:
            progress("track", seconds, source.seconds)

    with closing(face_finder(model)) as finder:
        for time, row in follow(source, finder, choice or FaceSelector(), report):
            rows.append(row)
            times.append(time)
            if time - times[0] > length + 2 * OVERLAP_S:
                fps = fps or source.timing()[0]
                step, count = round(length * fps), round((length + OVERLAP_S) * fps)
                yield first, resample_to_fps(np.stack(rows), np.array(times), fps, count, first), fps
                first += step
                kept = max(0, int(np.searchsorted(times, float(first / fps))) - 1)
                del rows[:kept], times[:kept]
    rate, total = source.timing()
    fps = fps or rate
    end = max(first + 1, math.ceil(total * fps / rate))
    yield first, resample_to_fps(np.stack(rows), np.array(times), fps, end - first, first), fps


def resample_to_fps(
    rows: np.ndarray, times: np.ndarray, fps: Fraction, count: int, first: int = 0
) -> np.ndarray:
    """Interpolate rows at uneven times to a constant frame rate.

    Parameters
    ----------
    rows : (N, ...) float32 array
        NaN where no face is seen.
    times : (N,) array
        Seconds, rising.
    fps : Fraction
    count, first : int
        Number of frames, and the number of the first of them.

    Returns
    -------
    (count, ...) float32 array
        Values at the start of each frame; NaN where the row before or after is, or is further than HELD_S away.
    """
    step = float(1 / fps)
    starts = (first + np.arange(count)) * step
    after = np.searchsorted(times, starts - step / 100).clip(0, len(times) - 1)
    before = np.where(times[after] > starts + step / 100, np.maximum(after - 1, 0), after)
    a, b = times[before], times[after]
    share = np.where(b > a, (starts - a) / np.maximum(b - a, 1e-9), 0.0).clip(0, 1).astype(np.float32)
    share = share.reshape(-1, *[1] * (rows.ndim - 1))
    resampled = np.where(share > 0, rows[before] * (1 - share) + rows[after] * share, rows[before])
    away = np.minimum(np.abs(starts - a), np.abs(starts - b))
    resampled[away > max(HELD_S, step)] = np.nan
    return resampled
