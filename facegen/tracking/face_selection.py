"""One person's landmarks through a video: which face is meant, and which is the same one in the next picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from facegen.core.errors import UsageError, VideoError
from facegen.tracking.mediapipe_landmarks import POINTS, FaceFinder
from facegen.tracking.video_frames import Video, VideoFrame

STRAY = 0.5
"""A face is the same where its middle moved by less than this share of its size since the picture before …"""
STRAY_A_SECOND = 1.0
"""… and so much more for each second that it was lost."""
GROWTH = 1.8
"""… and its size changed by less than this factor."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class FaceSelector:
    """Which face: that nearest to ``point`` (x, y), or the largest; only within ``box`` (x, y, width, height).
    Pixels of the upright video. Raises UsageError for what is not finite or has no area."""

    point: tuple[float, float] | None = None
    box: Box | None = None

    def __post_init__(self) -> None:
        numbers = (*(self.point or ()), *(self.box or ()))
        if not np.isfinite(numbers).all() or (self.point and len(self.point) != 2):
            raise UsageError("a face is chosen by two numbers X,Y", path="--face", remedy="give e.g. 320,180")
        if self.box is not None and (len(self.box) != 4 or min(self.box[2:]) <= 0):
            raise UsageError("is no X,Y,WIDTH,HEIGHT", path="--box", remedy="give e.g. 100,50,400,400")


def follow(
    video: Video, finder: FaceFinder, choice: FaceSelector, progress: Callable[[float], None] | None = None
) -> Iterator[tuple[float, np.ndarray]]:
    """Time s and landmarks [478, 3] float32, in pixels of the upright video, of each picture; NaN where the face is
    lost.

    Raises VideoError at the end where no picture showed a face.
    """
    person = _Person(choice)
    count = 0
    for picture in video.pictures():
        pixels, corner = _cropped(picture, choice.box)
        faces = finder.find(pixels, round(picture.time * 1000))
        moved = [(face + corner) * np.float32(picture.scale) for face in faces]
        count += 1
        if progress is not None:
            progress(float(picture.time))
        yield float(picture.time), person.pick(moved, float(picture.time))
    if not person.seen:
        where = "in the box " if choice.box else ""
        raise VideoError(
            f"no face is found {where}in any of {count} pictures",
            path=video.path,
            remedy="give a video in which a face is seen from the front, or --box X,Y,WIDTH,HEIGHT around a small one",
        )


def _cropped(picture: VideoFrame, box: Box | None) -> tuple[np.ndarray, np.ndarray]:
    """The part of the picture within ``box``, and its corner [3]."""
    if box is None:
        return picture.pixels, np.zeros(3, np.float32)
    height, width = picture.pixels.shape[:2]
    x, y, w, h = (value / picture.scale for value in box)
    left, right = (int(np.clip(round(v), 0, width)) for v in (x, x + w))
    top, bottom = (int(np.clip(round(v), 0, height)) for v in (y, y + h))
    if right - left < 16 or bottom - top < 16:
        full = f"{round(width * picture.scale)}x{round(height * picture.scale)}"
        raise UsageError(
            f"covers nothing, or too little, of the picture of {full}",
            path="--box",
            remedy="give a larger box within it",
        )
    part = np.ascontiguousarray(picture.pixels[top:bottom, left:right])
    return part, np.array((left, top, 0), np.float32)


class _Person:
    """Picks the same face again and again."""

    def __init__(self, choice: FaceSelector) -> None:
        self._choice = choice
        self._middle = np.zeros(2)
        self._size = 0.0
        self._time = 0.0
        self.seen = False

    def pick(self, faces: list[np.ndarray], time: float) -> np.ndarray:
        best = self._next(faces, time - self._time) if self.seen else self._first(faces)
        if best is None:
            return np.full((POINTS, 3), np.nan, np.float32)
        self._middle, self._size = _extent(best)
        self._time, self.seen = time, True
        return best

    def _first(self, faces: list[np.ndarray]) -> np.ndarray | None:
        if self._choice.point is None:
            return max(faces, key=lambda face: _extent(face)[1], default=None)
        point = np.array(self._choice.point)
        near = min(faces, key=lambda face: float(np.linalg.norm(_extent(face)[0] - point)), default=None)
        if near is None or np.linalg.norm(_extent(near)[0] - point) > _extent(near)[1]:
            return None
        return near

    def _next(self, faces: list[np.ndarray], lost: float) -> np.ndarray | None:
        allowed = self._size * (STRAY + STRAY_A_SECOND * lost)
        growth = GROWTH * (1 + lost)
        best, least = None, allowed
        for face in faces:
            middle, size = _extent(face)
            away = float(np.linalg.norm(middle - self._middle))
            if away <= least and 1 / growth < size / self._size < growth:
                best, least = face, away
        return best


def _extent(face: np.ndarray) -> tuple[np.ndarray, float]:
    """The middle [2] of a face and its size in pixels."""
    low, high = face[:, :2].min(axis=0), face[:, :2].max(axis=0)
    return (low + high) / 2, float(np.sqrt(np.prod(high - low)))
