"""Reads ICT-FaceKit (MIT, USC ICT) as measurements: a surface over a flat domain, sampled anywhere.

The left half of the head is laid out on the unit square by a barycentric embedding (Tutte, 1963): the
facial midline lies on u = 0 (neck front to forehead) and v = 1 (crown) and u = 1 (nape), the neck border
on v = 0. The surface is then a function of (u, v); nothing of the measured mesh's layout is kept.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.linalg as sparse_linalg
from matplotlib.tri import Triangulation

MIDLINE = 3e-3


class Measurements:
    """Half-head surface with positions, deltas and landmarks; `at(uv)` interpolates linearly."""

    def __init__(self, folder: Path, identity: np.ndarray) -> None:
        data = np.load(folder / "ict_facekit.npz")
        layout = json.loads((folder / "layout.json").read_text())
        self.landmarks = layout["landmarks68"]
        self.geometries = layout["geometries"]
        self.names = [str(n) for n in data["expression_names"]]
        self.base = data["vertices"].astype(float)
        self.whole = self.base.copy()
        shapes = np.load(folder / "identities.npz")["identity_deltas"][: len(identity)].astype(float)
        self.whole += np.tensordot(identity, shapes, 1)
        self.deltas = data["expression_deltas"]
        quads = data["faces"]
        self.quads = quads
        skin = quads[: self.geometries["Head and Neck"]["faces"][1]]
        triangles = np.vstack([skin[:, :3], skin[skin[:, 3] >= 0][:, [0, 2, 3]]])
        self.count = int(self.geometries["Head and Neck"]["vertices"][1])
        keep = self.base[: self.count, 0] > -MIDLINE
        self.triangles = triangles[keep[triangles].all(axis=1)]
        self.on_midline = np.abs(self.base[: self.count, 0]) < MIDLINE
        self._close_holes()
        self._flatten()
        self.finder = Triangulation(self.uv[:, 0], self.uv[:, 1], self.closed).get_trifinder()

    def _loops(self) -> list[list[int]]:
        t = self.triangles
        directed = set(map(tuple, np.vstack([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]).tolist()))
        following = dict((a, b) for a, b in directed if (b, a) not in directed)
        loops: list[list[int]] = []
        seen: set[int] = set()
        for start in sorted(following):
            loop: list[int] = []
            v = start
            while v not in seen:
                seen.add(v)
                loop.append(v)
                v = following[v]
            if loop:
                loops.append(loop)
        return loops

    def _close_holes(self) -> None:
        """Splits the border into neck, midline and mouth; fills mouth and eye with fans for the embedding."""
        loops = self._loops()
        outer, eye = max(loops, key=len), min(loops, key=len)
        on_neck = [not self.on_midline[v] and self.whole[v, 1] < -12 for v in outer]
        n = len(outer)
        first = next(i for i in range(n) if on_neck[i] and not on_neck[i - 1])
        outer = outer[first - 1 :] + outer[: first - 1]
        end = next(i for i in range(1, n) if self.on_midline[outer[i]])
        neck, rest = outer[: end + 1], [*outer[end:], outer[0]]
        off = [i for i, v in enumerate(rest) if not self.on_midline[v]]
        mouth = rest[off[0] - 1 : off[-1] + 2]
        self.mouth_centre, self.eye_centre = self.count, self.count + 1
        middle = [*rest[: off[0]], self.mouth_centre, *rest[off[-1] + 1 :]]
        points = self.whole[: self.count]
        centre = [[0, points[mouth, 1].mean(), points[mouth, 2].mean()], points[eye].mean(axis=0)]
        self.points = np.vstack([points, centre])
        fan = [(b, a, self.mouth_centre) for a, b in zip(mouth[:-1], mouth[1:], strict=True)]
        fan += [(b, a, self.eye_centre) for a, b in zip(eye, eye[1:] + eye[:1], strict=True)]
        self.closed = np.vstack([self.triangles, fan])
        if self.points[middle[0], 2] < self.points[middle[-1], 2]:
            middle, neck = middle[::-1], neck[::-1]
        if neck[0] != middle[-1]:
            neck = neck[::-1]
        self.middle, self.neck = middle, neck

    def _flatten(self) -> None:
        p = self.points[self.middle]
        s = np.r_[0, np.cumsum(0.5 + np.linalg.norm(np.diff(p, axis=0), axis=1))]
        hair = int(np.argmax((p[:, 1] > 11) & (p[:, 2] < 8)))
        back = int(np.argmax(p[:, 2] < -6.5))
        fixed: dict[int, tuple[float, float]] = {}
        for i, v in enumerate(self.middle):
            if i <= hair:
                fixed[v] = (0, s[i] / s[hair])
            elif i <= back:
                fixed[v] = ((s[i] - s[hair]) / (s[back] - s[hair]), 1)
            else:
                fixed[v] = (1, 1 - (s[i] - s[back]) / (s[-1] - s[back]))
        for i, v in enumerate(self.neck):
            fixed[v] = (1 - i / (len(self.neck) - 1), 0)
        t = self.closed
        sides = np.unique(np.sort(np.vstack([t[:, [0, 1]], t[:, [1, 2]], t[:, [2, 0]]]), axis=1), axis=0)
        n = len(self.points)
        near = sparse.coo_matrix((np.ones(len(sides)), sides.T), (n, n)).tocsr()
        near = near + near.T
        held = np.array(sorted(fixed))
        free = np.setdiff1d(np.unique(t), held)
        laplacian = (sparse.diags(np.asarray(near.sum(axis=1)).ravel()) - near).tocsr()
        uv = np.zeros((n, 2))
        uv[held] = [fixed[v] for v in held]
        right = -(laplacian[free][:, held] @ uv[held])
        uv[free] = sparse_linalg.spsolve(laplacian[free][:, free].tocsc(), right)
        self.uv = uv
        self.corner_uv = [(0, 0), (0, 1), (1, 1), (1, 0)]

    def at(self, uv: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertex numbers [N,3] and weights [N,3] of the triangle below each point, and whether it is skin [N]."""
        q = np.clip(uv, 1e-9, 1 - 1e-9)
        t = np.asarray(self.finder(q[:, 0], q[:, 1]))
        a, b, c = (self.uv[self.closed[t, k]] for k in range(3))
        cross = lambda p, r: p[:, 0] * r[:, 1] - p[:, 1] * r[:, 0]  # noqa: E731
        d = cross(b - a, c - a)
        w1, w2 = cross(q - a, c - a) / d, cross(b - a, q - a) / d
        return self.closed[t], np.stack([1 - w1 - w2, w1, w2], axis=1), t < len(self.triangles)

    def position(self, uv: np.ndarray) -> np.ndarray:
        v, w, _ = self.at(uv)
        return np.einsum("ij,ijk->ik", w, self.points[v])

    def landmark_uv(self, number: int) -> np.ndarray:
        return self.uv[self.landmarks[number]]
