"""``.vrma``: a VRM animation (``VRMC_vrm_animation`` 1.0) of expressions, gaze and head, for any VRM 1.0 avatar."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import pygltflib as gltf

import facegen
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.formats.gltf.animation_reader import MorphDocument, euler_angles, rate_of
from facegen.formats.gltf.buffers import Buffer
from facegen.formats.head_mesh import audio_name
from facegen.rig import ARKIT, Rig
from facegen.rig.head_pose import quaternions

EXTENSION = "VRMC_vrm_animation"
PRESETS = (
    "happy", "angry", "sad", "relaxed", "surprised", "aa", "ih", "ou", "ee", "oh", "blink", "blinkLeft",
    "blinkRight", "neutral",
)  # fmt: skip
NAMES = "{Name}"
GAZE: dict[str, tuple[float, float]] = {
    "eyeLookOutLeft": (0.5, 0), "eyeLookInLeft": (-0.5, 0), "eyeLookInRight": (0.5, 0), "eyeLookOutRight": (-0.5, 0),
    "eyeLookUpLeft": (0, 0.5), "eyeLookUpRight": (0, 0.5), "eyeLookDownLeft": (0, -0.5), "eyeLookDownRight": (0, -0.5),
    "lookLeft": (1, 0), "lookRight": (-1, 0), "lookUp": (0, 1), "lookDown": (0, -1),
}  # fmt: skip
"""Controls of the eyes and their share of a gaze to the character's left and up, 1 being what the control stands for."""
EYES = tuple(name for name in GAZE if name.startswith("eye"))
EYE_HEIGHT = [0.0, 0.06, 0.0]
BONES: dict[str, tuple[str, tuple[float, float, float]]] = {
    "hips": ("", (0, 0.9, 0)), "spine": ("hips", (0, 0.1, 0)), "chest": ("spine", (0, 0.15, 0)),
    "neck": ("chest", (0, 0.25, 0)), "head": ("neck", (0, 0.08, 0.02)),
} | {
    side + bone: ((side if parent[:1].isupper() else "") + parent, (sign * x, y, z))
    for side, sign in (("left", 1), ("right", -1))
    for bone, parent, (x, y, z) in (
        ("UpperLeg", "hips", (0.09, -0.05, 0)), ("LowerLeg", "UpperLeg", (0, -0.4, 0)), ("Foot", "LowerLeg", (0, -0.38, 0)),
        ("UpperArm", "chest", (0.16, 0.2, 0)), ("LowerArm", "UpperArm", (0.26, 0, 0)), ("Hand", "LowerArm", (0.24, 0, 0)),
    )
}  # fmt: skip
"""The bones that VRM asks for, in its T-pose: parent and place below it, metres, for a body of 1.6 m."""


class Vrma:
    """Each control is an expression, its weight the x of a node's translation, 0..1: presets by their names in VRM
    1.0, all others as custom ones. ARKit's are spelt by the pattern ``names`` (``{Name}``, as avatars with
    "perfect sync" have them, unless given; ``{name}`` begins small). Controls of the eyes become the gaze, both eyes
    together, as the format asks. The head turns; its shift has no place. Avatars without ARKit's expressions take
    animations that are retargeted to ``vrm1``."""

    suffix = ".vrma"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, list[bytes]]:
        extras = {"fps": str(animation.fps), "frames": len(animation)}
        sound = audio_name(animation, options)
        if sound:
            extras["audio"] = sound
        document = gltf.GLTF2(
            asset=gltf.Asset(generator=f"facegen {facegen.__version__}"), extras=dict(extras)
        )
        buffer = Buffer(document)
        clip = _Clip(buffer, animation, extras)
        description: dict[str, Any] = {"specVersion": "1.0", "humanoid": {"humanBones": clip.bones()}}
        description["expressions"] = clip.expressions(str(options.get("names", NAMES)))
        if set(animation.controls) & set(GAZE):
            description["lookAt"] = {"node": clip.gaze(), "offsetFromHeadBone": EYE_HEIGHT}
        roots = [n for n in range(len(document.nodes)) if n not in clip.children]
        document.scenes, document.scene = [gltf.Scene(nodes=roots)], 0
        document.animations = [clip.result]
        document.extensions, document.extensionsUsed = {EXTENSION: description}, [EXTENSION]
        buffer.finish()
        return {"": [bytes(chunk) for chunk in document.save_to_bytes()]}

    def read(self, path: str | PathLike) -> Animation:
        """Expressions as controls, ARKit's in its spelling; the gaze as ARKit's controls of the eyes."""
        return _read(MorphDocument(path))


