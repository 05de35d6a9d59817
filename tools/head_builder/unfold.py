"""Smooths a surface just where its triangles face away from those around them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from tools.head_builder.subdivision import edges_of

ROUNDS, WIDER = 200, 30  # rounds of smoothing; after how many the neighbours move too
PIECES, SLIGHT = 120, 0.12  # rounds in which folds are moved as one, and how far in cm they may
OWN = 3.1  # times that a triangle counts among those around its corners, and a little more


def folded(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which triangles [F] face away from the mean of the triangles around their corners."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat, around = np.cross(b - a, c - a), np.zeros_like(vertices)
    for k in range(3):
        np.add.at(around, faces[:, k], flat)
    return (flat * around[faces].sum(axis=1)).sum(axis=1) < OWN * (flat**2).sum(axis=1)


class Unfold:
    """Moves what folds towards the mean of its neighbours; `held [n]` says what must not move."""

    def __init__(self, faces: np.ndarray, held: np.ndarray) -> None:
        self.faces, self.held = faces, held
        e, _ = edges_of(faces)
        near = sparse.coo_matrix((np.ones(len(e)), e.T), (len(held), len(held))).tocsr()
        near = near + near.T
        self.mean = sparse.diags(1 / np.maximum(np.asarray(near.sum(axis=1)).ravel(), 1)) @ near

    def __call__(self, values: np.ndarray, rest: np.ndarray | float = 0.0) -> np.ndarray:
        """`values [n,3]`, to which `rest` is added before folds are sought, smoothed where there are any."""
        out = values.copy()
        for done in range(ROUNDS):
            bad = folded(out + rest, self.faces)
            move = np.zeros(len(out), bool)
            move[self.faces[bad]] = True
            if done >= WIDER:
                move = self.mean @ move > 0
            move = move & ~self.held
            if not move.any():
                break
            out[move] += 0.5 * (self.mean[move] @ out - out[move])
        return self._together(out, rest)

    def _together(self, values: np.ndarray, rest: np.ndarray | float) -> np.ndarray:
        """What still folds, moved as one piece, also where lips and lids meet: as far as that is SLIGHT and helps."""
        out, best = values.copy(), values
        bad = folded(out + rest, self.faces)
        least = bad.sum()
        for done in range(PIECES):
            if not bad.any():
                break
            touched = np.zeros(len(out))
            touched[self.faces[bad]] = 1
            for _ in range(done // WIDER):
                touched = np.maximum(touched, self.mean @ touched > 0)
            whole = self.faces[bad | (touched[self.faces] > 0).all(axis=1)]
            sums, count = np.zeros_like(out), np.zeros(len(out))
            for k in range(3):
                np.add.at(sums, whole[:, k], out[whole].mean(axis=1))
                np.add.at(count, whole[:, k], 1)
            moved = count > 0
            out[moved] += 0.5 * (sums[moved] / count[moved, None] - out[moved])
            bad = folded(out + rest, self.faces)
            if np.linalg.norm(out - values, axis=1).max() > SLIGHT:
                break
            if bad.sum() < least:
                best, least = out.copy(), bad.sum()
        return best
