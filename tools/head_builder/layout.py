"""Lays out the control cage of the skin over the measured surface: rings at lips and lids, even points elsewhere."""

from __future__ import annotations

import numpy as np
from scipy.spatial import Delaunay, cKDTree

from tools.head_builder.measurements import Measurements
from tools.head_builder.rings import (
    EYE_SPOKES,
    MOUTH_SPOKES,
    NOSTRIL_SPOKES,
    eye_rings,
    mouth_rings,
    nostril_rings,
)


def _spacing(m: Measurements, points: np.ndarray) -> np.ndarray:
    """Wanted distance of cage points in cm at each surface point [N]."""
    near = lambda centre, r: np.exp(-(((points - centre) ** 2).sum(axis=1)) / (2 * r * r))  # noqa: E731
    tip = m.points[m.landmarks[30]]
    wing = m.points[m.landmarks[35]]
    size = np.clip(
        0.95 + 0.13 * np.maximum(9.5 - points[:, 2], 0) + 0.06 * np.maximum(points[:, 1] - 5, 0), 0, 2.5
    )
    size = np.where(points[:, 1] < -8, np.clip(0.16 * (-points[:, 1] - 8) + 1.4, 0, 2.6), size)
    ear = m.position(np.array([[0.53, 0.57]]))[0]
    for centre, r, s in ((tip, 1.3, 0.55), (wing, 0.8, 0.40), (ear, 2.0, 0.45)):
        w = np.clip(1.6 * near(centre, r), 0, 1)
        size = np.minimum(size, w * s + (1 - w) * size)
    return size


def _border_points(m: Measurements, rings: np.ndarray) -> np.ndarray:
    """Domain points along the four sides, spaced by the wanted size; the mouth's stretch is left to its rings."""
    out = []
    low, high = rings[-1, -1, 1], rings[-1, 0, 1]
    sides = [((0, 0), (0, low)), ((0, high), (0, 1)), ((0, 1), (1, 1)), ((1, 1), (1, 0)), ((1, 0), (0, 0))]
    for start, end in sides:
        uv = np.array(start) + np.linspace(0, 1, 4001)[:, None] * (np.array(end) - np.array(start))
        p = m.position(uv)
        step = np.linalg.norm(np.diff(p, axis=0), axis=1)
        count = np.r_[0, np.cumsum(step / _spacing(m, (p[1:] + p[:-1]) / 2))]
        n = max(int(round(count[-1])), 1)
        t = np.interp(np.arange(n) / n * count[-1], count, np.arange(4001))
        if tuple(start) == (0, high):
            t = t[1:]
        out.append(np.stack([np.interp(t, np.arange(4001), uv[:, k]) for k in range(2)], axis=1))
    return np.vstack(out)