class _Clip:
    """Nodes that move, and the channels that move them."""

    def __init__(self, buffer: Buffer, animation: Animation, extras: dict[str, Any]) -> None:
        self.buffer, self.animation = buffer, animation
        self.nodes = buffer.document.nodes
        self.result = gltf.Animation(name="speech", extras=extras)
        self.times = buffer.add(animation.times.astype(np.float32), "SCALAR", limits=True)
        self.children: set[int] = set()

    def bones(self) -> dict[str, dict[str, int]]:
        for name, (_, place) in BONES.items():
            self.nodes.append(gltf.Node(name=name, translation=list(map(float, place)), children=[]))
        order = list(BONES)
        for number, (parent, _) in enumerate(BONES.values()):
            if parent:
                self.nodes[order.index(parent)].children.append(number)
                self.children.add(number)
        if self.animation.head is not None:
            self._move(order.index("head"), "rotation", quaternions(self.animation.head), "VEC4")
        return {name: {"node": number} for number, name in enumerate(order)}

    def expressions(self, pattern: str) -> dict[str, Any]:
        groups: dict[str, dict[str, Any]] = {"preset": {}, "custom": {}}
        for control, column in zip(self.animation.controls, self.animation.values.T, strict=True):
            if control in GAZE:
                continue
            name = control
            if control in ARKIT:
                name = pattern.replace("{name}", name).replace("{Name}", name[:1].upper() + name[1:])
            places = np.zeros((len(column), 3), np.float32)
            places[:, 0] = np.clip(column, 0, 1)
            self.nodes.append(gltf.Node(name=name))
            self._move(len(self.nodes) - 1, "translation", places, "VEC3")
            groups["preset" if name in PRESETS else "custom"][name] = {"node": len(self.nodes) - 1}
        return {kind: group for kind, group in groups.items() if group}

    def gaze(self) -> int:
        shares = np.array(list(GAZE.values()))
        left, up = (self.animation.select(tuple(GAZE)).values.astype(np.float64) @ shares).T
        poses = np.zeros((len(left), 6))
        poses[:, 0] = np.radians(EYE_DEGREES_SIDE * left)
        poses[:, 1] = np.radians(-EYE_DEGREES_UP * up)
        self.nodes.append(gltf.Node(name="lookAt"))
        self._move(len(self.nodes) - 1, "rotation", quaternions(poses), "VEC4")
        return len(self.nodes) - 1

    def _move(self, node: int, path: str, values: np.ndarray, kind: str) -> None:
        output = self.buffer.add(values, kind)
        self.result.samplers.append(gltf.AnimationSampler(input=self.times, output=output))
        target = gltf.AnimationChannelTarget(node=node, path=path)
        self.result.channels.append(
            gltf.AnimationChannel(sampler=len(self.result.samplers) - 1, target=target)
        )


def _read(document: MorphDocument) -> Animation:
    about = (document.json.get("extensions") or {}).get(EXTENSION)
    if not about or not document.json.get("animations"):
        raise AnimationFileError("holds no VRM animation", remedy="export it as .vrma")
    row = document.json["animations"][0]
    tracks = {
        (c["target"].get("node"), c["target"]["path"]): row["samplers"][c["sampler"]] for c in row["channels"]
    }
    groups = about.get("expressions") or {}
    nodes = {
        (n if kind == "preset" else _control(n)): e["node"]
        for kind in ("preset", "custom")
        for n, e in (groups.get(kind) or {}).items()
    }
    curves = {
        name: document.curve(tracks[node, "translation"], 3)
        for name, node in nodes.items()
        if (node, "translation") in tracks
    }
    gaze = tracks.get(((about.get("lookAt") or {}).get("node"), "rotation"))
    bone = ((about.get("humanoid") or {}).get("humanBones") or {}).get("head", {}).get("node")
    turned = tracks.get((bone, "rotation"))
    turns = [document.curve(t, 4) for t in (gaze, turned) if t is not None]
    if not curves and not turns:
        raise AnimationFileError("moves no expression, gaze or head", remedy="export it with expressions")
    longest = max([*curves.values(), *turns], key=lambda curve: (curve[0][-1], len(curve[0])))[0]
    fps, even = rate_of(longest, row)
    count = len(longest) if even else int(np.floor(longest[-1] * float(fps) + 1e-6)) + 1
    at = longest if even else np.arange(count) / float(fps)
    columns = {name: np.interp(at, times, values[:, 0]) for name, (times, values) in curves.items()}
    if gaze is not None:
        columns |= _eyes(_angles(document.curve(gaze, 4), at))
    head = None
    if turned is not None:
        head = np.column_stack([_angles(document.curve(turned, 4), at), np.zeros((count, 3))])
    sound = (row.get("extras") or {}).get("audio")
    meta = {"audio": {"name": str(sound)}} if sound else {}
    values = np.column_stack(list(columns.values())) if columns else np.zeros((count, 0))
    return Animation(fps, tuple(columns), values, head, meta)


def _control(name: str) -> str:
    small = name[:1].lower() + name[1:]
    return small if small in ARKIT else name


def _angles(curve: tuple[np.ndarray, np.ndarray], at: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll [T, 3] of the quaternions of a curve, interpolated as angles."""
    times, turns = curve
    unit = turns / np.maximum(np.linalg.norm(turns.astype(np.float64), axis=1, keepdims=True), 1e-9)
    return np.column_stack([np.interp(at, times, angle) for angle in euler_angles(unit).T])


def _eyes(angles: np.ndarray) -> dict[str, np.ndarray]:
    left = np.degrees(angles[:, 0]) / EYE_DEGREES_SIDE
    up = -np.degrees(angles[:, 1]) / EYE_DEGREES_UP
    return {name: np.clip(2 * (GAZE[name][0] * left + GAZE[name][1] * up), 0, 1) for name in EYES}
