"""What the photo tells of the face's surface: which of it is seen, colours for what is not, light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, diags
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from facegen.core.mesh import normals
from facegen.portrait.eyeballs import OUTLINES
from facegen.portrait.head_fitting import FittedHead
from facegen.portrait.segmentation import opencv, smoothstep

SEEN = (0.08, 0.4)
"""Cosines to the line of sight between which a vertex begins to be seen and is seen wholly."""
RIM = 0.07
"""The face fades into the sheet within this share of its width from its outline."""
CLOSE = 0.012
EDGES = (0.008, 0.022)
"""Nearer than so to an edge, in widths of the face, colours do not flow to what is hidden; further, they do."""
LASHES = (0.001, 0.004)
"""The very edge of the lids keeps the photo's lashes."""
SHUTTING = (0.25, 0.8)
INNER_OUTLINE = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)


@dataclass(frozen=True, eq=False)
class SkinTexture:
    """Of each vertex of the face: ``alpha`` [V] over the sheet, ``seen`` [V] in the photo, its own ``colors``
    [V, 3] in 0..1 where it is not; ``light`` [3] is the mean colour of the lit skin about the mouth.
    ``lids``: side to [V], how near to the edge of its lids a vertex is: lashes, which must not be drawn out over an eye
    that shuts."""

    alpha: np.ndarray
    seen: np.ndarray
    colors: np.ndarray
    light: np.ndarray
    lids: dict[str, np.ndarray]

    def tint(self, shut: dict[str, float]) -> np.ndarray:
        """Own colours and their shares [V, 4] with lids that are ``shut`` so far."""
        share = 1 - self.seen
        for side, near in self.lids.items():
            share = np.maximum(share, near * smoothstep(*SHUTTING, np.array(shut[side])))
        return np.column_stack([self.colors, share]).astype(np.float32)

    @property
    def rim(self) -> np.ndarray:
        return (self.alpha > 0.05) & (self.alpha < 0.7)


def read_skin_texture(pixels: np.ndarray, head: FittedHead) -> SkinTexture:
    """Colours and visibility of the face in the photo ``pixels`` [H, W, 3] uint8."""
    cv2 = opencv()
    width = head.face_size[0]
    normal = normals(head.skin, head.faces)
    seen = smoothstep(*SEEN, normal[:, 2])
    soft = cv2.GaussianBlur(pixels, (0, 0), max(0.6, CLOSE * width)).astype(np.float32) / 255
    place = (head.skin[:, :2] * (1, -1)).astype(np.float32)
    own = cv2.remap(soft, place[:, :1], place[:, 1:], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    colors = _filled(own[:, 0], seen * _clear_of_edges(place, head), head)
    lids = {side: _at_lids(place, head, side) for side in OUTLINES}
    return SkinTexture(
        _alpha(pixels.shape, head, place), seen.astype(np.float32), colors, _light(soft, head), lids
    )


def _alpha(shape: tuple, head: FittedHead, place: np.ndarray) -> np.ndarray:
    cv2 = opencv()
    mask = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(mask, [head.outline.round().astype(np.int32)], 1)
    inward = cv2.distanceTransform(mask, cv2.DIST_L2, 5) / head.face_size[0]
    found = cv2.remap(inward, place[:, :1], place[:, 1:], cv2.INTER_LINEAR)[:, 0]
    return smoothstep(0.0, RIM, found).astype(np.float32)


def _clear_of_edges(place: np.ndarray, head: FittedHead) -> np.ndarray:
    """0 beside the edges of lids and lips, whose lashes and shadows are no skin, 1 elsewhere [V]."""
    width = head.face_size[0]
    clear = np.ones(len(place))
    for outline in (*OUTLINES.values(), INNER_OUTLINE):
        away, _ = cKDTree(_dense(head.landmarks[list(outline), :2])).query(place)
        clear *= smoothstep(*EDGES, away / width)
    return clear


def _at_lids(place: np.ndarray, head: FittedHead, side: str) -> np.ndarray:
    width = head.face_size[0]
    away, _ = cKDTree(_dense(head.landmarks[list(OUTLINES[side]), :2])).query(place)
    return (smoothstep(EDGES[1], EDGES[0], away / width) * smoothstep(*LASHES, away / width)).astype(
        np.float32
    )


def _dense(outline: np.ndarray) -> np.ndarray:
    """Points along a closed line."""
    share = np.linspace(0, 1, 8, endpoint=False)[None, :, None]
    return (outline[:, None] * (1 - share) + np.roll(outline, -1, axis=0)[:, None] * share).reshape(-1, 2)


def _filled(colors: np.ndarray, seen: np.ndarray, head: FittedHead) -> np.ndarray:
    """``colors`` [V, 3] with those of hidden vertices flowing in from their neighbours over the surface."""
    edges = head.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    count = len(colors)
    both = np.concatenate([edges, edges[:, ::-1]])
    near = coo_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count)).tocsr()
    laplace = diags(np.asarray(near.sum(axis=1)).ravel()) - near
    trust = 20.0 * seen**2 + 1e-4
    return splu((laplace + diags(trust)).tocsc()).solve(trust[:, None] * colors).astype(np.float32)


def _light(soft: np.ndarray, head: FittedHead) -> np.ndarray:
    """The mean colour of the cheeks and the chin."""
    places = head.landmarks[[50, 280, 205, 425, 199, 200], :2].round().astype(int)
    limit = np.array(soft.shape[1::-1]) - 1
    places = np.clip(places, 0, limit)
    return soft[places[:, 1], places[:, 0]].mean(axis=0)