def _inside(polygon: np.ndarray, uv: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(uv), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        crosses = (a[1] > uv[:, 1]) != (b[1] > uv[:, 1])
        x = a[0] + (uv[:, 1] - a[1]) / np.where(b[1] == a[1], 1, b[1] - a[1]) * (b[0] - a[0])
        inside ^= crosses & (uv[:, 0] < x)
    return inside


def _even_points(m: Measurements, fixed: np.ndarray, polygons: list[np.ndarray], seed: int) -> np.ndarray:
    """Free cage points: centroids of a density-weighted Voronoi partition (Lloyd, 1982) around fixed points."""
    rng = np.random.default_rng(seed)
    t = m.triangles
    p = m.points[t]
    normal = np.cross(p[:, 1] - p[:, 0], p[:, 2] - p[:, 0])
    area = np.linalg.norm(normal, axis=1) / 2
    normal /= np.maximum(2 * area[:, None], 1e-12)
    size = _spacing(m, p.mean(axis=1))
    chance = area / size**2
    pick = rng.choice(len(t), 60000, p=chance / chance.sum())
    w = rng.dirichlet((1, 1, 1), len(pick))
    uv = np.einsum("ij,ijk->ik", w, m.uv[t[pick]])
    xyz = np.einsum("ij,ijk->ik", w, p[pick])
    features = np.hstack([xyz / size[pick, None], 0.6 * normal[pick]])
    free = ~np.any([_inside(q, uv) for q in polygons], axis=0)
    uv, features = uv[free], features[free]
    share = free.sum() / len(pick)
    count = int(round(1.06 * share * chance.sum() * 2 / np.sqrt(3))) - len(fixed) // 3
    near = cKDTree(features)
    anchor = cKDTree(uv / 1.0)
    held = features[anchor.query(fixed)[1]]
    moving = features[rng.choice(len(uv), count, replace=False)]
    for _ in range(60):
        sites = np.vstack([held, moving])
        owner = cKDTree(sites).query(features)[1]
        total = np.bincount(owner, minlength=len(sites))
        mean = np.stack([np.bincount(owner, f, len(sites)) for f in features.T], axis=1)
        mean /= np.maximum(total[:, None], 1)  # type: ignore[misc]
        good = total[len(held) :] > 0
        moving = mean[len(held) :][good]
    return uv[near.query(moving)[1]]


def _flip(faces: np.ndarray, uv: np.ndarray, wanted) -> np.ndarray:
    """Flips edges while `wanted(a, b, c, d)` says so for edge ab with far corners c, d and the flip stays planar."""
    area = lambda a, b, c: np.cross(uv[b] - uv[a], uv[c] - uv[a])  # noqa: E731
    faces = faces.copy()
    for _ in range(200):
        owner: dict[tuple[int, int], int] = {}
        for f, (a, b, c) in enumerate(faces.tolist()):
            owner[a, b] = owner[b, c] = owner[c, a] = f
        touched: set[int] = set()
        flips = 0
        for (a, b), f in owner.items():
            g = owner.get((b, a))
            if g is None or a > b or f in touched or g in touched:
                continue
            c = int(sum(faces[f])) - a - b
            d = int(sum(faces[g])) - a - b
            if area(a, d, c) > 1e-12 and area(d, b, c) > 1e-12 and wanted(a, b, c, d):
                faces[f], faces[g] = (a, d, c), (d, b, c)
                touched |= {f, g}
                flips += 1
        if not flips:
            break
    return faces


def _recover(faces: np.ndarray, uv: np.ndarray, fixed: set[tuple[int, int]]) -> np.ndarray:
    """Flips edges that cross a fixed edge until each fixed edge is present (Sloan, 1993)."""
    turn = lambda p, q, r: np.cross(uv[q] - uv[p], uv[r] - uv[p])  # noqa: E731
    faces = faces.copy()
    owner: dict[tuple[int, int], int] = {}

    def own(f: int) -> None:
        a, b, c = faces[f].tolist()
        owner[a, b] = owner[b, c] = owner[c, a] = f

    def crosses(a: int, b: int, p: int, q: int) -> bool:
        if len({a, b, p, q}) < 4:
            return False
        return turn(p, q, a) * turn(p, q, b) < 0 and turn(a, b, p) * turn(a, b, q) < 0

    for f in range(len(faces)):
        own(f)
    for p, q in sorted(fixed):
        queue = [e for e in sorted(owner) if e[0] < e[1] and crosses(*e, p, q)]
        for _ in range(1000):
            if not queue:
                break
            a, b = queue.pop(0)
            f, g = owner[a, b], owner[b, a]
            c, d = int(faces[f].sum()) - a - b, int(faces[g].sum()) - a - b
            if turn(a, d, c) <= 0 or turn(d, b, c) <= 0:
                queue.append((a, b))
                continue
            del owner[a, b], owner[b, a]
            faces[f], faces[g] = (a, d, c), (d, b, c)
            own(f)
            own(g)
            if crosses(c, d, p, q):
                queue.append((min(c, d), max(c, d)))
        if (p, q) not in owner and (q, p) not in owner:
            raise RuntimeError(f"ring edge {p}-{q} could not be put into the cage")
    return faces


def _strip(near: np.ndarray, far: np.ndarray, closed: bool) -> list[tuple[int, int, int]]:
    """Triangles between two rings of equal length, near inside far; spokes run clockwise."""
    n = len(near)
    out = []
    for j in range(n if closed else n - 1):
        k = (j + 1) % n
        out += [(near[j], near[k], far[k]), (near[j], far[k], far[j])]
    return out


def _facing(faces: np.ndarray, uv: np.ndarray) -> np.ndarray:
    """Faces turned counter-clockwise in the domain; flat ones are left out."""
    turn = np.cross(uv[faces[:, 1]] - uv[faces[:, 0]], uv[faces[:, 2]] - uv[faces[:, 0]])
    faces = np.where((turn < 0)[:, None], faces[:, ::-1], faces)
    return faces[np.abs(turn) > 1e-14]


def _even_angles(faces: np.ndarray, uv: np.ndarray, xyz: np.ndarray, rim: set[tuple[int, int]]) -> np.ndarray:
    """Flips edges, other than `rim`, until no two angles that face one add up to more than 180 degrees."""

    def angle(p: int, q: int, r: int) -> float:
        a, b = xyz[q] - xyz[p], xyz[r] - xyz[p]
        return float(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1)))

    def bad(a: int, b: int, c: int, d: int) -> bool:
        return tuple(sorted((a, b))) not in rim and angle(c, a, b) + angle(d, a, b) > np.pi + 1e-6

    return _flip(faces, uv, bad)


