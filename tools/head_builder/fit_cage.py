"""Fits the cage of the subdivision surface to measurements by least squares (needs SciPy and the data)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.sparse as sparse
import scipy.sparse.csgraph as csgraph
import scipy.sparse.linalg as sparse_linalg

from tools.head_builder.cage import Cage, whole_cage
from tools.head_builder.layout import lay_out
from tools.head_builder.measurements import Measurements
from tools.head_builder.parameters import DELTA_STEP, FITTED, FLIP
from tools.head_builder.rings import LIP_FRACTIONS
from tools.head_builder.subdivision import Rows, Subdivision

SMOOTHING = 2e-3


def _matrix(rows: Rows, columns: int) -> sparse.csr_matrix:
    r = np.repeat(np.arange(len(rows.index)), rows.index.shape[1])
    return sparse.csr_matrix((rows.weight.ravel(), (r, rows.index.ravel())), (len(rows.index), columns))


def matrix_of(sub: Subdivision, count: int) -> sparse.csr_matrix:
    first = _matrix(sub.steps[0], count)
    return (_matrix(sub.steps[1], first.shape[0]) @ first).tocsr()[sub.keep]


def _fine_uv(
    layout: dict[str, np.ndarray], corner_uv: list[tuple[float, float]]
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth domain points of the refined half, passing through the cage's, and the refined faces."""
    uv = layout["uv"]
    corners = {int(np.argmin(((uv - c) ** 2).sum(axis=1))) for c in corner_uv}
    corners |= {int(layout["mouth"][0, 0]), int(layout["mouth"][0, -1])}
    sub = Subdivision(layout["faces"], len(uv), corners=corners)
    control = uv.copy()
    for _ in range(30):
        control += uv - sub.apply(control)[: len(uv)]
    return sub.apply(control), sub.faces


def _signed(name: str) -> tuple[list[str], list[str]]:
    """Measured shapes that add up to `name`, and those of its mirror image."""
    if name in ("browInnerUp", "cheekPuff"):
        return [name + "_L", name + "_R"], [name + "_R", name + "_L"]
    if name.endswith("_L"):
        return [name], [name[:-1] + "R"]
    if name.endswith("Left"):
        return [name], [name[:-4] + "Right"]
    return [name], [name]


def _delta(m: Measurements, names: list[str], v: np.ndarray, w: np.ndarray) -> np.ndarray:
    field = sum(m.deltas[m.names.index(n)].astype(float) for n in names)
    return np.einsum("ij,ijk->ik", w, field[v])


