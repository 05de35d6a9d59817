"""Avatars in files of other programs, built from a rig: glTF with ARKit's names, and VRM 0.x and 1.0 as VRoid has them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pygltflib as gltf

from facegen.core.mesh import to_linear
from facegen.formats.gltf.buffers import Buffer
from facegen.rig import Rig, RigPart
from facegen.rig.load import rigs_folder

VROID = {
    "aa": "Fcl_MTH_A", "ih": "Fcl_MTH_I", "ou": "Fcl_MTH_U", "ee": "Fcl_MTH_E", "oh": "Fcl_MTH_O",
    "blink": "Fcl_EYE_Close", "blinkLeft": "Fcl_EYE_Close_L", "blinkRight": "Fcl_EYE_Close_R",
    "happy": "Fcl_ALL_Joy", "angry": "Fcl_ALL_Angry", "sad": "Fcl_ALL_Sorrow", "surprised": "Fcl_ALL_Surprised",
}  # fmt: skip
PRESETS_0 = {
    "aa": "a", "ih": "i", "ou": "u", "ee": "e", "oh": "o", "blink": "blink", "blinkLeft": "blink_l",
    "blinkRight": "blink_r", "happy": "joy", "angry": "angry", "sad": "sorrow",
}  # fmt: skip
BACKWARDS = np.array([-1.0, 1.0, -1.0], np.float32)


def arkit_shapes(rig: Rig) -> dict[str, np.ndarray]:
    """ARKit name to displacements [V, 3] cm."""
    return dict(zip(rig.control_names, rig.dense_deltas(), strict=True))


def vroid_shapes(rig: Rig) -> dict[str, np.ndarray]:
    """VRoid's names to displacements, made of ARKit's by the shipped map."""
    deltas = arkit_shapes(rig)
    shapes = {name: np.zeros_like(rig.mesh.vertices) for name in VROID.values()}
    text = (rigs_folder() / "maps" / "vrm1-arkit.csv").read_text()
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        if row["source"] in VROID and row["target"] in deltas:
            shapes[VROID[row["source"]]] += float(row["weight"]) * deltas[row["target"]]
    return shapes


def write_avatar(
    path: Path,
    rig: Rig,
    version: int | None = None,
    names_on: str = "mesh",
    armature_scale: float = 1.0,
    shapes: dict[str, np.ndarray] | None = None,
) -> Path:
    """``rig`` as a GLB: an armature of hips, neck, head and eyes, a skinned mesh a part. ``version`` None has
    ARKit's names (or the ``shapes`` given), 0 and 1 are VRMs with VRoid's names and expressions."""
    document = gltf.GLTF2(asset=gltf.Asset(generator="a test"))
    buffer = Buffer(document)
    turn = BACKWARDS if version == 0 else np.ones(3, np.float32)
    unit = np.float32(0.01 / armature_scale)
    head = np.asarray(rig.pivots["head"]) * turn
    document.nodes = [
        gltf.Node(name="Armature", children=[1], scale=[armature_scale] * 3),
        gltf.Node(name="J_Bip_C_Hips", children=[2], translation=[0.0, float(-100 * unit), 0.0]),
        gltf.Node(
            name="J_Bip_C_Head",
            translation=[float(head[0] * unit), float((head[1] + 100) * unit), float(head[2] * unit)],
        ),
    ]
    if shapes is None:
        shapes = arkit_shapes(rig) if version is None else vroid_shapes(rig)
    skin = _skin(buffer, rig, head, armature_scale)
    for part in rig.parts or (
        RigPart("Head", "skin", (0, len(rig.mesh.vertices)), (0, len(rig.mesh.faces))),
    ):
        _add_mesh(buffer, rig, part, shapes, turn, unit, names_on)
        document.nodes.append(gltf.Node(name=part.name, mesh=len(document.meshes) - 1, skin=skin))
    document.scenes = [gltf.Scene(nodes=[0, *range(3, len(document.nodes))])]
    document.scene = 0
    if version is not None:
        _add_vrm(document, version, list(shapes))
    buffer.finish()
    path.write_bytes(b"".join(bytes(c) for c in document.save_to_bytes()))
    return path


def _skin(buffer: Buffer, rig: Rig, head: np.ndarray, scale: float) -> int:
    """Joints hips and head, whose inverse bind matrices undo the armature's scale."""
    inverse = np.tile(np.eye(4, dtype=np.float32) / np.float32(scale), (2, 1, 1))
    inverse[:, 3, 3] = 1
    inverse[0, 3, :3] = [0, 1 / scale, 0]
    inverse[1, 3, :3] = -head * 0.01 / scale
    document = buffer.document
    document.skins.append(
        gltf.Skin(joints=[1, 2], inverseBindMatrices=buffer.add(inverse.reshape(2, 16), "MAT4"))
    )
    return 0


