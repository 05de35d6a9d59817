"""Where each piece of the head lies in its texture, and what lies under each texel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from scipy.ndimage import distance_transform_edt
from scipy.sparse.csgraph import connected_components

from tools.head_builder.cloth import below_neckline
from tools.head_builder.hair import above_hairline
from tools.head_builder.part import Part, smoothstep
from tools.head_builder.unwrap import disc, front

SIZE = 2048  # texels a side
GUTTER = 3 / SIZE
SKIN_SIDE = 0.86  # of the texture; the skin lies at its upper left, all else below and beside it
FACE, IRIS = 1.2, 5.0  # how much more texture they get than what is around them
HIDDEN = 0.75  # how much less below hair and cloth
SLOTS = {"mouth": 0, "eyeLeft": 1, "eyeRight": 1, "tongue": 2, "gumUpper": 3, "gumLower": 4}
TEETH = ("teethUpper", "teethLower")
TEXTURED = ("skin", *SLOTS, *TEETH)
"""Parts that the texture covers; hair, brows, lashes and cloth are coloured by their vertices."""


def place(part: Part) -> np.ndarray:
    """Texture coordinates [n,2] of a part, (0, 0) the lower left."""
    rest = 1 - SKIN_SIDE
    if part.name == "skin":
        v = part.vertices
        x, y, z = np.abs(v[:, 0]), v[:, 1], v[:, 2]
        face = np.exp(-(((x / 6.5) ** 2 + ((y + 0.5) / 8) ** 2) ** 2)) * (z > 3)
        hidden = np.maximum(smoothstep(0.5, 2.0, above_hairline(v)), smoothstep(0.5, 1.5, below_neckline(v)))
        wanted = (1 + FACE * face) * (1 - HIDDEN * hidden)
        return _put(disc(v, part.faces, wanted), 0.0, rest, SKIN_SIDE)
    if part.name in SLOTS:
        slot = SLOTS[part.name]
        column, row = (SKIN_SIDE, 1 - (slot + 1) * rest) if slot < 5 else (0.0, 0.0)
        wanted = None
        if part.name.startswith("eye"):
            ahead = part.vertices - part.vertices.mean(axis=0)
            angle = np.arctan2(np.hypot(ahead[:, 0], ahead[:, 1]), ahead[:, 2])
            wanted = 1 + IRIS * smoothstep(1.2, 0.4, angle)
        return _put(_closed(part.vertices, part.faces, wanted), column, row, rest)
    side = rest / 2
    uvs = np.zeros((len(part.vertices), 2))
    for number, (rows, faces) in enumerate(_pieces(part)):
        own = _closed(part.vertices[rows], faces, None)
        uvs[rows] = _put(own, number * side, side * TEETH.index(part.name), side)
    return uvs


def _put(flat: np.ndarray, left: float, bottom: float, side: float) -> np.ndarray:
    return np.array([left, bottom]) + side / 2 + (side / 2 - GUTTER) * flat


def _closed(vertices: np.ndarray, faces: np.ndarray, wanted: np.ndarray | None) -> np.ndarray:
    """A closed surface without a cap at its back; what lies inside the cap goes to the nearest place on its rim."""
    if len(np.unique(faces)) - len(faces) * 3 // 2 + len(faces) == 2:
        kept = faces[front(vertices, faces)]
    else:
        kept = faces
    used, flat = np.unique(kept, return_inverse=True)
    own = disc(vertices[used], flat.reshape(-1, 3), None if wanted is None else wanted[used])
    out = np.zeros((len(vertices), 2))
    out[used] = own
    for lost in np.setdiff1d(np.arange(len(vertices)), used):
        out[lost] = own[np.argmin(np.linalg.norm(vertices[used] - vertices[lost], axis=1))]
    return out


def _pieces(part: Part) -> list[tuple[np.ndarray, np.ndarray]]:
    """Vertices and their own faces of each connected piece."""
    count = len(part.vertices)
    pairs = part.faces[:, [[0, 1], [1, 2]]].reshape(-1, 2)
    _, label = connected_components(
        sparse.coo_matrix((np.ones(len(pairs)), pairs.T), (count, count)), directed=False
    )
    out = []
    for number in range(label.max() + 1):
        rows = np.flatnonzero(label == number)
        faces = part.faces[label[part.faces[:, 0]] == number]
        out.append((rows, np.searchsorted(rows, faces)))
    return out


@dataclass
class Texels:
    """Texels that show something: `at [t]` in the flat picture, the face's `corners [t,3]`, their `shares [t,3]`;
    `nearest [SIZE * SIZE]` is for each texel of the picture the number of the nearest one of these."""

    at: np.ndarray
    corners: np.ndarray
    shares: np.ndarray
    nearest: np.ndarray

    def spread(self, values: np.ndarray) -> np.ndarray:
        """Values of vertices [n,k] at the texels [t,k]."""
        return np.einsum("tc,tck->tk", self.shares, values[self.corners])

    def picture(self, colors: np.ndarray) -> np.ndarray:
        """The texture [SIZE,SIZE,3] uint8, top row first, of colours [t,3] in 0..1; gaps take what is nearest."""
        flat = np.round(np.clip(colors, 0, 1) * 255).astype(np.uint8)[self.nearest]
        return flat.reshape(SIZE, SIZE, 3)


def texels(uvs: np.ndarray, faces: np.ndarray) -> Texels:
    """What lies under the texels by `uvs [n,2]`; faces that are turned over in it show nothing."""
    found = np.full(SIZE * SIZE, -1)
    shares = np.zeros((SIZE * SIZE, 3), np.float32)
    spots = np.column_stack([uvs[:, 0], 1 - uvs[:, 1]]) * SIZE - 0.5
    for number, (a, b, c) in enumerate(spots[faces]):
        double = (b[1] - a[1]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[1] - a[1])
        if double <= 1e-9:
            continue
        low = np.maximum(np.ceil(np.minimum(np.minimum(a, b), c)), 0).astype(int)
        high = np.floor(np.maximum(np.maximum(a, b), c)).astype(int)
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        one = ((c[0] - x) * (b[1] - y) - (b[0] - x) * (c[1] - y)) / double
        two = ((a[0] - x) * (c[1] - y) - (c[0] - x) * (a[1] - y)) / double
        inside = (one >= -1e-6) & (two >= -1e-6) & (one + two <= 1 + 1e-6)
        at = y[inside] * SIZE + x[inside]
        found[at] = number
        shares[at] = np.stack([one, two, 1 - one - two], axis=-1)[inside]
    at = np.flatnonzero(found >= 0)
    missing = (found < 0).reshape(SIZE, SIZE)
    row, column = distance_transform_edt(missing, return_distances=False, return_indices=True)
    numbers = np.zeros(SIZE * SIZE, np.int64)
    numbers[at] = np.arange(len(at))
    return Texels(at, faces[found[at]], shares[at], numbers[(row * SIZE + column).ravel()])
