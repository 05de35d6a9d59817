"""How a mesh of a glTF file stands in the world: by its node, or by its skin at the bind pose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from facegen.formats.gltf.document import Document
from facegen.formats.gltf.nodes import Nodes


class Skinning:
    """Places vertices ``used`` [n] of a primitive in the world, and says how far each follows the head."""

    def __init__(
        self,
        nodes: Nodes,
        document: Document,
        number: int,
        attributes: Mapping[str, Any],
        head: set[int],
        used: np.ndarray,
    ) -> None:
        skin = nodes.rows[number].get("skin")
        self.head_weight: np.ndarray | None = None
        self._each: np.ndarray | None = None
        self.typical = nodes.world[number]
        if skin is None or "JOINTS_0" not in attributes:
            if head:
                above = nodes.ancestors(number)
                follows = bool(above & head) or not above & nodes.joints
                self.head_weight = np.full(len(used), float(follows), np.float32)
            return
        joints, matrices = nodes.skin_matrices(skin)
        places, weights = self._influences(document, attributes, used)
        if places.max() >= len(joints):
            raise document.fault(f"has a vertex that follows joint {places.max()} of {len(joints)}")
        self.typical = matrices[places[0, np.argmax(weights[0])]]
        if np.abs(matrices - self.typical).max() > 1e-6:
            self._each = np.einsum("nk,nkij->nij", weights, matrices[places][:, :, :3])
        if head:
            on_head = np.isin(joints, sorted(head))
            self.head_weight = (weights * on_head[places]).sum(axis=1).astype(np.float32)

    @staticmethod
    def _influences(
        document: Document, attributes: Mapping[str, Any], used: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Joint numbers [n, k] and weights [n, k] that sum to 1."""
        sets = [s for s in ("0", "1") if f"JOINTS_{s}" in attributes and f"WEIGHTS_{s}" in attributes]
        joints = np.hstack([document.accessor(attributes[f"JOINTS_{s}"])[used] for s in sets]).astype(
            np.int64
        )
        weights = np.hstack([document.accessor(attributes[f"WEIGHTS_{s}"])[used] for s in sets]).astype(float)
        total = weights.sum(axis=1, keepdims=True)
        first = np.eye(1, weights.shape[1])
        return joints, np.where(total > 1e-6, weights / np.maximum(total, 1e-6), first)

    def points(self, rows: np.ndarray) -> np.ndarray:
        """World places [n, 3] of all vertices."""
        if self._each is None:
            return rows @ self.typical[:3, :3].T + self.typical[:3, 3]
        return np.einsum("nij,nj->ni", self._each[:, :, :3], rows) + self._each[:, :, 3]

    def directions(self, rows: np.ndarray, which: np.ndarray) -> np.ndarray:
        """World displacements [m, 3] of the vertices ``which`` [m]."""
        if self._each is None:
            return rows @ self.typical[:3, :3].T
        return np.einsum("nij,nj->ni", self._each[which, :, :3], rows)
