"""Loop subdivision as sparse matrices, so that a cage's positions, deltas and attributes share one refinement.

Charles Loop, "Smooth Subdivision Surfaces Based on Triangles", 1987; crease rules after Hoppe et al., 1994.
"""

from __future__ import annotations

import numpy as np


class Rows:
    """A sparse matrix as padded rows: `index [R,K]`, `weight [R,K]`; `apply` maps [N,...] to [R,...]."""

    def __init__(self, index: np.ndarray, weight: np.ndarray) -> None:
        self.index = index
        self.weight = weight

    def apply(self, values: np.ndarray) -> np.ndarray:
        flat = values.reshape(len(values), -1)
        out = np.zeros((len(self.index), flat.shape[1]))
        for k in range(self.index.shape[1]):
            out += self.weight[:, k, None] * flat[self.index[:, k]]
        return out.reshape((len(self.index), *values.shape[1:]))


def edges_of(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unique edges [E,2] (sorted pairs, in order) and the edge number of each face side [F,3]."""
    sides = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, inverse = np.unique(sides, axis=0, return_inverse=True)
    return edges, inverse.reshape(-1, 3)


def _opposite(faces: np.ndarray, sides: np.ndarray, count: int) -> np.ndarray:
    """Vertices facing each edge [E,2]; -1 where the edge has one face only."""
    opposite = np.full((count, 2), -1)
    for corner, side in zip(faces, sides, strict=True):
        for k in range(3):
            e = side[k]
            opposite[e, 0 if opposite[e, 0] < 0 else 1] = corner[(k + 2) % 3]
    return opposite


def _vertex_row(v: int, ring: list[int], creased: list[int], corner: bool) -> tuple[list[int], list[float]]:
    if corner or len(creased) > 2 or (len(creased) == 1):
        return [v], [1.0]
    if len(creased) == 2:
        return [v, *creased], [0.75, 0.125, 0.125]
    n = len(ring)
    beta = (0.625 - (0.375 + 0.25 * np.cos(2 * np.pi / n)) ** 2) / n
    return [v, *ring], [1 - n * beta] + [beta] * n


def loop_step(
    faces: np.ndarray, count: int, sharp: set[tuple[int, int]] | None = None, corners: set[int] | None = None
) -> tuple[Rows, np.ndarray, set[tuple[int, int]]]:
    """One step: rows [count+E] that make the new vertices (old ones first, then one an edge), the new
    faces [4F,3], and the sharp edges of the finer mesh. Border edges are sharp by themselves.
    """
    sharp = sharp or set()
    corners = corners or set()
    edges, sides = edges_of(faces)
    opposite = _opposite(faces, sides, len(edges))
    rows: list[tuple[list[int], list[float]]] = []
    ring: list[list[int]] = [[] for _ in range(count)]
    creased: list[list[int]] = [[] for _ in range(count)]
    is_sharp = [
        bool(o[1] < 0) or (int(a), int(b)) in sharp for (a, b), o in zip(edges, opposite, strict=True)
    ]
    for (a, b), s in zip(edges.tolist(), is_sharp, strict=True):
        ring[a].append(b)
        ring[b].append(a)
        if s:
            creased[a].append(b)
            creased[b].append(a)
    for v in range(count):
        rows.append(_vertex_row(v, ring[v], creased[v], v in corners))
    for (a, b), o, s in zip(edges.tolist(), opposite.tolist(), is_sharp, strict=True):
        rows.append(([a, b], [0.5, 0.5]) if s else ([a, b, *o], [0.375, 0.375, 0.125, 0.125]))
    mid = count + sides
    a, b, c = faces.T
    ab, bc, ca = mid.T
    fine = np.stack([a, ab, ca, b, bc, ab, c, ca, bc, ab, bc, ca], axis=1).reshape(-1, 3)
    finer_sharp = set()
    for e, ((a_, b_), s) in enumerate(zip(edges.tolist(), is_sharp, strict=True)):
        if s:
            finer_sharp |= {(a_, count + e), (b_, count + e)}
    return _pad(rows), fine, finer_sharp


def _pad(rows: list[tuple[list[int], list[float]]]) -> Rows:
    width = max(len(i) for i, _ in rows)
    index = np.zeros((len(rows), width), np.int64)
    weight = np.zeros((len(rows), width))
    for r, (i, w) in enumerate(rows):
        index[r, : len(i)] = i
        weight[r, : len(w)] = w
    return Rows(index, weight)


def _cut(corner: np.ndarray, middle: np.ndarray, used: np.ndarray) -> list[list[int]]:
    """Triangles of a face whose sides' middles [3], after each corner, are there if `used`."""
    polygon: list[int] = []
    for a, m in zip(corner.tolist(), middle.tolist(), strict=True):
        polygon += [a, m] if used[m] else [a]
    start = next((k for k, v in enumerate(polygon) if v in middle), 0)
    polygon = polygon[start:] + polygon[:start]
    return [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]


class Subdivision:
    """Two Loop steps of a cage, the second one only where `fine` says so, and none where `rough` does.

    `apply` maps cage values [N,...] to values of the refined mesh [V,...]; `faces [F,3]` are its faces and
    `labels [F]` the cage face that each came from. Without `fine` both steps are whole. Rough cage faces keep
    their corners, which lie on the refined surface; they should not touch fine ones.
    """

    def __init__(
        self,
        faces: np.ndarray,
        count: int,
        fine: np.ndarray | None = None,
        rough: np.ndarray | None = None,
        sharp: set[tuple[int, int]] | None = None,
        corners: set[int] | None = None,
    ) -> None:
        self._cage_count = count
        self.steps: list[Rows] = []
        self.edges: list[np.ndarray] = []
        cage, coarse = faces, faces
        for _ in range(2):
            self.edges.append(edges_of(faces)[0])
            coarse = faces
            rows, faces, sharp = loop_step(faces, count, sharp, corners)
            self.steps.append(rows)
            count = len(rows.index)
        self.keep = np.arange(count)
        self.faces = faces
        self.labels = np.repeat(np.arange(len(faces) // 16), 16)
        if fine is not None:
            self._thin_out(cage, coarse, fine, np.zeros(len(cage), bool) if rough is None else rough)

    def _thin_out(self, cage: np.ndarray, coarse: np.ndarray, fine: np.ndarray, rough: np.ndarray) -> None:
        """Keeps the steps that are wanted; faces next to finer ones are cut along the shared edges."""
        quarter = self.faces.reshape(-1, 4, 3)  # of each coarse face
        whole = coarse.reshape(-1, 4, 3)  # of each cage face
        used = np.zeros(len(self.keep), bool)
        used[: self._cage_count] = True
        used[whole[~rough].ravel()] = True
        used[quarter[np.repeat(fine, 4)].ravel()] = True
        faces: list[list[int]] = []
        labels: list[int] = []
        for f, corner in enumerate(cage):
            if fine[f]:
                new = quarter[4 * f : 4 * f + 4].reshape(-1, 3).tolist()
            elif rough[f]:
                new = _cut(corner, whole[f, 3], used)
            else:
                new = [t for k in range(4) for t in _cut(whole[f, k], quarter[4 * f + k, 3], used)]
            faces += new
            labels += [f] * len(new)
        self.keep = np.flatnonzero(used)
        number = np.cumsum(used) - 1
        self.faces = number[np.array(faces)]
        self.labels = np.array(labels)

    def apply(self, values: np.ndarray) -> np.ndarray:
        for step in self.steps:
            values = step.apply(values)
        return values[self.keep]

    def mirrored(self, mirror: np.ndarray) -> np.ndarray:
        """The mirror permutation of the refined vertices, from that of the cage's."""
        for edges in self.edges:
            number = {(int(a), int(b)): e for e, (a, b) in enumerate(edges)}
            image = np.sort(mirror[edges], axis=1)
            moved = np.array([number[int(a), int(b)] for a, b in image]) + len(mirror)
            mirror = np.concatenate([mirror, moved])
        back = np.full(len(mirror), -1)
        back[self.keep] = np.arange(len(self.keep))
        return back[mirror[self.keep]]

    def chain(self, ring: list[int], closed: bool = False) -> np.ndarray:
        """The refined vertices along a path of cage edges (4 steps an edge)."""
        path = [*ring, ring[0]] if closed else list(ring)
        count = 0
        for level, edges in enumerate(self.edges):
            number = {(int(a), int(b)): e for e, (a, b) in enumerate(edges)}
            count = self._cage_count if level == 0 else len(self.steps[0].index)
            longer = [path[0]]
            for a, b in zip(path[:-1], path[1:], strict=True):
                longer += [count + number[min(a, b), max(a, b)], b]
            path = longer
        back = np.full(len(self.steps[1].index), -1)
        back[self.keep] = np.arange(len(self.keep))
        out = back[np.array(path)]
        return out[:-1] if closed else out
