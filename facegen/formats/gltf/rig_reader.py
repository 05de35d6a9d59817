"""Heads in glTF files: ``.glb``, ``.gltf`` and ``.vrm`` with morph targets, at their bind pose."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.errors import RigError
from facegen.core.units import METRES_PER_CM
from facegen.formats.gltf.document import Document
from facegen.formats.gltf.materials import Materials
from facegen.formats.gltf.nodes import Nodes
from facegen.formats.gltf.skinning import Skinning
from facegen.formats.gltf.vrm_avatar import ExpressionBind, VrmAvatar, read_avatar
from facegen.rig.builder import (
    MAX_DELTAS,
    MAX_PIECES,
    MAX_VERTICES,
    MeshPart,
    RigBuilder,
    Shape,
    build_rig,
    moved,
)
from facegen.rig.control_names import arkit_name
from facegen.rig.importing import Imported
from facegen.rig.load import ARKIT

TRIANGLES, STRIP, FAN = 4, 5, 6
MAX_READ = 16 * MAX_VERTICES
"""Vertices read over all primitives, which may share them."""


def read(path: Path, shapes_needed: bool = True) -> Imported:
    """The rig of a glTF or VRM file.

    Metres become cm, a VRM 0.x is turned to face +Z, node transforms and skins are applied. An expression of a VRM
    is a control; it gives its name to a morph target that it shows alone. Of pictures, base colour textures are read.
    """
    document = Document(path, RigError, max_values=4 * MAX_VERTICES)
    document.check_compression()
    head = _Head(document)
    head.collect()
    avatar = head.avatar
    credit = avatar.credit or str(document.json.get("asset", {}).get("copyright") or "")
    draft = RigBuilder(
        avatar.name or path.stem,
        head.pieces,
        head.looks.materials,
        head.pivots(),
        textures=head.looks.textures,
        licence=avatar.licence,
        credit=credit,
        notes=[*head.notes, *dict.fromkeys(head.looks.notes)],
    )
    return build_rig(draft, shapes_needed)


class _Head:
    """Pieces of the meshes of a file, one a primitive."""

    def __init__(self, document: Document) -> None:
        self.document, self.nodes = document, Nodes(document)
        self.avatar: VrmAvatar = read_avatar(document.json)
        self.marks = self.nodes.named_joints(self.avatar.bones)
        self.head = self.nodes.below(self.marks["head"]) if "head" in self.marks else set()
        self.pieces: list[MeshPart] = []
        self.looks = Materials(document)
        self.notes: list[str] = ["turned to face +Z, as a VRM 0.x faces -Z"] if self.avatar.backwards else []
        sign = -1.0 if self.avatar.backwards else 1.0
        self.turn = np.array([sign, 1.0, sign]) / METRES_PER_CM
        self._read = self._kept = self._deltas = 0

    def collect(self) -> None:
        for number in sorted(self.nodes.world):
            row = self.nodes.rows[number]
            if "mesh" in row:
                for primitive in self.document.json["meshes"][row["mesh"]]["primitives"]:
                    self._add(number, row, primitive)

    def pivots(self) -> dict[str, tuple[float, float, float]]:
        places = {name: self.nodes.world[n][:3, 3] * self.turn for name, n in self.marks.items()}
        return {name: (float(p[0]), float(p[1]), float(p[2])) for name, p in places.items()}

    def _add(self, number: int, row: Mapping[str, Any], primitive: Mapping[str, Any]) -> None:
        attributes = primitive["attributes"]
        if primitive.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN) or "POSITION" not in attributes:
            return
        count = self.document.count(attributes["POSITION"])
        self._read += count
        if len(self.pieces) >= MAX_PIECES:
            raise RigError(f"has more than {MAX_PIECES} meshes", remedy="export the head alone")
        if count > MAX_VERTICES or self._read > MAX_READ:
            raise RigError(f"has more than {MAX_VERTICES} vertices", remedy="reduce the mesh")
        faces = self._faces(primitive, count)
        used, flat = np.unique(faces, return_inverse=True)
        self._kept += len(used)
        if self._kept > MAX_VERTICES:
            raise RigError(f"has more than {MAX_VERTICES} vertices", remedy="reduce the mesh")
        if len(used) == 0:
            return
        skin = Skinning(self.nodes, self.document, number, attributes, self.head, used)
        flip = np.linalg.det(skin.typical[:3, :3]) < 0
        corners = flat.reshape(-1, 3)[:, ::-1] if flip else flat.reshape(-1, 3)
        rest = self.document.accessor(attributes["POSITION"])[used].astype(np.float64)
        material, uvs, colors = self.looks.look(row, primitive, used)
        mesh = self.document.json["meshes"][row["mesh"]]
        name = str(mesh.get("name") or row.get("name") or f"mesh{row['mesh']}")
        self.pieces.append(
            MeshPart(
                name,
                skin.points(rest) * self.turn,
                corners,
                self._shapes(number, row["mesh"], primitive, used, count, skin),
                material or name,
                uvs,
                colors,
                skin.head_weight,
            )
        )

    def _faces(self, primitive: Mapping[str, Any], count: int) -> np.ndarray:
        if "indices" in primitive:
            corners = self.document.accessor(primitive["indices"])[:, 0].astype(np.int64)
            if corners.max() >= count or corners.min() < 0:
                raise RigError(
                    f"has a face that points outside its {count} vertices", remedy="export it again"
                )
        else:
            corners = np.arange(count)
        mode = primitive.get("mode", TRIANGLES)
        if mode == TRIANGLES:
            return corners[: len(corners) // 3 * 3].reshape(-1, 3)
        if mode == FAN:
            return np.column_stack(
                [np.full(max(len(corners) - 2, 0), corners[0]), corners[1:-1], corners[2:]]
            )
        strip = np.column_stack([corners[:-2], corners[1:-1], corners[2:]])
        strip[1::2] = strip[1::2, [1, 0, 2]]
        return strip

    def _shapes(
        self, node: int, mesh: int, primitive: Mapping[str, Any], used: np.ndarray, count: int, skin: Skinning
    ) -> list[tuple[str, Shape]]:
        targets = [self._target(t, used, count, skin) for t in primitive.get("targets", [])]
        names = list(self.document.target_names(mesh))
        if len(names) != len(targets):
            raise RigError("has primitives of one mesh with unlike morph targets", remedy="export it again")
        extra: list[tuple[str, Shape]] = []
        for name, binds in self.avatar.expressions.items():
            here = [b for b in binds if b.on(mesh, node) and 0 <= b.index < len(targets)]
            if not here or name in names:
                continue
            alone = len({self._name(b) for b in binds}) == 1 and all(b.weight > 0.999 for b in binds)
            if alone and arkit_name(names[here[0].index]) not in ARKIT:
                names[here[0].index] = name
            elif not alone:
                extra.append((name, _blend(targets, here, len(used))))
        return [*zip(names, targets, strict=True), *extra]

    def _name(self, bind: ExpressionBind) -> str:
        """The name of the target that a bind moves."""
        mesh = bind.mesh if bind.node is None else self.nodes.rows[bind.node]["mesh"]
        return self.document.target_names(mesh)[bind.index]  # type: ignore[arg-type]

    def _target(self, target: Mapping[str, Any], used: np.ndarray, count: int, skin: Skinning) -> Shape:
        if "POSITION" not in target:
            return np.zeros(0, np.int64), np.zeros((0, 3), np.float32)
        if self.document.count(target["POSITION"]) != count:
            raise RigError(
                f"has a morph target that does not fit its {count} vertices", remedy="export it again"
            )
        index, value = self.document.accessor_rows(target["POSITION"])
        place = np.minimum(np.searchsorted(used, index), len(used) - 1)
        inside = used[place] == index
        self._deltas += int(inside.sum())
        if self._deltas > MAX_DELTAS:
            raise RigError(f"has more than {MAX_DELTAS} displacements", remedy="export fewer shapes")
        rows, far = moved(skin.directions(value[inside].astype(np.float64), place[inside]) * self.turn)
        return place[inside][rows], far


def _blend(targets: list[Shape], binds: list[ExpressionBind], count: int) -> Shape:
    dense = np.zeros((count, 3), np.float32)
    for bind in binds:
        index, value = targets[bind.index]
        dense[index] += bind.weight * value
    return moved(dense)
