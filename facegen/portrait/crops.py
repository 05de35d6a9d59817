"""Parts of a frame as the refiner sees them: a square about the mouth or an eye, and a map of what is where in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from facegen.portrait.head_fitting import INSIDE
from facegen.portrait.segmentation import opencv, smoothstep
from facegen.portrait.warp import FaceWarp, FrameState

SIDE = 128
WIDE = 0.6
"""Side of the square, in widths of the face."""
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
INNER_UPPER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
INNER_LOWER = (308, 324, 318, 402, 317, 14, 87, 178, 88, 95, 78)
FEATHER = (1.0, 0.72)
"""From the square's edge (1) inwards, between which shares of its half the painting sets in."""


@dataclass(frozen=True)
class Crop:
    """``corner`` (x, y) and ``side`` in pixels of the photo; cut out it has ``pixels`` by ``pixels``."""

    corner: tuple[float, float]
    side: float
    pixels: int = SIDE

    def matrix(self, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
        """[2, 3]: pixels of a picture whose top left is the photo's ``origin`` to the square's own."""
        zoom = self.pixels / self.side
        x, y = self.corner[0] - origin[0], self.corner[1] - origin[1]
        return np.array([[zoom, 0, -x * zoom], [0, zoom, -y * zoom]])

    def cut(self, pixels: np.ndarray, origin: tuple[int, int] = (0, 0)) -> np.ndarray:
        """[pixels, pixels, 3] uint8."""
        cv2 = opencv()
        way = cv2.INTER_AREA if self.side > self.pixels else cv2.INTER_CUBIC
        size = (self.pixels, self.pixels)
        return cv2.warpAffine(pixels, self.matrix(origin), size, flags=way, borderMode=cv2.BORDER_REPLICATE)

    def paste(self, pixels: np.ndarray, change: np.ndarray, origin: tuple[int, int]) -> np.ndarray:
        """``pixels`` uint8 with ``change`` [pixels, pixels, 3] float added, which should be feathered to its edge."""
        cv2 = opencv()
        size = pixels.shape[1::-1]
        whole = cv2.warpAffine(
            change.astype(np.float32),
            self.matrix(origin),
            size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        return np.clip(pixels + whole, 0, 255).round().astype(np.uint8)


def feather(pixels: int = SIDE) -> np.ndarray:
    """1 in the middle of a square, 0 at its edge, [pixels, pixels]."""
    line = np.abs(np.arange(pixels) + 0.5 - pixels / 2) / (pixels / 2)
    ramp = smoothstep(*FEATHER, line)
    return (ramp[:, None] * ramp[None, :]).astype(np.float32)


@dataclass(frozen=True)
class Region:
    """Where a part is painted: ``reach`` pixels about the map's first channel, its border blurred by ``soft``."""

    reach: int
    soft: float


class RegionMap(Protocol):
    """Finds the square of a part in a puppet's instants and draws its map."""

    zone: Region

    def square(self, now: FrameState) -> Crop: ...

    def map(self, now: FrameState, square: Crop) -> np.ndarray:
        """[SIDE, SIDE, 3] uint8: what is painted, where in it light and colour may change too, what lies in it."""
        ...


def polygon(drawn: np.ndarray, points: np.ndarray, square: Crop, value: int = 255) -> None:
    """Fill what ``points`` [n, 2 or 3] (pixels of the photo, y up) enclose with ``value`` in the square's ``drawn``."""
    opencv().fillPoly(drawn, [placed(points, square)], value, 16, 3)


def placed(points: np.ndarray, square: Crop) -> np.ndarray:
    """``points`` [n, 2 or 3] in eighths of the square's pixels, as OpenCV draws with a shift of 3."""
    zoom = square.pixels / square.side
    return ((points[:, :2] * (1, -1) - square.corner) * zoom * 8).round().astype(np.int32)


class MouthMap:
    """Lips, the opening between them, the teeth and the tongue in it."""

    zone = Region(reach=8, soft=4.0)

    def __init__(self, puppet: FaceWarp) -> None:
        self._puppet = puppet
        self._outer = [puppet.vertex_at(n) for n in OUTER_LIPS]
        self._upper = [puppet.vertex_at(n, upper=True) for n in INNER_UPPER]
        self._lower = [puppet.vertex_at(n, upper=False) for n in INNER_LOWER]
        parts = puppet.head.inside.parts
        self._teeth = np.flatnonzero(parts == INSIDE.index("teethUpper"))
        self._tongue = np.flatnonzero(parts == INSIDE.index("tongue"))
        self._side = WIDE * puppet.head.face_size[0]

    def square(self, now: FrameState) -> Crop:
        """About the corners of the mouth and the lips' middles at rest: steady while the lips move."""
        rest = self._puppet.head.skin[self._outer, :2].mean(axis=0)
        middle = now.carried(rest) * (1, -1)
        return Crop(tuple((middle - self._side / 2).tolist()), self._side)

    def map(self, now: FrameState, square: Crop) -> np.ndarray:
        """[SIDE, SIDE, 3] uint8: lips, the opening between them, and in it the upper teeth (255) and tongue (128)."""
        cv2 = opencv()
        lips, opening, inside = (np.zeros((SIDE, SIDE), np.uint8) for _ in range(3))
        polygon(lips, now.skin[self._outer], square)
        polygon(opening, now.skin[[*self._upper, *self._lower]], square)
        for rows, value in ((self._tongue, 128), (self._teeth, 255)):
            hull = cv2.convexHull(placed(now.inside[rows], square))
            cv2.fillConvexPoly(inside, hull, value, cv2.LINE_AA, 3)
        return np.dstack([lips, opening, np.minimum(inside, opening)])
