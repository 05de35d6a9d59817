"""The whole control cage: the laid-out half, its mouth bag and eye socket, and the mirror image of all that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SKIN, MOUTH, SOCKET = 0, 1, 2


@dataclass(frozen=True)
class Cage:
    """Topology of the cage. `part [F]` is SKIN, MOUTH or SOCKET; `mirror [N]` the mirror permutation.

    `mouth [rings,15]` and `eye [rings,20]` number the left half's rings from the inside out; `bag [3,15]`,
    `throat`, `socket [1,20]` and `socket_pole` continue them inwards. `half` vertices come first.
    """

    faces: np.ndarray
    part: np.ndarray
    mirror: np.ndarray
    mouth: np.ndarray
    eye: np.ndarray
    bag: np.ndarray
    throat: int
    socket: np.ndarray
    socket_pole: int
    half: int

    @property
    def count(self) -> int:
        return len(self.mirror)


def _strip(near: np.ndarray, far: np.ndarray, closed: bool) -> list[tuple[int, int, int]]:
    n = len(near)
    out = []
    for j in range(n if closed else n - 1):
        k = (j + 1) % n
        out += [(near[j], far[k], near[k]), (near[j], far[j], far[k])]
    return out


def whole_cage(layout: dict[str, np.ndarray]) -> tuple[Cage, int]:
    """The cage of a laid-out half, and the number of faces that the half's skin has (they come first)."""
    uv, skin, mouth, eye = (layout[k] for k in ("uv", "faces", "mouth", "eye"))
    n = len(uv)
    bag = n + np.arange(3 * mouth.shape[1]).reshape(3, -1)
    throat = n + bag.size
    socket = throat + 1 + np.arange(eye.shape[1]).reshape(1, -1)
    pole = throat + 1 + socket.size
    half = pole + 1
    inner: list[tuple[int, int, int]] = []
    rings = [mouth[0], *bag]
    for near, far in zip(rings[:-1], rings[1:], strict=True):
        inner += _strip(near, far, False)
    inner += [(bag[-1][j], throat, bag[-1][j + 1]) for j in range(mouth.shape[1] - 1)]
    mouth_faces = len(inner)
    inner += _strip(eye[0], socket[0], True)
    inner += [(socket[0][j], pole, socket[0][(j + 1) % eye.shape[1]]) for j in range(eye.shape[1])]
    # Spokes run clockwise at the mouth and counter-clockwise at the eye, seen from the front.
    oriented = [t if k < mouth_faces else (t[0], t[2], t[1]) for k, t in enumerate(inner)]
    faces = np.vstack([skin, np.array(oriented)])
    part = np.r_[
        np.full(len(skin), SKIN), np.full(mouth_faces, MOUTH), np.full(len(inner) - mouth_faces, SOCKET)
    ]
    middle = np.zeros(half, bool)
    middle[:n] = (uv[:, 0] < 1e-9) | (uv[:, 1] > 1 - 1e-9) | (uv[:, 0] > 1 - 1e-9)
    middle[bag[:, [0, -1]]] = True
    middle[throat] = True
    mirror = np.arange(half)
    mirror[~middle] = half + np.arange((~middle).sum())
    back = np.r_[mirror, np.flatnonzero(~middle)]
    image = mirror[faces][:, ::-1]
    cage = Cage(
        np.vstack([faces, image]), np.r_[part, part], back, mouth, eye, bag, throat, socket, pole, half
    )
    return cage, len(skin)
