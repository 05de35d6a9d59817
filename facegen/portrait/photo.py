"""The photo: read with care, its face found and looked at closely."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.errors import ImageError
from facegen.core.files import read_bytes
from facegen.portrait.segmentation import opencv
from facegen.renderers.images import MAX_IMAGE_BYTES, MAX_IMAGE_PIXELS, pillow
from facegen.tracking.mediapipe_landmarks import face_finder

LOG = logging.getLogger("facegen.portrait")
LONGEST, DRAFT_LONGEST = 3840, 480
LOOKED_AT = 1280
"""Pictures are searched for faces at this size, and then in overlapping tiles."""
TILES = (2, 3)
CLOSE_UP = 480
"""The face alone is looked at again at this size, a little shifted each time, and the landmarks averaged."""
SHIFTS = ((0.0, 0.0), (0.03, 0.02), (-0.03, -0.02), (0.02, -0.03))
LEAST_FACE, SMALL_FACE = 40, 90
PLAIN_BACKGROUND = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Photo:
    """``pixels`` [H, W, 3] uint8 upright, even sides; ``landmarks`` [478, 3] px of the chosen face; ``grey``: it has no
    colours."""

    pixels: np.ndarray
    landmarks: np.ndarray
    grey: bool


def read_photo(path: str | PathLike, size: int | None = None, face: tuple[float, ...] | None = None) -> Photo:
    """The picture in ``path``, its longest side ``size`` pixels (as it is by default), and the face in it that is
    nearest to ``face`` (x, y in pixels of the file), or the largest. What was done to it is logged as warnings.

    Raises ImageError for what is no picture or shows no usable face, MissingExtraError without mediapipe or Pillow.
    """
    pixels, grey = _read(path)
    longest = max(pixels.shape[:2])
    faces, pixels, face = _found(pixels, path, face)
    landmarks = _chosen(faces, face, path)
    wanted = min(size or longest, LONGEST)
    if size is None and longest > LONGEST:
        LOG.warning("%s is %d pixels long; it is scaled down to %d", path, longest, LONGEST)
    pixels, scale = _scaled(pixels, wanted)
    landmarks = landmarks * np.float32(scale)
    width = float(np.ptp(landmarks[:468, 0]))
    if width / scale < LEAST_FACE:
        raise ImageError(
            f"the face is only {width / scale:.0f} pixels wide",
            path=path,
            remedy=f"give a picture in which it is at least {LEAST_FACE}, better 200",
        )
    if width / scale < SMALL_FACE:
        LOG.warning("%s shows the face only %.0f pixels wide; details will be soft", path, width / scale)
    return Photo(_even(pixels), _close_up(pixels, landmarks), grey)


def _read(path: str | PathLike) -> tuple[np.ndarray, bool]:
    """Upright RGB pixels, and whether they are grey."""
    image_module = pillow()
    raw = read_bytes(path, limit=MAX_IMAGE_BYTES, error=ImageError)
    try:
        with image_module.open(io.BytesIO(raw)) as image:
            if image.width * image.height > MAX_IMAGE_PIXELS:
                raise ImageError(
                    f"has {image.width} x {image.height} pixels", path=path, remedy="scale it down"
                )
            if getattr(image, "n_frames", 1) > 1:
                LOG.warning("%s is animated; its first picture is used", path)
                image.seek(0)
            upright = _upright(image, path)
    except ImageError:
        raise
    except Exception as fault:
        remedy = "save it as PNG or JPEG"
        raise ImageError("is not an image that can be read", path=path, remedy=remedy) from fault
    pixels = np.asarray(upright)
    spread = int(np.ptp(pixels[:: max(1, len(pixels) // 200)].astype(np.int16), axis=2).max(initial=0))
    return pixels, spread <= 2


def _upright(image: Any, path: str | PathLike) -> Any:
    from PIL import Image, ImageOps

    if image.getexif().get(0x0112, 1) != 1:
        LOG.warning("%s is turned as its EXIF data say", path)
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        array = np.asarray(upright, np.float64)
        low, high = float(array.min()), float(array.max())
        upright = Image.fromarray(np.uint8(255 * (array - low) / max(high - low, 1e-9)))
    if "A" in upright.getbands() or "transparency" in upright.info:
        LOG.warning("%s has transparent parts; they are shown white", path)
        clear = upright.convert("RGBA")
        behind = Image.new("RGBA", clear.size, (*PLAIN_BACKGROUND, 255))
        upright = Image.alpha_composite(behind, clear)
    return upright.convert("RGB")


def _found(
    pixels: np.ndarray, path: str | PathLike, face: tuple[float, ...] | None
) -> tuple[list[np.ndarray], np.ndarray, tuple[float, ...] | None]:
    """Faces, the picture in which they stand upright, and ``face`` in it."""
    for turns in range(4):
        turned = np.ascontiguousarray(np.rot90(pixels, turns))
        faces = [f for f in _search(turned) if _stands(f)]
        if faces:
            if turns:
                LOG.warning("%s lies on its side or head; it is turned by %d degrees", path, 90 * turns)
                face = None
            return faces, turned, face
    raise ImageError(
        "shows no face",
        path=path,
        remedy="give a picture in which a face looks towards the camera and is well lit",
    )


def _stands(face: np.ndarray) -> bool:
    """Forehead above chin, more or less."""
    up = face[10, :2] - face[152, :2]
    return bool(-up[1] > abs(up[0]))


def _search(pixels: np.ndarray) -> list[np.ndarray]:
    """Faces [478, 3] in the whole picture, else in tiles of it."""
    for part, corner, scale in _views(pixels):
        faces = [(f / np.float32(scale)) + corner for f in _faces(part)]
        if faces:
            return faces
    return []


def _views(pixels: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Parts to look at: pixels, the part's corner [3], and by how much it is scaled."""
    part, scale = _scaled(pixels, min(LOOKED_AT, max(pixels.shape[:2])))
    if max(part.shape[:2]) < 192:
        part, scale = _scaled(pixels, 384)
    yield part, np.zeros(3, np.float32), scale
    height, width = pixels.shape[:2]
    for count in TILES:
        tall, broad = int(height / count * 1.4), int(width / count * 1.4)
        if min(tall, broad) < 96:
            return
        for row in range(count):
            for column in range(count):
                top = min(int(row * height / count), height - tall)
                left = min(int(column * width / count), width - broad)
                tile, scale = _scaled(pixels[top : top + tall, left : left + broad], LOOKED_AT // 2)
                yield tile, np.array((left, top, 0), np.float32), scale


def _faces(part: np.ndarray) -> list[np.ndarray]:
    with closing(face_finder()) as finder:
        return finder.find(np.ascontiguousarray(part), 0)


def _chosen(faces: list[np.ndarray], face: tuple[float, ...] | None, path: str | PathLike) -> np.ndarray:
    def size(points: np.ndarray) -> float:
        return float(np.prod(np.ptp(points[:, :2], axis=0)))

    if face is not None:
        place = np.array(face)
        near = min(faces, key=lambda f: float(np.linalg.norm(f[:, :2].mean(axis=0) - place)))
        low, high = near[:, :2].min(axis=0), near[:, :2].max(axis=0)
        if (place < low).any() or (place > high).any():
            found = "; ".join(f"{x:.0f},{y:.0f}" for x, y in (f[:, :2].mean(axis=0) for f in faces))
            raise ImageError("no face is there", path="--face", remedy=f"faces are at {found}")
        return near
    best = max(faces, key=size)
    if len(faces) > 1:
        x, y = best[:, :2].mean(axis=0)
        LOG.warning(
            "%s shows %d faces; the largest, at %.0f,%.0f, speaks (--face X,Y names another)",
            path, len(faces), x, y,
        )  # fmt: skip
    return best


def _scaled(pixels: np.ndarray, longest: int) -> tuple[np.ndarray, float]:
    cv2 = opencv()
    scale = longest / max(pixels.shape[:2])
    if scale == 1:
        return pixels, 1.0
    size = tuple(max(2, round(n * scale)) for n in pixels.shape[1::-1])
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, size, interpolation=way), scale


def _even(pixels: np.ndarray) -> np.ndarray:
    """Sides made even, as video wants them, by a row or column more."""
    more = pixels.shape[0] % 2, pixels.shape[1] % 2
    return np.pad(pixels, ((0, more[0]), (0, more[1]), (0, 0)), mode="edge") if any(more) else pixels


def _close_up(pixels: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The landmarks found again in the face alone, several times, and averaged."""
    cv2 = opencv()
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    middle, side = (low + high) / 2, 1.8 * float((high - low).max())
    found = []
    with closing(face_finder(faces=1)) as finder:
        for number, shift in enumerate(SHIFTS):
            corner = middle + side * np.array(shift) - side / 2
            zoom = CLOSE_UP / side
            matrix = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]])
            way = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
            part = cv2.warpAffine(
                pixels, matrix, (CLOSE_UP, CLOSE_UP), flags=way, borderMode=cv2.BORDER_REPLICATE
            )
            for face in finder.find(part, 40 * number)[:1]:
                face = face / np.float32(zoom) + np.array((*corner, 0), np.float32)
                if np.linalg.norm(face[:, :2].mean(axis=0) - middle) < side / 4:
                    found.append(face)
    return np.mean(found, axis=0) if found else landmarks
