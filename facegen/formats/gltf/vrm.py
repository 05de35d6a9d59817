"""``.vrm``, and ``.glb`` of a user's model: a copy of the file with the animation of its expressions and head added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import facegen
from facegen.core.animation import Animation
from facegen.core.errors import RigError, UsageError
from facegen.core.units import METRES_PER_CM
from facegen.formats.gltf.animation_reader import read_morph_animation
from facegen.formats.gltf.document import Document
from facegen.formats.gltf.nodes import Nodes, local_matrix
from facegen.formats.gltf.vrm_avatar import read_avatar
from facegen.formats.head_mesh import audio_name
from facegen.rig import Rig
from facegen.rig.control_names import arkit_name, arkit_stem, combined, plain
from facegen.rig.head_pose import quaternions

if TYPE_CHECKING:
    from scipy.spatial.transform import Rotation

BINARY = (".glb", ".vrm")
FLOAT = 5126


class Vrm:
    """A copy of the model given as rig (a ``.vrm`` or ``.glb`` file) with one animation put before its own; meshes,
    pictures, expressions and terms stay as they are.

    A control drives the morph targets of that name, else those that an expression of that name shows, else targets
    whose name means the same in ARKit's spelling, else such a pair of left and right. The bone of the head turns and
    shifts. Weights keep to 0..1.
    """

    suffix = ".vrm"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, list[bytes]]:
        path = model_path(options.get("rig"))
        if path is None:
            raise UsageError(
                "a .vrm is written into a copy of a model",
                remedy="name the model, a .vrm or .glb file, with --rig; or retarget --to it",
            )
        return {"": animated_copy(path, animation, options)}

    def read(self, path: str | PathLike) -> Animation:
        """The first animation of morph weights, on the names of the targets."""
        return read_morph_animation(path)


def model_path(given: Any) -> Path | None:
    """The file of a user's model that can be copied, or None for rigs of facegen's own."""
    if isinstance(given, str | PathLike) and Path(given).suffix.lower() in BINARY and Path(given).is_file():
        return Path(given)
    return None


def animated_copy(path: Path, animation: Animation, options: Mapping[str, Any]) -> list[bytes]:
    """The bytes of the GLB at ``path`` with the animation in it. Raises RigError for a file that is none, UsageError
    where the animation moves nothing of it."""
    model = _Model(path)
    extras = {
        "fps": str(animation.fps),
        "frames": len(animation),
        "generator": f"facegen {facegen.__version__}",
    }
    sound = audio_name(animation, options)
    if sound:
        extras["audio"] = sound
    model.add_weights(animation)
    if not model.channels:
        raise UsageError(
            f"the animation shares no control with {path.name}",
            remedy=f"facegen retarget it --to {path.name} first",
        )
    if animation.head is not None:
        model.add_head(animation.head)
    return model.finish(extras)


def driven_targets(path: Path, controls: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """Control to the morph targets of the model at ``path`` that show it, by name, each once; none for those it lacks."""
    model = _Model(path)
    found: dict[str, dict[str, None]] = {control: {} for control in controls}
    for number in sorted(model.nodes.world):
        mesh = model.nodes.rows[number].get("mesh", -1)
        names = list(model.document.target_names(mesh)) if mesh >= 0 else []
        for control in controls if names else ():
            found[control] |= {names[i]: None for i, _ in model._targets(control, mesh, number, names)}
    return {control: tuple(names) for control, names in found.items()}


class _Model:
    """The JSON of a GLB, and the bytes to put behind its own."""

    def __init__(self, path: Path) -> None:
        self.document = Document(path, RigError)
        self.nodes = Nodes(self.document)
        self.json: dict[str, Any] = deepcopy(self.document.json)
        buffers = self.json.get("buffers") or [{"byteLength": 0}]
        if "uri" in buffers[0]:
            raise RigError("keeps its data in other files", path=path, remedy="export it as one GLB")
        self.json["buffers"] = buffers
        self.binary = bytearray(self.document.binary[: buffers[0]["byteLength"]])
        self.avatar = read_avatar(self.json)
        self.samplers: list[dict[str, Any]] = []
        self.channels: list[dict[str, Any]] = []
        self._times = -1

    def add_weights(self, animation: Animation) -> None:
        """A channel for each node with morph targets that a control drives; its other targets keep their weights."""
        times = animation.times.astype(np.float32)
        self._times = self._accessor(times, "SCALAR", {"min": [float(times[0])], "max": [float(times[-1])]})
        for number in sorted(self.nodes.world):
            row = self.nodes.rows[number]
            names = list(self.document.target_names(row["mesh"])) if "mesh" in row else []
            matrix = np.zeros((len(animation.controls), len(names)))
            for place, control in enumerate(animation.controls):
                for index, weight in self._targets(control, row.get("mesh", -1), number, names):
                    matrix[place, index] += weight
            driven = matrix.any(axis=0)
            if not driven.any():
                continue
            mesh = self.json["meshes"][row["mesh"]]
            rest = np.array(row.get("weights") or mesh.get("weights") or [0.0] * len(names), np.float64)
            values = np.where(driven, animation.values @ matrix, rest).clip(0, 1)
            for index, name in enumerate(names):
                if not driven[index] and (of := combined(name, names)):
                    values[:, index] = values[:, [names.index(n) for n in of]].prod(axis=1)
            self._channel(number, "weights", values.astype(np.float32).reshape(-1), "SCALAR")

    def _targets(self, control: str, mesh: int, node: int, names: list[str]) -> list[tuple[int, float]]:
        """Targets of the mesh ``mesh`` at ``node`` that a control drives, with their weights at 1."""
        if self._known(control):
            return [(i, 1.0) for i, name in enumerate(names) if name == control]
        matching = [e for e in self.avatar.expressions if e == control] or [
            e for e in self.avatar.expressions if arkit_name(e) == control
        ]
        if matching:
            binds = self.avatar.expressions[matching[0]]
            return [(b.index, b.weight) for b in binds if b.on(mesh, node) and 0 <= b.index < len(names)]
        alike = [(i, 1.0) for i, name in enumerate(names) if arkit_name(name) == control]
        sides = {plain(control + side) for side in ("Left", "L", "Right", "R")}
        return alike or [(i, 1.0) for i, name in enumerate(names) if plain(arkit_stem(name)) in sides]

    def _known(self, control: str) -> bool:
        meshes = self.json.get("meshes", [])
        return any(control in self.document.target_names(i) for i in range(len(meshes)))

    def add_head(self, head: np.ndarray) -> None:
        """Rotation and shift of the head's bone, whose own axes and those above may lie in any way."""
        from scipy.spatial.transform import Rotation

        bone = self.nodes.named_joints(self.avatar.bones).get("head")
        if bone is None or "matrix" in self.nodes.rows[bone]:
            return
        sign = -1.0 if self.avatar.backwards else 1.0
        parent = self.nodes.parent[bone]
        above = self.nodes.world[parent] if parent >= 0 else np.eye(4)
        turn = _rotation(above[:3, :3])
        own = np.array(self.nodes.rows[bone].get("rotation", (0, 0, 0, 1)), np.float64)
        world = Rotation.from_quat(quaternions(head) * np.array([sign, 1, sign, 1]))
        local = (turn.inv() * world * turn * Rotation.from_quat(own if own.any() else (0, 0, 0, 1))).as_quat()
        self._channel(bone, "rotation", local.astype(np.float32), "VEC4")
        shift = head[:, 3:].astype(np.float64) * METRES_PER_CM * np.array([sign, 1, sign])
        if shift.any():
            rest = local_matrix(self.nodes.rows[bone])[:3, 3]
            places = rest + shift @ np.linalg.inv(above[:3, :3]).T
            self._channel(bone, "translation", places.astype(np.float32), "VEC3")

    def _channel(self, node: int, path: str, values: np.ndarray, kind: str) -> None:
        self.samplers.append(
            {"input": self._times, "output": self._accessor(values, kind), "interpolation": "LINEAR"}
        )
        self.channels.append({"sampler": len(self.samplers) - 1, "target": {"node": node, "path": path}})

    def _accessor(self, values: np.ndarray, kind: str, more: Mapping[str, Any] | None = None) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        data = np.ascontiguousarray(values, "<f4").tobytes()
        views = self.json.setdefault("bufferViews", [])
        views.append({"buffer": 0, "byteOffset": len(self.binary), "byteLength": len(data)})
        self.binary += data
        rows = self.json.setdefault("accessors", [])
        rows.append(
            {
                "bufferView": len(views) - 1,
                "componentType": FLOAT,
                "count": len(values),
                "type": kind,
                **(more or {}),
            }
        )
        return len(rows) - 1

    def finish(self, extras: dict[str, Any]) -> list[bytes]:
        """The GLB, the new animation first."""
        row = {"name": "speech", "samplers": self.samplers, "channels": self.channels, "extras": extras}
        self.json["animations"] = [row, *self.json.get("animations", [])]
        self.json["buffers"][0]["byteLength"] = len(self.binary)
        text = json.dumps(self.json, ensure_ascii=False, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        self.binary += b"\0" * (-len(self.binary) % 4)
        size = 12 + 8 + len(text) + 8 + len(self.binary)
        head = b"glTF" + (2).to_bytes(4, "little") + size.to_bytes(4, "little")
        return [
            head + len(text).to_bytes(4, "little") + b"JSON" + text,
            len(self.binary).to_bytes(4, "little") + b"BIN\0",
            bytes(self.binary),
        ]


def _rotation(matrix: np.ndarray) -> Rotation:
    """The rotation nearest to ``matrix`` (3, 3), which may also scale: the polar decomposition's orthogonal part."""
    from scipy.spatial.transform import Rotation

    left, _, right = np.linalg.svd(matrix)
    return Rotation.from_matrix(left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right)
