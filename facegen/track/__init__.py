"""Faces tracked in video: landmarks, head pose and the controls that explain them.

``track`` takes a video, ``solve_landmarks`` the landmarks of one that is tracked already.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from os import PathLike

import numpy as np

from facegen.animation import Animation
from facegen.track.frames import Video
from facegen.track.mesh import face_finder
from facegen.track.person import Choice, follow
from facegen.track.points import load_points
from facegen.track.solve import solve_landmarks

__all__ = ["Choice", "solve_landmarks", "track", "track_landmarks"]

HELD_S = 0.25
"""A picture stands for no longer than this; after that the face counts as lost."""


def track(
    video: str | PathLike,
    *,
    rig: str | PathLike = "aria",
    model: str | PathLike | None = None,
    choice: Choice | None = None,
    progress: Callable[[str, float, float | None], None] | None = None,
) -> Animation:
    """The controls and head poses of one face in ``video``, at its own frame rate (see ``solve_landmarks``).

    ``rig`` is the head whose shapes are fitted; ``model`` a FaceLandmarker file for a mediapipe that brings no models;
    ``choice`` which of several faces; ``progress`` is called with a step, the seconds done and those in all.
    Raises VideoError for a file without a face or without pictures, MissingExtraError without mediapipe.
    """
    face = load_points(rig)
    landmarks, fps = track_landmarks(video, model=model, choice=choice, progress=progress)
    if progress is not None:
        progress("solve", 0.0, None)
    return solve_landmarks(landmarks, fps, face)


def track_landmarks(
    video: str | PathLike,
    *,
    model: str | PathLike | None = None,
    choice: Choice | None = None,
    progress: Callable[[str, float, float | None], None] | None = None,
) -> tuple[np.ndarray, Fraction]:
    """Landmarks [T, 478, 3] float32 in pixels of one face in ``video`` at a constant rate, NaN where it is lost, and
    that rate. Raises as ``track``."""
    film = Video(video)

    def seen(seconds: float) -> None:
        if progress is not None:
            progress("track", seconds, film.seconds)

    with closing(face_finder(model)) as finder:
        rows = follow(film, finder, choice or Choice(), seen)
    fps, count = film.timing()
    return on_beat(rows, film.times, fps, count), fps


def on_beat(rows: np.ndarray, times: np.ndarray, fps: Fraction, count: int) -> np.ndarray:
    """``rows`` [N, …] at ``times`` [N] s, interpolated at the starts of ``count`` frames of ``fps``; NaN where the
    picture before or after holds no face, or is further than HELD_S away."""
    step = float(1 / fps)
    wanted = np.arange(count) * step
    after = np.searchsorted(times, wanted - step / 100).clip(0, len(times) - 1)
    before = np.where(times[after] > wanted + step / 100, np.maximum(after - 1, 0), after)
    a, b = times[before], times[after]
    share = np.where(b > a, (wanted - a) / np.maximum(b - a, 1e-9), 0.0).clip(0, 1).astype(np.float32)
    share = share.reshape(-1, *[1] * (rows.ndim - 1))
    found = np.where(share > 0, rows[before] * (1 - share) + rows[after] * share, rows[before])
    away = np.minimum(np.abs(wanted - a), np.abs(wanted - b))
    found[away > max(HELD_S, step)] = np.nan
    return found
