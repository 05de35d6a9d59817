"""An eye's part of a frame, as the refiner sees it: lids and what is about them, without the eyeball."""

from __future__ import annotations

import numpy as np

from facegen.portrait.crops import SIDE, Crop, Region, placed, polygon
from facegen.portrait.eyeballs import IRIS_SHARE
from facegen.portrait.head_fitting import IRIS
from facegen.portrait.segmentation import opencv
from facegen.portrait.warp import FaceWarp, FrameState

WIDE = 0.4
"""Side of the square, in widths of the face."""
SOCKETS = {
    "Right": (226, 113, 225, 224, 223, 222, 221, 189, 244, 233, 232, 231, 230, 229, 228, 31),
    "Left": (446, 342, 445, 444, 443, 442, 441, 413, 464, 453, 452, 451, 450, 449, 448, 261),
}
"""Landmarks about the lids, below the brow and above the cheek."""
UPPER = {"Right": (246, 161, 160, 159, 158, 157, 173), "Left": (466, 388, 387, 386, 385, 384, 398)}
LOWER = {"Right": (7, 163, 144, 145, 153, 154, 155), "Left": (249, 390, 373, 374, 380, 381, 382)}
CORNERS = {"Right": (33, 133), "Left": (263, 362)}
LID_SHARE = 0.1
"""A vertex that a blink moves down by so much of its most is the upper lid's."""
MARGIN = 5
"""Pixels of the eyeball about which lashes and their shadow are painted too."""
REST_REACH = 7
"""Pixels about the eye at rest within which light and colour may change: a lid that shuts over it has its own."""


class EyeMap:
    """The lids of one ``side``, the eye as it was at rest, the eyeball that is seen and its iris."""

    zone = Region(reach=0, soft=3.0)

    def __init__(self, puppet: FaceWarp, side: str) -> None:
        self._side, self._extent = side, WIDE * puppet.head.face_size[0]
        self._socket = [puppet.vertex_at(n) for n in SOCKETS[side]]
        self._corners = [puppet.vertex_at(n) for n in CORNERS[side]]
        self._upper = [_lid_vertex(puppet, side, n, True) for n in UPPER[side]]
        self._lower = [_lid_vertex(puppet, side, n, False) for n in LOWER[side]]
        ball = puppet.head.eyes[side]
        iris = puppet.head.landmarks[IRIS[side], :2] * (1, -1)
        away = np.linalg.norm(ball.vertices[:, :2] - iris, axis=1)
        front = ball.vertices[:, 2] > ball.centre[2]
        self._iris = int(np.argmin(np.where(front, away, np.inf)))
        self._radius = IRIS_SHARE * ball.radius
        self._at_rest = self._outline(puppet.head.skin)

    def square(self, now: FrameState) -> Crop:
        """About the middle between the corners of the eye."""
        middle = now.skin[self._corners, :2].mean(axis=0) * (1, -1)
        return Crop(tuple((middle - self._extent / 2).tolist()), self._extent)

    def map(self, now: FrameState, square: Crop) -> np.ndarray:
        """[SIDE, SIDE, 3] uint8: the lids without the eyeball, the eye at rest, the eyeball that is seen (128), its
        iris (255)."""
        cv2 = opencv()
        lids, at_rest, seen, ball = (np.zeros((SIDE, SIDE), np.uint8) for _ in range(4))
        polygon(lids, now.skin[self._socket], square)
        polygon(at_rest, self._carried(now), square)
        polygon(seen, self._outline(now.skin), square)
        ball[seen > 127] = 128
        middle = placed(now.eyes[self._side][[self._iris]], square)[0]
        radius = round(8 * self._radius * SIDE / square.side)
        iris = np.zeros_like(ball)
        cv2.circle(iris, middle.tolist(), radius, 255, -1, cv2.LINE_AA, 3)
        ball = np.where(seen > 127, np.maximum(ball, iris), 0).astype(np.uint8)
        lids = np.minimum(lids, 255 - cv2.erode(seen, np.ones((MARGIN, MARGIN), np.uint8)))
        return np.dstack([lids, cv2.dilate(at_rest, np.ones((REST_REACH, REST_REACH), np.uint8)), ball])

    def _outline(self, skin: np.ndarray) -> np.ndarray:
        """The eye's edge [16, 2]; where the lids have met it has no height."""
        upper, lower = skin[self._upper, :2], skin[self._lower, :2]
        met = upper[:, 1] < lower[:, 1]
        line = (upper[met, 1] + lower[met, 1]) / 2
        upper, lower = upper.copy(), lower.copy()
        upper[met, 1] = lower[met, 1] = line
        outer, inner = skin[self._corners, :2]
        return np.concatenate([outer[None], upper, inner[None], lower[::-1]])

    def _carried(self, now: FrameState) -> np.ndarray:
        """The eye's edge at rest, where the head is now."""
        corners = self._at_rest[[0, 8]]
        (a, b), (c, d) = corners, now.skin[self._corners, :2]
        one, other = complex(*(b - a)), complex(*(d - c))
        turn = other / one if one else 1.0
        moved = turn * ((self._at_rest[:, 0] - a[0]) + 1j * (self._at_rest[:, 1] - a[1]))
        return np.column_stack([moved.real, moved.imag]) + c


def _lid_vertex(puppet: FaceWarp, side: str, landmark: int, upper: bool) -> int:
    """The vertex nearest to a landmark, of the lid that a blink moves, or of what it leaves."""
    head = puppet.head
    down = head.deltas[head.controls.index("eyeBlink" + side)] @ head.rotation[:, 1]
    away = np.linalg.norm(head.skin[:, :2] - head.landmarks[landmark, :2] * (1, -1), axis=1)
    return int(np.argmin(np.where((down < LID_SHARE * down.min()) == upper, away, np.inf)))


def eye_maps(puppet: FaceWarp) -> list[EyeMap]:
    """A map for each eye."""
    return [EyeMap(puppet, side) for side in SOCKETS]
