"""Saving a rig: the files of its folder, ``rig.json``, ``mesh.safetensors`` and its textures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from facegen.core.errors import RigError
from facegen.rig.model import Rig

MESH = "mesh.safetensors"


def rig_files(rig: Rig) -> dict[str, bytes | Iterable[bytes]]:
    """The files of a rig's folder, name to bytes, for ``load_rig``. Raises RigError for a rig without a mesh."""
    from safetensors.numpy import save

    mesh = rig.mesh
    if mesh is None:
        raise RigError(f"the rig {rig.name} has no mesh", remedy="write one that has")
    arrays = {
        "vertices": mesh.vertices,
        "faces": mesh.faces,
        "uvs": None if mesh.uvs is None else np.asarray(mesh.uvs, np.float32),
        "colors": mesh.colors,
        "delta_offsets": np.asarray(rig.delta_offsets, np.int64),
        "delta_index": np.asarray(rig.delta_index, np.int32),
        "delta_value": np.asarray(rig.delta_value, np.float32),
        "head_weight": rig.head_weight,
    }
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items() if array is not None}
    return {"rig.json": _text(rig).encode(), MESH: save(kept), **rig.textures}


def _text(rig: Rig) -> str:
    about = {
        "format": 1,
        "name": rig.name,
        "licence": rig.licence,
        "credit": rig.credit,
        "units": "cm",
        "mesh": MESH,
        "controls": [asdict(c) for c in rig.controls],
        "combinations": [list(of) for of in rig.combinations],
        "parts": [asdict(p) for p in rig.parts],
        "materials": dict(rig.materials),
        "landmarks": dict(rig.landmarks),
        "pivots": {name: list(place) for name, place in rig.pivots.items()},
    }
    return json.dumps(about, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
