"""What a VRM 0.x or 1.0 avatar adds to glTF: its bones by name, its expressions, its terms and which way it faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PRESETS_0 = {
    "neutral": "Neutral", "a": "A", "i": "I", "u": "U", "e": "E", "o": "O", "blink": "Blink", "joy": "Joy",
    "angry": "Angry", "sorrow": "Sorrow", "fun": "Fun", "lookup": "LookUp", "lookdown": "LookDown",
    "lookleft": "LookLeft", "lookright": "LookRight", "blink_l": "Blink_L", "blink_r": "Blink_R",
}  # fmt: skip
"""Presets of VRM 0.x in the spelling of the control set ``vrm0``."""
BONES = {"head": "head", "eyeLeft": "leftEye", "eyeRight": "rightEye", "jaw": "jaw"}


@dataclass(frozen=True)
class ExpressionBind:
    """One morph target of an expression: on a ``mesh`` or a ``node``, with its weight at 1."""

    index: int
    weight: float
    mesh: int | None = None
    node: int | None = None

    def on(self, mesh: int, node: int) -> bool:
        return mesh == self.mesh if self.node is None else node == self.node


@dataclass
class VrmAvatar:
    """``bones``: pivot to node; ``expressions``: name to binds; ``backwards``: faces −Z, as VRM 0.x does."""

    bones: dict[str, int] = field(default_factory=dict)
    expressions: dict[str, list[ExpressionBind]] = field(default_factory=dict)
    backwards: bool = False
    name: str = ""
    licence: str = ""
    credit: str = ""


def read_avatar(data: Mapping[str, Any]) -> VrmAvatar:
    """The avatar in a glTF's JSON; an empty one where it is no VRM."""
    extensions = data.get("extensions") or {}
    if "VRMC_vrm" in extensions:
        return _version_1(extensions["VRMC_vrm"])
    if "VRM" in extensions:
        return _version_0(extensions["VRM"])
    return VrmAvatar()


def _version_1(row: Mapping[str, Any]) -> VrmAvatar:
    bones = row.get("humanoid", {}).get("humanBones", {})
    groups = row.get("expressions", {})
    expressions = {
        name: [
            ExpressionBind(b["index"], float(b["weight"]), node=b["node"])
            for b in e.get("morphTargetBinds", [])
        ]
        for kind in ("preset", "custom")
        for name, e in (groups.get(kind) or {}).items()
    }
    meta = row.get("meta", {})
    return VrmAvatar(
        {ours: bones[theirs]["node"] for ours, theirs in BONES.items() if theirs in bones},
        expressions,
        name=str(meta.get("name", "")),
        licence=str(meta.get("licenseUrl", "")),
        credit=", ".join(map(str, meta.get("authors", []))),
    )


def _version_0(row: Mapping[str, Any]) -> VrmAvatar:
    bones = {b["bone"]: b["node"] for b in row.get("humanoid", {}).get("humanBones", [])}
    expressions = {}
    for group in row.get("blendShapeMaster", {}).get("blendShapeGroups", []):
        name = PRESETS_0.get(str(group.get("presetName", "")).lower(), str(group.get("name", "")))
        expressions[name] = [
            ExpressionBind(b["index"], float(b["weight"]) / 100, mesh=b["mesh"])
            for b in group.get("binds", [])
        ]
    meta = row.get("meta", {})
    return VrmAvatar(
        {ours: bones[theirs] for ours, theirs in BONES.items() if theirs in bones},
        expressions,
        backwards=True,
        name=str(meta.get("title", "")),
        licence=str(meta.get("licenseName", "")),
        credit=str(meta.get("author", "")),
    )
