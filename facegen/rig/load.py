"""Loading rigs: a shipped one by its name, any other by its folder or the file of another program."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.errors import FacegenError, RigError, UsageError, nearest
from facegen.core.files import read_bytes, read_json, safe_name
from facegen.core.mesh import Mesh
from facegen.rig.importing import import_rig, importer_of
from facegen.rig.model import Control, Rig, RigPart

_PACKAGE = Path(__file__).resolve().parents[1]
MAX_MESH_BYTES = 512 * 2**20
MAX_TEXTURE_BYTES = 64 * 2**20
"""Limits of what is read from a rig's folder, far above any head that can be animated."""


def rigs_folder() -> Path:
    """The folder of the shipped rigs: inside the installed package, or beside it in a checkout."""
    packed = _PACKAGE / "_rigs"
    return packed if packed.is_dir() else _PACKAGE.parent / "rigs"


def built_in_rigs() -> list[str]:
    """The names of the shipped rigs, sorted."""
    return sorted(p.parent.name for p in rigs_folder().glob("*/rig.json"))


def load_rig(name: str | PathLike) -> Rig:
    """Load a rig.

    Parameters
    ----------
    name : str or PathLike
        The name of a shipped rig, the folder of one (or its ``rig.json``), or a file or folder of another program.

    Returns
    -------
    Rig

    Raises
    ------
    UsageError
        For an unknown name.
    RigError
        For a file or folder that holds no valid rig.
    """
    text = str(name)
    if text in built_in_rigs():
        return _built_in(text)
    folder = Path(text)
    if folder.name == "rig.json":
        folder = folder.parent
    if not folder.exists():
        raise UsageError(
            f"no rig is called {text!r} and no folder has that name", remedy=nearest(text, built_in_rigs())
        )
    if importer_of(folder) and not (folder / "rig.json").exists():
        return import_rig(folder).rig
    return _read_rig(folder)


@lru_cache(maxsize=32)  # few have a mesh
def _built_in(name: str) -> Rig:
    return _read_rig(rigs_folder() / name)


def default_head(rig: Rig) -> Rig:
    """The rig to show ``rig`` with: itself where it has a mesh, else the head that it names.

    Raises
    ------
    RigError
        Where it has neither.
    """
    if rig.mesh is not None:
        return rig
    if not rig.head:
        raise RigError(f"the rig {rig.name} has no mesh", remedy="choose a rig with a head, such as aria")
    return load_rig(rig.head)


def _read_rig(folder: Path) -> Rig:
    path = folder / "rig.json"
    data = read_json(path, limit=64 * 2**20, error=RigError)
    try:
        return _rig_from(data, folder)
    except FacegenError as error:
        raise error.at(path) from error
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError, IndexError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is not a rig ({error})"
        raise RigError(what, path=path, remedy="compare it with rigs/aria/rig.json") from error


def _rig_from(data: dict[str, Any], folder: Path) -> Rig:
    if data["format"] != 1:
        raise RigError(f"has format {data['format']!r}; this version reads 1", remedy="update facegen")
    arrays = _read_arrays(folder / safe_name(data["mesh"])) if data.get("mesh") else {}
    if "base" in data:
        return _variant_of(_base(data["base"]), data, folder, arrays)
    mesh = None
    if arrays:
        mesh = Mesh(arrays["vertices"], arrays["faces"], arrays.get("uvs"), arrays.get("colors"))
    parts = tuple(
        RigPart(p["name"], p["material"], tuple(p["vertices"]), tuple(p["faces"]))
        for p in data.get("parts", [])
    )
    return Rig(
        name=data["name"],
        controls=tuple(Control(**c) for c in data["controls"]),
        mesh=mesh,
        delta_offsets=arrays.get("delta_offsets"),
        delta_index=arrays.get("delta_index"),
        delta_value=arrays.get("delta_value"),
        head_weight=arrays.get("head_weight"),
        parts=parts,
        materials=data.get("materials", {}),
        landmarks=data.get("landmarks", {}),
        pivots={k: tuple(v) for k, v in data.get("pivots", {}).items()},
        licence=data.get("licence", ""),
        credit=data.get("credit", ""),
        head=data.get("head", ""),
        combinations=tuple(tuple(map(str, of)) for of in data.get("combinations", [])),
        textures=_read_textures(data, folder),
    )


def _read_textures(data: dict[str, Any], folder: Path) -> dict[str, bytes]:
    names = {about["texture"] for about in data.get("materials", {}).values() if "texture" in about}
    return {
        name: read_bytes(folder / safe_name(name), limit=MAX_TEXTURE_BYTES, error=RigError)
        for name in sorted(names)
    }


def _base(name: str) -> Rig:
    if name not in built_in_rigs() or (rig := _built_in(name)).mesh is None:
        raise RigError(f"changes {name!r}, which is no shipped head", remedy="base it on aria")
    return rig


def _variant_of(base: Rig, data: dict[str, Any], folder: Path, arrays: dict[str, np.ndarray]) -> Rig:
    """``base`` at rest with other ``vertices`` (V, 3) and ``colors`` (V, 3), and with the pivots, materials and textures
    of ``data``."""
    mesh = base.mesh
    assert mesh is not None
    vertices = arrays.get("vertices", mesh.vertices)
    if vertices.shape != mesh.vertices.shape:
        raise RigError(f"has vertices of shape {vertices.shape}, but {base.name} has {mesh.vertices.shape}")
    return replace(
        base,
        name=data["name"],
        mesh=Mesh(vertices, mesh.faces, mesh.uvs, arrays.get("colors", mesh.colors)),
        materials={**base.materials, **data.get("materials", {})},
        textures={**base.textures, **_read_textures(data, folder)},
        pivots={**base.pivots, **{k: tuple(v) for k, v in data.get("pivots", {}).items()}},
        licence=data.get("licence", base.licence),
        credit=data.get("credit", base.credit),
    )


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load

    raw = read_bytes(path, limit=MAX_MESH_BYTES, error=RigError)
    try:
        return load(raw)
    except Exception as error:
        raise RigError(f"is not a safetensors file ({error})", path=path, remedy="write it again") from error


ARKIT: tuple[str, ...] = (
    "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
    "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
    "eyeSquintRight", "eyeWideRight", "jawForward", "jawRight", "jawLeft", "jawOpen", "mouthClose", "mouthFunnel",
    "mouthPucker", "mouthRight", "mouthLeft", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft",
    "mouthFrownRight", "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight",
    "mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight",
    "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft",
    "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft",
    "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut",
)  # fmt: skip
"""The 52 ARKit face controls, the control set used inside facegen, in the order of Apple's Live Link Face files."""