def _add_mesh(
    buffer: Buffer, rig: Rig, part: RigPart, shapes: dict, turn: np.ndarray, unit: float, names_on: str
) -> None:
    rows = slice(*part.vertices)
    count = part.vertices[1] - part.vertices[0]
    weight = np.zeros((count, 4), np.float32)
    weight[:, 1] = 1 if rig.head_weight is None else rig.head_weight[rows]
    weight[:, 0] = 1 - weight[:, 1]
    attributes = gltf.Attributes(
        POSITION=buffer.add(
            (rig.mesh.vertices[rows] * turn * np.float32(0.01)).astype(np.float32), "VEC3", limits=True
        ),
        JOINTS_0=buffer.add(np.tile(np.array([0, 1, 0, 0], np.uint8), (count, 1)), "VEC4"),
        WEIGHTS_0=buffer.add(weight, "VEC4"),
    )
    if rig.mesh.colors is not None:
        linear = to_linear(rig.mesh.colors[rows] / 255.0)
        rgba = np.hstack([linear, np.ones((count, 1))]).astype(np.float32)
        attributes.COLOR_0 = buffer.add(rgba, "VEC4")
    corners = (rig.mesh.faces[slice(*part.faces)] - part.vertices[0]).astype(np.uint32).ravel()
    primitive = gltf.Primitive(attributes=attributes, indices=buffer.add(corners, "SCALAR"))
    buffer.document.materials.append(gltf.Material(name=part.material))
    primitive.material = len(buffer.document.materials) - 1
    mesh = gltf.Mesh(name=part.name, primitives=[primitive])
    moves = {n: (d[rows] * turn * np.float32(0.01)).astype(np.float32) for n, d in shapes.items()}
    if any(d.any() for d in moves.values()):
        sparse = [(np.flatnonzero(d.any(axis=1)), d[d.any(axis=1)]) for d in moves.values()]
        primitive.targets = [gltf.Attributes(POSITION=n) for n in buffer.add_shapes(sparse, count)]
        (mesh if names_on == "mesh" else primitive).extras = {"targetNames": list(moves)}
    buffer.document.meshes.append(mesh)


def _add_vrm(document: gltf.GLTF2, version: int, names: list[str]) -> None:
    morphed = [i for i, mesh in enumerate(document.meshes) if mesh.primitives[0].targets]
    nodes = {node.mesh: i for i, node in enumerate(document.nodes) if node.mesh is not None}
    if version == 1:
        preset = {
            ours: {
                "morphTargetBinds": [
                    {"node": nodes[m], "index": names.index(theirs), "weight": 1.0} for m in morphed
                ]
            }
            for ours, theirs in VROID.items()
        }
        document.extensions = {
            "VRMC_vrm": {
                "specVersion": "1.0",
                "meta": {
                    "name": "One",
                    "authors": ["A. Tester"],
                    "licenseUrl": "https://vrm.dev/licenses/1.0/",
                },
                "humanoid": {"humanBones": {"hips": {"node": 1}, "head": {"node": 2}}},
                "expressions": {"preset": preset},
            }
        }
        document.extensionsUsed = ["VRMC_vrm"]
        return
    groups = [
        {
            "name": preset.upper(),
            "presetName": preset,
            "binds": [{"mesh": m, "index": names.index(VROID[ours]), "weight": 100} for m in morphed],
        }
        for ours, preset in PRESETS_0.items()
    ]
    document.extensions = {
        "VRM": {
            "specVersion": "0.0",
            "meta": {"title": "Zero", "author": "B. Tester", "licenseName": "CC0"},
            "humanoid": {"humanBones": [{"bone": "hips", "node": 1}, {"bone": "head", "node": 2}]},
            "blendShapeMaster": {"blendShapeGroups": groups},
        }
    }
    document.extensionsUsed = ["VRM"]


def change_json(path: Path, change) -> Path:
    """Rewrite the JSON chunk of a GLB by ``change(data)``."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[12:16], "little")
    data = json.loads(raw[20 : 20 + size])
    change(data)
    text = json.dumps(data).encode()
    text += b" " * (-len(text) % 4)
    rest = raw[20 + size :]
    total = 20 + len(text) + len(rest)
    path.write_bytes(
        raw[:8] + total.to_bytes(4, "little") + len(text).to_bytes(4, "little") + b"JSON" + text + rest
    )
    return path