class Fit:
    """Holds the layout and the factorised normal equations; `solve` gives cage values for refined ones."""

    def __init__(self, m: Measurements) -> None:
        self.m = m
        self.layout = lay_out(m)
        self.cage, half_faces = whole_cage(self.layout)
        self.sub = Subdivision(self.cage.faces, self.cage.count)
        fine_uv, fine_faces = _fine_uv(self.layout, m.corner_uv)  # type: ignore[arg-type]
        count = len(self.sub.keep)
        uv = np.full((count, 2), np.nan)
        uv[self.sub.faces[: 16 * half_faces].ravel()] = fine_uv[fine_faces.ravel()]
        self.mirror = self.sub.mirrored(self.cage.mirror)
        self.left = np.flatnonzero(np.isfinite(uv[:, 0]))
        v, w, skin = m.at(uv[self.left])
        self.left, self.v, self.w = self.left[skin], v[skin], w[skin]
        self.uv = uv
        self.designed = np.r_[
            self.cage.bag.ravel(), self.cage.throat, self.cage.socket.ravel(), self.cage.socket_pole
        ]
        self._factorise()

    def _factorise(self) -> None:
        s = matrix_of(self.sub, self.cage.count)
        self.rows = np.unique(np.r_[self.left, self.mirror[self.left]])
        self.matrix = s[self.rows]
        both = np.unique(np.r_[self.designed, self.cage.mirror[self.designed]])
        self.held = both
        e = np.unique(
            np.sort(np.vstack([self.cage.faces[:, [0, 1]], self.cage.faces[:, [1, 2]]]), axis=1), axis=0
        )
        n = self.cage.count
        near = sparse.coo_matrix((np.ones(len(e)), e.T), (n, n)).tocsr()
        near = near + near.T
        umbrella = sparse.identity(n) - sparse.diags(1 / np.asarray(near.sum(axis=1)).ravel()) @ near
        hold = sparse.csr_matrix((np.ones(len(both)), (both, both)), (n, n))
        normal = self.matrix.T @ self.matrix + hold * 4 + SMOOTHING * (umbrella.T @ umbrella)
        self.solver = sparse_linalg.splu(normal.tocsc())

    def solve(self, left: np.ndarray, right: np.ndarray, designed: np.ndarray) -> np.ndarray:
        """Cage values [N,3] from refined values on the left half and mirrored ones on the right."""
        field = np.zeros((len(self.sub.keep), 3))
        field[self.mirror[self.left]] = right * FLIP
        field[self.left] = left
        middle = self.left[self.mirror[self.left] == self.left]
        inside = np.isin(self.left, middle)
        field[self.left[inside]] = (left[inside] + right[inside] * FLIP) / 2
        goal = self.matrix.T @ field[self.rows]
        goal[self.held] += 4 * designed[self.held]
        return self.solver.solve(goal)

    def neutral(self) -> np.ndarray:
        left = np.einsum("ij,ijk->ik", self.w, self.m.points[self.v])
        left[self.mirror[self.left] == self.left, 0] = 0
        cage = self.cage
        designed = np.zeros((cage.count, 3))
        position = self.m.position(self.layout["uv"])
        self._design_bag(designed, position[cage.mouth[0]])
        self._design_socket(designed, position[cage.eye[0]])
        rest = np.arange(cage.half)
        designed[cage.mirror[rest]] = designed[rest] * FLIP
        out = self.solve(left, left, designed)
        return (out + out[cage.mirror] * FLIP) / 2

    def _design_bag(self, designed: np.ndarray, border: np.ndarray) -> None:
        phi = np.linspace(np.pi / 2, -np.pi / 2, border.shape[0])
        x, y = np.cos(phi), np.sin(phi)
        a = np.stack([2.75 * x, -3.38 + 1.75 * y, 10.4 - 1.15 * x**2], axis=1)
        b = np.stack([3.45 * x, -3.3 + 2.75 * y, 8.9 - 0.9 * x**2], axis=1)
        c = np.stack([3.5 * x, -3.2 + 2.6 * y, np.full(len(x), 5.5)], axis=1)
        designed[self.cage.bag] = [a, b, c]
        designed[self.cage.throat] = (0, -3.4, 3.6)

    def _design_socket(self, designed: np.ndarray, border: np.ndarray) -> None:
        centre = self.eye_sphere()[:3]
        out = border - centre
        out[:, 2] = 0
        out /= np.linalg.norm(out, axis=1, keepdims=True)
        designed[self.cage.socket[0]] = centre + out * 1.75 + (0, 0, -0.35)
        designed[self.cage.socket_pole] = centre + (0, 0, -2.1)

    def eye_sphere(self) -> np.ndarray:
        """Centre and radius [4] of the sphere through the inner edge of the lids' margins."""
        p = self.m.position(self.layout["uv"])[self.cage.eye[1:3].ravel()]
        a, b = self.m.geometries["Eyeball left"]["vertices"]
        centre = (self.m.whole[a:b].min(axis=0) + self.m.whole[a:b].max(axis=0)) / 2
        centre = np.r_[centre[:2], self.m.whole[a:b, 2].min() + 1.6]
        return np.r_[centre, np.percentile(np.linalg.norm(p - centre, axis=1), 20)]

    def shape(self, name: str) -> np.ndarray:
        names, mirrored = _signed(name)
        left = _delta(self.m, names, self.v, self.w)
        right = _delta(self.m, mirrored, self.v, self.w)
        return self.solve(left, right, np.zeros((self.cage.count, 3)))

    def attributes(self) -> dict[str, np.ndarray]:
        """Cage attributes: `lip [N]`, the place across the lip: 0 inside, 1 at the vermilion's edge, 2 beyond."""
        lip = np.full(self.cage.count, 2.0)
        values = [0.0, 0.0, *LIP_FRACTIONS, 1.5]
        for ring, value in zip(self.cage.mouth, values, strict=False):
            lip[ring] = value
        lip[self.cage.bag.ravel()] = 0
        lip[self.cage.throat] = 0
        lip = np.minimum(lip, lip[self.cage.mirror])
        return {"lip": lip}


