"""The nodes of a glTF scene: where each stands, what hangs below it, and skins at their bind pose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from facegen.formats.gltf.document import Document

JOINTS = {
    "head": r"(?:.*[:_. ])?head(?:_?(?:m|joint|jnt|bone))?$",
    "eyeLeft": r"(?:.*[:_. ])?(?:left_?eye|eye_?(?:left|l)|l_?(?:face)?eye)(?:ball)?$",
    "eyeRight": r"(?:.*[:_. ])?(?:right_?eye|eye_?(?:right|r)|r_?(?:face)?eye)(?:ball)?$",
    "jaw": r"(?:.*[:_. ])?jaw(?:_?(?:m|root|joint|jnt|bone))?$",
}
"""Pivots and the names that joints of theirs have."""
MAX_NODES = 100_000


class Nodes:
    """The scene graph of ``document``. Raises for cycles and for nodes with two parents."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.rows: list[dict[str, Any]] = document.json.get("nodes", [])
        if len(self.rows) > MAX_NODES:
            raise document.fault(f"has {len(self.rows)} nodes; at most {MAX_NODES}")
        self.world: dict[int, np.ndarray] = {}
        self.parent: dict[int, int] = {}
        self._place()

    def _place(self) -> None:
        """World matrices [4, 4] of all nodes of the scene, metres."""
        stack = [(root, -1, np.eye(4)) for root in self._roots()]
        while stack:
            number, parent, above = stack.pop()
            if not isinstance(number, int) or not 0 <= number < len(self.rows):
                raise self.document.fault(f"points to the node {str(number)[:20]}, which it lacks")
            if number in self.world:
                raise self.document.fault(f"has the node {number} twice in its tree: the nodes are cyclic")
            matrix = above @ local_matrix(self.rows[number])
            if not np.isfinite(matrix).all():
                raise self.document.fault(f"has the node {number} at a place that is not finite")
            self.world[number], self.parent[number] = matrix, parent
            stack += [(child, number, matrix) for child in self.rows[number].get("children", [])]

    def _roots(self) -> list[int]:
        children = {c for row in self.rows for c in row.get("children", [])}
        scenes = self.document.json.get("scenes", [])
        if not scenes:
            roots = [i for i in range(len(self.rows)) if i not in children]
            if self.rows and not roots:
                raise self.document.fault("has no root node: the nodes are cyclic")
            return roots
        roots = list(scenes[self.document.json.get("scene", 0)].get("nodes", []))
        skins = {j for skin in self.document.json.get("skins", []) for j in skin["joints"]}
        return roots + [i for i in sorted(skins) if i not in children and i not in roots]

    def below(self, top: int) -> set[int]:
        """``top`` and all nodes below it."""
        found, stack = set[int](), [top]
        while stack:
            number = stack.pop()
            found.add(number)
            stack += self.rows[number].get("children", [])
        return found

    def ancestors(self, number: int) -> set[int]:
        found = set()
        while number >= 0:
            found.add(number)
            number = self.parent.get(number, -1)
        return found

    @cached_property
    def joints(self) -> set[int]:
        return {j for skin in self.document.json.get("skins", []) for j in skin["joints"]}

    def named_joints(self, humanoid: Mapping[str, int]) -> dict[str, int]:
        """Nodes of the head, the eyes and the jaw: those that a VRM names, else joints of a skin by their names."""
        found = {name: humanoid[name] for name in JOINTS if humanoid.get(name) in self.world}
        for name, pattern in JOINTS.items():
            matches = (
                n for n in sorted(self.joints) if re.match(pattern, str(self.rows[n].get("name", "")), re.I)
            )
            number = next((n for n in matches if n in self.world), None)
            if name not in found and number is not None:
                found[name] = number
        return found

    def skin_matrices(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Node numbers [J] of a skin's joints and what each does to a vertex at the bind pose [J, 4, 4]."""
        skin = self.document.json["skins"][number]
        joints = np.array(skin["joints"], np.int64)
        world = np.stack([self.world[j] for j in joints.tolist()])
        if "inverseBindMatrices" not in skin:
            return joints, world
        inverse = self.document.accessor(skin["inverseBindMatrices"]).astype(np.float64)
        inverse = inverse[: len(joints)].reshape(-1, 4, 4).transpose(0, 2, 1)  # column-major
        if len(inverse) != len(joints):
            raise self.document.fault(f"has a skin of {len(joints)} joints with {len(inverse)} matrices")
        return joints, world @ inverse


def local_matrix(row: Mapping[str, Any]) -> np.ndarray:
    """A node's own matrix [4, 4]."""
    if "matrix" in row:
        return np.array(row["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(row.get("rotation", (0, 0, 0, 1)), np.float64)
    scale = np.array(row.get("scale", (1, 1, 1)), np.float64)
    length = x * x + y * y + z * z + w * w
    s = 2 / length if length else 0.0
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
        [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
        [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)],
    ]
    matrix[:3, :3] *= scale
    matrix[:3, 3] = np.array(row.get("translation", (0, 0, 0)), np.float64)
    return matrix