def lay_out(m: Measurements, seed: int = 7) -> dict[str, np.ndarray]:
    """The half cage: `uv [N,2]`, `faces [F,3]`, `mouth` and `eye` [rings,spokes] vertex numbers."""
    mouth_uv, eye_uv = mouth_rings(m), eye_rings(m)
    nose_uv, nose_end = nostril_rings(m)
    border = _border_points(m, mouth_uv)
    mouth_polygon = np.vstack([mouth_uv[-1], [[-1, mouth_uv[-1, -1, 1]], [-1, mouth_uv[-1, 0, 1]]]])
    polygons = [mouth_polygon, eye_uv[-1], nose_uv[-1]]
    fixed = np.vstack([mouth_uv[-1], eye_uv[-1], nose_uv[-1], border])
    free = _even_points(m, fixed, polygons, seed)
    rings = [mouth_uv.reshape(-1, 2), eye_uv.reshape(-1, 2), nose_uv.reshape(-1, 2), nose_end[None]]
    uv = np.vstack([*rings, border, free])
    mouth = np.arange(len(rings[0])).reshape(-1, MOUTH_SPOKES)
    eye = mouth.size + np.arange(len(rings[1])).reshape(-1, EYE_SPOKES)
    nose = mouth.size + eye.size + np.arange(len(rings[2])).reshape(-1, NOSTRIL_SPOKES)
    end = mouth.size + eye.size + nose.size
    outside = np.r_[mouth[-1], eye[-1], nose[-1], np.arange(end + 1, len(uv))]
    faces = _facing(outside[Delaunay(uv[outside]).simplices], uv)
    rim = {tuple(sorted(e)) for e in zip(mouth[-1][:-1].tolist(), mouth[-1][1:].tolist(), strict=True)}
    for ring in (eye[-1], nose[-1]):
        rim |= {tuple(sorted(e)) for e in zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True)}
    faces = _recover(faces, uv, rim)
    middle = uv[faces].mean(axis=1)
    faces = faces[~np.any([_inside(q, middle) for q in polygons], axis=0)]
    faces = _even_angles(faces, uv, m.position(uv), rim)
    strips = [(a, b, end) for a, b in zip(nose[0], np.roll(nose[0], -1), strict=True)]
    for ring, closed in ((mouth, False), (eye, True), (nose, True)):
        strips += [t for k in range(len(ring) - 1) for t in _strip(ring[k], ring[k + 1], closed)]
    return {"uv": uv, "faces": np.vstack([_facing(np.array(strips), uv), faces]), "mouth": mouth, "eye": eye}
