"""Hair: a close cap on the scalp and locks combed back over it."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from tools.head_builder.parameters import Parameters
from tools.head_builder.part import (
    FLIP,
    Part,
    join,
    mirror_part,
    smoothstep,
    vertex_normals,
    without_small,
)
from tools.head_builder.subdivision import Subdivision

HAIR = np.array([0.215, 0.135, 0.09])
LOCKS = 124  # a side
STATIONS = 4
# Height of the hairline in cm by direction from the head's axis in degrees, from the front to the nape.
HAIRLINE = np.array(
    [
        (0, 10.0), (14, 10.3), (28, 10.2), (40, 9.2), (48, 7.9), (56, 6.9), (63, 5.6), (69, 4.3), (75, 3.6),
        (80, 4.4), (86, 5.4), (94, 5.8), (104, 5.2), (112, 3.0), (120, -0.6), (135, -4.0), (180, -5.4),
    ]
)  # fmt: skip


def above_hairline(points: np.ndarray) -> np.ndarray:
    """Height over the hairline in cm [n]."""
    degrees = np.degrees(np.arctan2(np.abs(points[:, 0]), points[:, 2] - 0.3))
    return points[:, 1] - np.interp(degrees, HAIRLINE[:, 0], HAIRLINE[:, 1])


class Scalp:
    """The refined skin as a base for hair: points, normals, height over the hairline, and brow displacements."""

    def __init__(self, p: Parameters) -> None:
        rough = np.abs(above_hairline(p.neutral))[p.faces].min(axis=1)
        self.sub = Subdivision(p.faces, len(p.mirror), fine=rough < 0.4)
        self.mirror = self.sub.mirrored(p.mirror)
        v = self.sub.apply(p.neutral)
        self.points = (v + v[self.mirror] * FLIP) / 2
        self.normals = vertex_normals(self.points, self.sub.faces)
        self.rise = above_hairline(self.points)
        near = (above_hairline(p.neutral)[p.faces] > -2.0).any(axis=1) & (p.part == 0)
        self.faces = self.sub.faces[near[self.sub.labels] & (self.rise[self.sub.faces] > -1.0).all(axis=1)]
        self.deltas = {}
        for name in ("browInnerUp", "browOuterUp_L", "browDown_L"):
            field = without_small(self.sub.apply(p.deltas[name]))
            image = field[self.mirror] * FLIP
            if name.endswith("_L"):
                self.deltas[name[:-2] + "Left"], self.deltas[name[:-2] + "Right"] = field, image
            else:
                self.deltas[name] = (field + image) / 2

    def lift(self) -> np.ndarray:
        """Thickness of the cap in cm; negative below the hairline, so that its edge lies in the skin."""
        top = smoothstep(6.0, 13.0, self.points[:, 1])
        return (
            (0.40 + 0.6 * top) * smoothstep(-0.3, 2.6 - 1.1 * (1 - top), self.rise)  # type: ignore[arg-type]
            - 0.03
            + 0.25 * np.minimum(self.rise, 0)
        )


def _cap(scalp: Scalp) -> Part:
    used = np.unique(scalp.faces)
    number = np.full(len(scalp.points), -1)
    number[used] = np.arange(len(used))
    points = scalp.points[used]
    turn = np.abs(np.arctan2(points[:, 0], points[:, 1] - 6.5))
    strand = 0.6 * np.sin(26 * turn + 0.35 * points[:, 2]) + 0.4 * np.sin(47 * turn - 0.5 * points[:, 2])
    vertices = points + scalp.normals[used] * (scalp.lift()[used] * (1 + 0.06 * strand))[:, None]
    colour = HAIR * (0.92 + 0.12 * strand)[:, None]
    edge = smoothstep(0.5, -0.25, scalp.rise[used]) * 0.55
    colour = colour + (np.array([0.42, 0.30, 0.24]) - colour) * edge[:, None]
    deltas = {k: d[used] for k, d in scalp.deltas.items()}
    strands = np.stack([8.0 * turn, scalp.rise[used]], axis=1)
    return Part("hair", "hair", vertices, number[scalp.faces], np.clip(colour, 0, 1), deltas, strands)


def _comb(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Direction in which the hair lies: back over the top, back and down at the sides, down at the back."""
    down = smoothstep(1.0, -7.0, points[:, 2]) + 0.45 * smoothstep(9.0, 4.0, points[:, 1])
    back = smoothstep(-9.5, -4.0, points[:, 2]) + 0.05
    side = (
        0.22
        * smoothstep(8.0, 11.0, points[:, 1])
        * np.sign(points[:, 0])
        * smoothstep(0.0, 3.0, np.abs(points[:, 0]))
    )
    way = np.stack([side, -1.1 * down, -back], axis=1)
    way -= normals * (way * normals).sum(axis=1, keepdims=True)
    return way / np.linalg.norm(way, axis=1, keepdims=True)


