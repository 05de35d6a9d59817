"""Lays a surface flat into a disc, each piece whole and without a fold, for its texture.

Mean value coordinates (Floater, 2003) on a round border, then a few rounds in which what is stretched draws texture
towards itself (Yoshizawa, Belyaev, Seidel, "A fast and simple stretch-minimizing mesh parameterization", 2004).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import spsolve

ROUNDS = 12
CAP = 0.12  # share of a closed surface that may be taken away at its back
LEAST_AREA = 1e-10  # of a face in the disc: less is rounding, where a piece is crushed as it is laid flat
DECIMALS = 6  # of lengths in cm that are compared: the last bits tell a symmetric surface's halves apart


def disc(vertices: np.ndarray, faces: np.ndarray, wanted: np.ndarray | None = None) -> np.ndarray:
    """Places [n,2] in the unit disc of a connected surface with a border, the longest one around it.

    `wanted [n]`: how much more texture than elsewhere a place should get.
    """
    wanted = np.ones(len(vertices)) if wanted is None else wanted
    loops = borders(faces)
    lengths = [np.linalg.norm(vertices[l] - vertices[np.roll(l, 1)], axis=1).sum() for l in loops]
    rim = loops.pop(int(np.argmax(lengths)))
    v, f, w = vertices, faces, wanted
    for loop in loops:
        f = np.vstack([f, [(b, a, len(v)) for a, b in zip(loop, np.roll(loop, -1), strict=True)]])
        v, w = np.vstack([v, v[loop].mean(axis=0)]), np.append(w, w[loop].mean())
    weights, best, least = _mean_values(v, f), None, np.inf
    for _ in range(ROUNDS):
        flat = _solved(weights, rim, _round(v, rim))
        stretch, total = _stretch(v, f, flat, w)
        if total >= least:
            break
        best, least = flat, total
        weights = weights @ sparse.diags(1 / stretch)
    assert best is not None
    return best[: len(vertices)]


def front(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which faces [f] of a closed surface remain when a cap at its back, which nobody sees, is taken away."""
    middle = vertices[faces].mean(axis=1)
    back = int(np.argmin(np.round(middle[:, 2], DECIMALS)))
    away = np.round(np.linalg.norm(middle - middle[back], axis=1), DECIMALS)
    for share in (CAP, CAP / 2, CAP / 4, 0.0):
        kept = away > max(np.quantile(away, share), away.min())
        loops = borders(faces[kept])
        used = len(np.unique(faces[kept]))
        edges = np.unique(np.sort(faces[kept][:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
        if len(loops) == 1 and used - len(edges) + kept.sum() == 1:
            break
    return kept


def borders(faces: np.ndarray) -> list[np.ndarray]:
    """The vertices around each hole, with the surface on their left; none where a vertex lies on two."""
    edges = {(int(a), int(b)) for t in faces for a, b in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0]))}
    after = {a: b for a, b in edges if (b, a) not in edges}
    loops = []
    while after:
        start = at = min(after)
        loop = []
        while at in after:
            loop.append(at)
            at = after.pop(at)
        if at != start:
            return []
        loops.append(np.array(loop))
    return loops


def _round(v: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """The border on the unit circle by its length, its foremost vertex of the middle, the upper one of two, lowest."""
    step = np.linalg.norm(v[np.roll(rim, -1)] - v[rim], axis=1)
    along = np.concatenate([[0], np.cumsum(step)[:-1]]) / step.sum()
    behind = np.round(np.abs(v[rim, 0]) - v[rim, 2], DECIMALS)
    foremost = np.flatnonzero(behind == behind.min())
    front = int(foremost[np.argmax(np.round(v[rim[foremost], 1], DECIMALS))])
    turn = 2 * np.pi * (along - along[front]) - np.pi / 2
    return np.stack([np.cos(turn), np.sin(turn)], axis=1)


def _mean_values(v: np.ndarray, faces: np.ndarray) -> sparse.csr_matrix:
    rows, columns, values = [], [], []
    for k in range(3):
        i, j, m = faces[:, k], faces[:, (k + 1) % 3], faces[:, (k + 2) % 3]
        a, b = v[j] - v[i], v[m] - v[i]
        la, lb = np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)
        cosine = np.clip((a * b).sum(axis=1) / np.maximum(la * lb, 1e-12), -0.999, 1)
        half = np.sqrt((1 - cosine) / (1 + cosine)) + 1e-3  # of the angle's half the tangent
        rows += [i, i]
        columns += [j, m]
        values += [half / np.maximum(la, 1e-4), half / np.maximum(lb, 1e-4)]
    shape = (len(v), len(v))
    return sparse.coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape
    ).tocsr()


def _solved(weights: sparse.csr_matrix, rim: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Each inner vertex at the weighted mean of its neighbours."""
    count = weights.shape[0]
    inner = np.setdiff1d(np.arange(count), rim)
    share = sparse.diags(1 / np.asarray(weights.sum(axis=1)).ravel()) @ weights
    out = np.zeros((count, 2))
    out[rim] = places
    system = (sparse.eye(len(inner)) - share[inner][:, inner]).tocsc()
    out[inner] = spsolve(system, share[inner][:, rim] @ places)
    return out


def _stretch(
    v: np.ndarray, faces: np.ndarray, flat: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, float]:
    """How much each vertex [n] is stretched from texture to surface, times what is wanted, and the mean over the area."""
    p, q = (v[faces[:, k]] - v[faces[:, 0]] for k in (1, 2))
    s, t = (flat[faces[:, k]] - flat[faces[:, 0]] for k in (1, 2))
    double = np.maximum(s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0], LEAST_AREA)[:, None]
    du = (p * t[:, 1:] - q * s[:, 1:]) / double
    dv = (q * s[:, :1] - p * t[:, :1]) / double
    square = 0.5 * ((du**2).sum(axis=1) + (dv**2).sum(axis=1)) * wanted[faces].mean(axis=1) ** 2
    area = np.linalg.norm(np.cross(p, q), axis=1) / 2
    total, around = np.zeros(len(v)), np.full(len(v), 1e-12)
    for k in range(3):
        np.add.at(total, faces[:, k], area * square)
        np.add.at(around, faces[:, k], area)
    return np.sqrt(total / around) + 1e-9, float(np.sqrt((area * square).sum() / area.sum()))
