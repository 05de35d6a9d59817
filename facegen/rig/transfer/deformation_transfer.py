"""Deformation transfer: how each triangle of one head is deformed, put onto the triangles of another.

Sumner and Popović, "Deformation transfer for triangle meshes", 2004, in the gradient form of Botsch, Sumner, Pauly and
Gross, "Deformation transfer for detail-preserving surface editing", 2006.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import diags
from scipy.sparse.linalg import splu

from facegen.rig.transfer.surface import gradient

LENGTH_CM = 2.0
"""Motion on a larger scale than this follows the source's places, on a smaller one its deformations."""


def frames(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Two edges and the scaled normal of each triangle as columns [F, 3, 3]."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    cross = np.cross(b - a, c - a)
    length = np.sqrt(np.maximum(np.linalg.norm(cross, axis=1), 1e-12))
    return np.stack([b - a, c - a, cross / length[:, None]], axis=2)


class Deformations:
    """Deformation gradients of the triangles of a head at rest."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.faces = faces
        rest = frames(vertices, faces)
        self._sound = np.abs(np.linalg.det(rest)) > 1e-9
        rest[~self._sound] = np.eye(3)
        self._inverse = np.linalg.inv(rest)

    def of(self, vertices: np.ndarray) -> np.ndarray:
        """Gradients less the identity [F, 3, 3]; 0 for triangles without area."""
        change = frames(vertices, self.faces) @ self._inverse - np.eye(3)
        change[~self._sound] = 0
        return change


class TransferTarget:
    """A mesh that takes on deformations, its linear system factored once."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray, length: float = LENGTH_CM) -> None:
        self._gradient, area = gradient(vertices, faces)
        self._weight = np.repeat(area, 3)
        mass = np.bincount(faces.ravel(), np.repeat(area / 3, 3), len(vertices)) + 1e-6
        self._mass = mass / length**2
        self._rest = np.stack(
            [(self._gradient @ vertices[:, i].astype(np.float64)).reshape(-1, 3) for i in range(3)], axis=1
        )
        laplace = self._gradient.T @ diags(self._weight) @ self._gradient
        self._solve = splu((laplace + diags(self._mass)).tocsc())

    def take(self, change: np.ndarray, near: np.ndarray) -> np.ndarray:
        """Displacements [V, 3] of the vertices whose triangles deform by ``change`` [F, 3, 3] (less the identity) and
        which on the whole move as ``near`` [V, 3]."""
        wanted = np.einsum("fij,fjk->fik", change, self._rest)
        right = np.stack(
            [self._gradient.T @ (self._weight * wanted[:, i].reshape(-1)) for i in range(3)], axis=1
        )
        return self._solve.solve(right + self._mass[:, None] * near)
