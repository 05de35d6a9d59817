"""The photo's eyes without their lids: sclera and iris filled in where the lids hide them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.portrait.head_fitting import IRIS, FittedHead
from facegen.portrait.segmentation import opencv, smoothstep

OUTLINES = {
    "Right": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "Left": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
}
SIDE = 128
"""Pixels of an eye's picture."""
REACH = 1.25
"""It shows so many radii of the eyeball to each side."""
SHUT = 0.12
"""An eye less open than this, over its width, is drawn without the photo."""
IRIS_SHARE = 0.46
"""Radius of an iris over that of the eyeball."""
PLAIN_IRIS = np.array((0.30, 0.20, 0.13))


@dataclass(frozen=True, eq=False)
class EyePicture:
    """``pixels`` [SIDE, SIDE, 3] uint8 of the eyeball as seen from the front, covering ``corner`` [2] to ``corner`` +
    ``extent`` px of the photo."""

    pixels: np.ndarray
    corner: np.ndarray
    extent: float


def eye_pictures(pixels: np.ndarray, head: FittedHead, light: np.ndarray) -> dict[str, EyePicture]:
    """A picture of each eyeball; ``light`` [3] is the colour of lit skin."""
    return {side: _picture(pixels, head, side, light) for side in OUTLINES}


def _picture(pixels: np.ndarray, head: FittedHead, side: str, light: np.ndarray) -> EyePicture:
    cv2 = opencv()
    ball = head.eyes[side]
    extent = 2 * REACH * ball.radius
    corner = ball.centre[:2] * (1, -1) - extent / 2
    zoom = SIDE / extent
    matrix = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]])
    eye = cv2.warpAffine(
        pixels, matrix, (SIDE, SIDE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)
    outline = (head.landmarks[list(OUTLINES[side]), :2] - corner) * zoom
    iris = (head.landmarks[IRIS[side], :2] - corner) * zoom
    ring = (head.landmarks[IRIS[side] + 1 : IRIS[side] + 5, :2] - corner) * zoom
    radius = float(np.linalg.norm(ring - iris, axis=1).mean())
    width = float(np.ptp(outline[:, 0]))
    height = float(np.ptp(outline[:, 1]))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    away = np.hypot(x - iris[0], y - iris[1])
    if height < SHUT * width:
        return EyePicture(_plain(light, x, y), corner, extent)
    opened = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(opened, [outline.round().astype(np.int32)], 1)
    inner = cv2.erode(opened, np.ones((3, 3), np.uint8), iterations=max(1, round(0.07 * height)))
    white = _white(eye, inner * (away > 1.12 * radius), light)
    disc = _disc(eye, inner, iris, radius, away)
    share = smoothstep(1.08 * radius, 0.94 * radius, away)[..., None]
    whole = white * (1 - share) + disc * share
    soft = cv2.GaussianBlur(inner.astype(np.float32), (0, 0), 1.2)[..., None]
    kept = np.minimum(soft, inner[..., None])
    return EyePicture(np.clip(whole * (1 - kept) + eye * kept, 0, 255).astype(np.uint8), corner, extent)


def _white(eye: np.ndarray, seen: np.ndarray, light: np.ndarray) -> np.ndarray:
    """The sclera everywhere: that which is seen, spread wide."""
    cv2 = opencv()
    grey = 255 * light.mean() * np.array((1.0, 0.97, 0.95)) * 1.05
    weight = seen.astype(np.float32)
    if weight.sum() < 12:
        return np.broadcast_to(grey.astype(np.float32), eye.shape).copy()
    usual = np.median(eye[seen > 0], axis=0)
    total, sums = np.full(seen.shape, 1e-3, np.float32), np.zeros_like(eye)
    sums += 1e-3 * usual
    for spread, trust in ((3, 1.0), (8, 0.3), (20, 0.1)):
        total += trust * cv2.GaussianBlur(weight, (0, 0), spread)
        sums += trust * cv2.GaussianBlur(eye * weight[..., None], (0, 0), spread)
    return sums / total[..., None]


def _disc(eye: np.ndarray, seen: np.ndarray, iris: np.ndarray, radius: float, away: np.ndarray) -> np.ndarray:
    """The iris whole: what the lids hide is mirrored from below, or has the mean colour at its distance."""
    cv2 = opencv()
    rings = np.clip(away, 0, 1.2 * radius).astype(int)
    count = int(rings.max()) + 1
    weight = (seen > 0) & (away < 1.2 * radius)
    sums = np.stack([np.bincount(rings[weight], eye[..., c][weight], count) for c in range(3)], axis=1)
    held = np.bincount(rings[weight], minlength=count)
    known = np.flatnonzero(held > 0)
    if len(known) == 0:
        return eye
    mean = np.stack(
        [np.interp(np.arange(count), known, sums[known, c] / held[known]) for c in range(3)], axis=1
    )
    radial = cv2.GaussianBlur(mean[rings].astype(np.float32), (0, 0), 0.8)
    y, x = np.mgrid[: eye.shape[0], : eye.shape[1]].astype(np.float32)
    flipped = cv2.remap(eye, x, 2 * np.float32(iris[1]) - y, cv2.INTER_LINEAR)
    there = cv2.remap(seen.astype(np.float32), x, 2 * np.float32(iris[1]) - y, cv2.INTER_LINEAR)
    there = cv2.GaussianBlur(there, (0, 0), 1.5)[..., None] * 0.6
    return radial * (1 - there) + flipped * there


def _plain(light: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """An eye for a photo that shows none: brown, in the photo's light."""
    middle, size = SIDE / 2, SIDE / 2 / REACH
    away = np.hypot(x - middle, y - middle) / size
    white = np.array((0.80, 0.77, 0.75)) * (0.4 + 0.6 * light.mean())
    share = smoothstep(IRIS_SHARE + 0.03, IRIS_SHARE - 0.03, away)[..., None]
    pupil = smoothstep(0.2, 0.16, away)[..., None]
    color = white * (1 - share) + PLAIN_IRIS * (0.4 + 0.8 * light.mean()) * share * (1 - pupil)
    return np.clip(255 * color, 0, 255).astype(np.uint8)