def aperture(m: Measurements, name: str) -> float:
    """How far a control parts the lips in the middle, over the distance of the eyes' outer corners."""
    names, _ = _signed(name)
    field = sum(m.deltas[m.names.index(n)].astype(float) for n in names)
    if name.endswith("_L"):
        field = field + sum(m.deltas[m.names.index(n[:-1] + "R")].astype(float) for n in names)
        field = field / 2
    upper, lower, left, right = (m.landmarks[n] for n in (62, 66, 45, 36))
    base = m.base[left] - m.base[right]
    return float((field[upper, 1] - field[lower, 1]) / np.linalg.norm(base))


def tooth_table(m: Measurements) -> np.ndarray:
    """One row a tooth of the left half [16, 8]: upper 1, centre x, z, width, depth, edge y, neck y, turn (rad)."""
    first, last = m.geometries["Teeth"]["faces"]
    start, end = m.geometries["Teeth"]["vertices"]
    quads = m.quads[first:last]
    links = np.vstack([quads[:, :2], quads[:, 1:3]]) - start
    graph = sparse.coo_matrix((np.ones(len(links)), links.T), (end - start, end - start))
    count, label = csgraph.connected_components(graph, directed=False)
    moved = np.abs(m.deltas[m.names.index("jawOpen")][start:end].astype(float)).sum(axis=1)
    rows = []
    for c in range(count):
        p = m.whole[start:end][label == c]
        if len(p) < 50 or p[:, 0].mean() < 0:
            continue
        upper = moved[label == c].mean() < 0.5
        flat = p[:, [0, 2]]
        middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
        rows.append((float(upper), *middle, 0, 0, p[:, 1].min(), p[:, 1].max(), c))
    table = np.array(rows)
    for upper in (0.0, 1.0):
        side = table[table[:, 0] == upper]
        order = np.argsort(-side[:, 2])
        side = side[order]
        ends = np.vstack([[-side[0, 1], side[0, 2]], side[:, 1:3], 2 * side[-1:, 1:3] - side[-2:-1, 1:3]])
        tangent = ends[2:] - ends[:-2]
        tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
        for row, t in zip(side, tangent, strict=True):
            p = m.whole[start:end][label == int(row[7])][:, [0, 2]] - row[1:3]
            row[3] = np.ptp(p @ t)
            row[4] = np.ptp(p @ np.array([-t[1], t[0]]))
            row[7] = np.arctan2(-t[1], t[0])
            if not upper:
                row[5], row[6] = row[6], row[5]
        table[table[:, 0] == upper] = side
    return table


def run(folder: Path, identity: np.ndarray) -> dict[str, np.ndarray]:
    """Everything that the build needs, as arrays: topology, neutral cage, cage deltas, measured anchors."""
    m = Measurements(folder, identity)
    fit = Fit(m)
    cage: Cage = fit.cage
    out = {
        "faces": cage.faces.astype(np.int16),
        "part": cage.part.astype(np.int8),
        "mirror": cage.mirror.astype(np.int16),
        "mouth": cage.mouth.astype(np.int16),
        "eye": cage.eye.astype(np.int16),
        "bag": cage.bag.astype(np.int16),
        "socket": cage.socket.astype(np.int16),
        "single": np.array([cage.throat, cage.socket_pole, cage.half], np.int16),
        "neutral": np.round(fit.neutral(), 3).astype(np.float32),
        "eye_sphere": fit.eye_sphere().astype(np.float32),
    }
    out |= {k: v.astype(np.float16) for k, v in fit.attributes().items()}
    numbers = [int(n) for n in (27, 30, 33, 8, *range(22, 27), 35, 31, 51, 57)]
    out["landmarks"] = np.array([m.points[m.landmarks[n]] for n in numbers], np.float32)
    out["aperture"] = np.array([aperture(m, name) for name in FITTED], np.float32)
    out["teeth"] = tooth_table(m).astype(np.float32)
    deltas = [fit.shape(name) for name in FITTED]
    out["deltas"] = np.round(np.array(deltas) / DELTA_STEP).astype(np.int16)
    return out