def _locks(scalp: Scalp) -> Part:
    """Locks of the left half: strips three vertices wide that run along the combed direction to a point."""
    rng = np.random.default_rng(4)
    used = np.unique(scalp.faces)
    used = used[(scalp.points[used, 0] > 0.15) & (scalp.rise[used] > 0.15)]
    base = scalp.points + scalp.normals * scalp.lift()[:, None]
    tree = cKDTree(base[np.unique(scalp.faces)])
    index = np.unique(scalp.faces)

    def on_cap(q: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        distance, near = tree.query(q, k=4)
        w = 1 / (distance + 0.05) ** 2
        w /= w.sum(axis=1, keepdims=True)
        near = index[near]
        normal = np.einsum("ij,ijk->ik", w, scalp.normals[near])
        return (
            np.einsum("ij,ijk->ik", w, base[near]),
            normal / np.linalg.norm(normal, axis=1, keepdims=True),
            near[:, 0],
        )

    roots = [int(used[np.argmax(scalp.points[used, 2])])]
    away = np.linalg.norm(base[used] - base[roots[0]], axis=1)
    while len(roots) < LOCKS:
        roots.append(int(used[np.argmax(away)]))
        away = np.minimum(away, np.linalg.norm(base[used] - base[roots[-1]], axis=1))
    place, normal, near = on_cap(base[roots] + rng.normal(0, 0.12, (LOCKS, 3)))
    length = (
        5
        / (STATIONS - 1)
        * rng.uniform(0.85, 1.25, LOCKS)
        * np.clip(0.45 + 0.22 * scalp.rise[roots], 0.45, 1.0)
    )
    rows, shades, owners = [], [], []
    for k in range(STATIONS):
        t = k / (STATIONS - 1)
        way = _comb(place, normal)
        side = np.cross(way, normal)
        width = 0.46 * np.sin(np.pi * (0.30 + 0.70 * t)) * np.interp(length, [0.67, 2.0], [0.65, 1.15])
        height = 0.01 + 0.09 * np.sin(np.pi * min(t * 1.25, 1.0)) + 0.02 * rng.uniform(0, 1, LOCKS)
        middle = place + normal * (height + 0.09)[:, None]
        low = place + normal * (height - 0.05)[:, None]
        rows.append(np.stack([low - side * width[:, None], middle, low + side * width[:, None]], axis=1))
        shades.append(0.88 + 0.17 * np.sin(np.pi * t))
        owners.append(near)
        place, normal, near = on_cap(place + way * length[:, None])
    owner = np.stack(owners, axis=1)
    kept = (scalp.rise[owner].min(axis=1) > 0.35) | (scalp.points[owner[:, 0], 2] < -5)
    tip = 3 * (STATIONS - 1)
    points = [*range(tip), tip + 1]  # the last station is its middle alone
    vertices = np.stack(rows, axis=1)[kept].reshape(-1, 3 * STATIONS, 3)[:, points]
    count = len(vertices)
    faces = [(tip - 3, tip - 2, tip), (tip - 2, tip - 1, tip)]
    for k in range(STATIONS - 2):
        for j in range(2):
            a, b, c, d = 3 * k + j, 3 * k + j + 1, 3 * k + j + 4, 3 * k + j + 3
            faces += [(a, b, c), (a, c, d)]
    all_faces = (np.array(faces)[None] + len(points) * np.arange(count)[:, None, None]).reshape(-1, 3)
    tone = 1 + 0.13 * rng.uniform(-1, 1, count)
    colour = HAIR * (tone[:, None] * np.array(shades)[None])[:, :, None]
    colour = np.repeat(colour[:, :, None], 3, axis=2) * np.array([0.90, 1.06, 0.90])[None, None, :, None]
    colour = colour.reshape(count, -1, 3)[:, points].reshape(-1, 3)
    owner = np.repeat(owner[kept], 3, axis=1)[:, points].reshape(-1)
    deltas = {k: d[owner] for k, d in scalp.deltas.items()}
    spread = vertices - vertices[:, [1 + 3 * (k // 3) if k < tip else tip for k in range(len(points))]]
    across = np.linalg.norm(spread, axis=2) * np.array([*(-1, 0, 1) * (STATIONS - 1), 0])
    left = np.linalg.norm(vertices - vertices[:, -1:], axis=2)
    strands = np.stack([across + 3.1 * np.arange(count)[:, None], 0.6 * left], axis=2).reshape(-1, 2)
    return Part("hair", "hair", vertices.reshape(-1, 3), all_faces, np.clip(colour, 0, 1), deltas, strands)


def hair(p: Parameters) -> Part:
    """Cap and locks as one part."""
    scalp = Scalp(p)
    left = _locks(scalp)
    return join("hair", "hair", [_cap(scalp), left, mirror_part(left, "hair")])
