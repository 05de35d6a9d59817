"""Smooths a surface just where its triangles face away from those around them."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from .subdivide import edges_of

ROUNDS, WIDER = 200, 30  # rounds of smoothing; after how many the neighbours move too
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
        return out
