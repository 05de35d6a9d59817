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
"""A picture stands for no longer than this; after that the face counts as lost."""
PART_S, OVERLAP_S = 240.0, 10.0
"""Longer videos are solved in parts, each with its own face at rest, that pass into one another."""


def track(
    video: str | PathLike,
    *,
    rig: str | PathLike = "aria",
    model: str | PathLike | None = None,
    choice: FaceSelector | None = None,
    progress: Progress | None = None,
) -> Animation:
    """The controls and head poses of one face in ``video``, at its own frame rate (see ``solve_landmarks``).

    ``rig`` is the head whose shapes are fitted; ``model`` a FaceLandmarker file for a mediapipe that brings no models;
    ``choice`` which of several faces; ``progress`` is called with a step, the seconds done and those in all. However
    long the video, the memory stays bounded. Raises VideoError for a file without a face or without pictures,
    MissingExtraError without mediapipe.
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
    """Landmarks [T, 478, 3] float32 in pixels of one face in ``video`` at a constant rate, NaN where it is lost, and
    that rate. Raises as ``track``."""
    _, rows, fps = next(_parts(video, model, choice, progress, float("inf")))
    return rows, fps


def _parts(
    video: str | PathLike,
    model: str | PathLike | None,
    choice: FaceSelector | None,
    progress: Progress | None,
    length: float,
) -> Iterator[tuple[int, np.ndarray, Fraction]]:
    """First frame, landmarks and rate of parts of ``length`` s, each OVERLAP_S into the next."""
    film = Video(video)
    rows: list[np.ndarray] = []
    times: list[float] = []
    first, fps = 0, None

    def seen(seconds: float) -> None:
        if progress is not None:
            progress("track", seconds, film.seconds)

    with closing(face_finder(model)) as finder:
        for time, row in follow(film, finder, choice or FaceSelector(), seen):
            rows.append(row)
            times.append(time)
            if time - times[0] > length + 2 * OVERLAP_S:
                fps = fps or film.timing()[0]
                step, count = round(length * fps), round((length + OVERLAP_S) * fps)
                yield first, resample_to_fps(np.stack(rows), np.array(times), fps, count, first), fps
                first += step
                kept = max(0, int(np.searchsorted(times, float(first / fps))) - 1)
                del rows[:kept], times[:kept]
    rate, total = film.timing()
    fps = fps or rate
    end = max(first + 1, math.ceil(total * fps / rate))
    yield first, resample_to_fps(np.stack(rows), np.array(times), fps, end - first, first), fps


def resample_to_fps(
    rows: np.ndarray, times: np.ndarray, fps: Fraction, count: int, first: int = 0
) -> np.ndarray:
    """``rows`` [N, …] at ``times`` [N] s, interpolated at the starts of ``count`` frames of ``fps`` from frame
    ``first`` on; NaN where the picture before or after holds no face, or is further than HELD_S away."""
    step = float(1 / fps)
    wanted = (first + np.arange(count)) * step
    after = np.searchsorted(times, wanted - step / 100).clip(0, len(times) - 1)
    before = np.where(times[after] > wanted + step / 100, np.maximum(after - 1, 0), after)
    a, b = times[before], times[after]
    share = np.where(b > a, (wanted - a) / np.maximum(b - a, 1e-9), 0.0).clip(0, 1).astype(np.float32)
    share = share.reshape(-1, *[1] * (rows.ndim - 1))
    found = np.where(share > 0, rows[before] * (1 - share) + rows[after] * share, rows[before])
    away = np.minimum(np.abs(wanted - a), np.abs(wanted - b))
    found[away > max(HELD_S, step)] = np.nan
    return found
