"""Faces in pictures by mediapipe: 478 landmarks each (the iris among them), in pixels.

Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019; Grishchenko et al.,
"Attention Mesh: High-fidelity Face Mesh Prediction in Real-time", 2020.
"""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from facegen.core.errors import MissingExtraError, MissingSystemError, ModelError

POINTS = 478
MOST_FACES = 4
WITH_MODELS = "0.10.21"
"""The last mediapipe whose wheel holds the models."""


class FaceFinder(Protocol):
    """``find``: the faces [478, 3] float32 in a picture [H, W, 3] uint8: x right, y down, z away from the camera, all in
    pixels. Pictures come in order, ``milliseconds`` rising."""

    def find(self, pixels: np.ndarray, milliseconds: int) -> list[np.ndarray]: ...

    def close(self) -> None: ...


def face_finder(model: str | PathLike | None = None, faces: int = MOST_FACES) -> FaceFinder:
    """The finder of up to ``faces`` faces: by the FaceLandmarker in the file ``model``, or else by the models that
    mediapipe brings.

    Raises MissingExtraError without mediapipe, MissingSystemError where it brings none, ModelError for a file that
    is no FaceLandmarker.
    """
    os.environ.setdefault("GLOG_minloglevel", "3")
    try:
        import mediapipe
    except ImportError as fault:
        raise MissingExtraError("mediapipe", "track", "tracking faces") from fault
    if model is not None:
        return _Task(mediapipe, model, faces)
    if not hasattr(mediapipe, "solutions") or not hasattr(mediapipe.solutions, "face_mesh"):
        raise MissingSystemError(
            f"mediapipe {getattr(mediapipe, '__version__', '')} comes without its face models",
            remedy=f'install one with them: pip install "mediapipe=={WITH_MODELS}", or give --model '
            "face_landmarker.task (MediaPipe's Face Landmarker model file)",
        )
    return _Solution(mediapipe, faces)


class _Solution:
    """The face mesh of mediapipe's older interface."""

    def __init__(self, mediapipe: Any, faces: int) -> None:
        self._mesh = mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=faces)

    def find(self, pixels: np.ndarray, milliseconds: int) -> list[np.ndarray]:
        found = self._mesh.process(pixels).multi_face_landmarks or []
        return [_array(face.landmark, pixels) for face in found]

    def close(self) -> None:
        self._mesh.close()


class _Task:
    """The FaceLandmarker of mediapipe's newer interface, from a model file."""

    def __init__(self, mediapipe: Any, model: str | PathLike, faces: int) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        self._image = lambda pixels: mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)
        try:
            options = vision.FaceLandmarkerOptions(
                base_options=BaseOptions(model_asset_buffer=Path(model).read_bytes()),
                running_mode=vision.RunningMode.VIDEO,
                num_faces=faces,
            )
            self._task = vision.FaceLandmarker.create_from_options(options)
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            raise ModelError(f"can't be read ({reason})", path=model) from fault
        except (RuntimeError, ValueError) as fault:
            remedy = "give MediaPipe's face_landmarker.task"
            raise ModelError("is no FaceLandmarker model", path=model, remedy=remedy) from fault

    def find(self, pixels: np.ndarray, milliseconds: int) -> list[np.ndarray]:
        found = self._task.detect_for_video(self._image(pixels), milliseconds).face_landmarks
        return [_array(face, pixels) for face in found]

    def close(self) -> None:
        self._task.close()


def _array(points: Any, pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    rows = np.array([(p.x, p.y, p.z) for p in points], np.float32)
    return rows * np.array((width, height, width), np.float32)
