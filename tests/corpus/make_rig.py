"""Broken rig folders, one fault each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from tests.corpus.case import Case
from tests.helpers.tiny_rig import tiny_rig


def rig_folder(folder: Path, changes: dict[str, Any] | None = None, arrays: dict[str, Any] | None = None) -> Path:
    """The tiny rig written as a rig folder, with some of its fields and arrays replaced."""
    rig = tiny_rig()
    folder.mkdir(parents=True, exist_ok=True)
    data = {
        "format": 1,
        "name": "tiny",
        "mesh": "mesh.safetensors",
        "controls": [{"name": c.name, "side": c.side} for c in rig.controls],
        "parts": [
            {"name": p.name, "material": p.material, "vertices": p.vertices, "faces": p.faces} for p in rig.parts
        ],
        "materials": rig.materials,
        "pivots": rig.pivots,
        **(changes or {}),
    }
    (folder / "rig.json").write_text(json.dumps(data))
    tensors = {
        "vertices": rig.mesh.vertices,
        "faces": rig.mesh.faces,
        "colors": rig.mesh.colors,
        "delta_offsets": rig.delta_offsets,
        "delta_index": rig.delta_index,
        "delta_value": rig.delta_value,
        "head_weight": rig.head_weight,
        **(arrays or {}),
    }
    kept = {name: np.ascontiguousarray(array) for name, array in tensors.items() if array is not None}
    (folder / "mesh.safetensors").write_bytes(save(kept))
    return folder


def build(folder: Path) -> list[Case]:
    """Write the folders into ``folder``; each makes ``facegen rig show`` exit with 3 and say why in one line."""
    rig = tiny_rig()
    cases: list[Case] = []

    def add(name: str, says: str, changes: dict | None = None, arrays: dict | None = None) -> Path:
        path = rig_folder(folder / name, changes, arrays)
        cases.append(Case(name, path, (), 3, says, command="rig show"))
        return path

    controls = [{"name": c.name} for c in rig.controls]
    bent = rig.mesh.vertices.copy()
    bent[5, 1] = np.nan
    (add("bad-json", "is no JSON") / "rig.json").write_text('{"format": 1,')
    (add("no-rig-json", "no such file") / "rig.json").unlink()
    (add("no-mesh", "no such file") / "mesh.safetensors").unlink()
    mesh = add("cut-mesh", "is not a safetensors file") / "mesh.safetensors"
    mesh.write_bytes(mesh.read_bytes()[:-50])
    add("format", "has format 99", {"format": 99})
    path = add("controls-missing", "lacks 'controls'") / "rig.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "controls"}))
    add("control-twice", "'jawOpen' occurs twice", {"controls": [*controls[:-1], {"name": "jawOpen"}]})
    add("control-range", "low/neutral/high", {"controls": [{"name": "jawOpen", "low": 2}, *controls[1:]]})
    add("control-key", "is not a rig", {"controls": [{"name": "jawOpen", "colour": 2}, *controls[1:]]})
    add("combination-unknown", "did you mean", {"combinations": [["jawOpn", "mouthClose"]]})
    add("combination-deltas", "delta_offsets do not divide", {"combinations": [["jawOpen", "mouthClose"]]})
    add("vertex-nan", "a vertex is not finite", arrays={"vertices": bent})
    add("face-outside", "a face points outside", arrays={"faces": rig.mesh.faces + 10_000})
    add("delta-outside", "a shape delta points outside", arrays={"delta_index": rig.delta_index + 100_000})
    add("delta-nan", "delta_value is not", arrays={"delta_value": rig.delta_value * np.float32(np.nan)})
    add("deltas-missing", "has no shape deltas", arrays={"delta_offsets": None})
    add("offsets", "delta_offsets do not divide", arrays={"delta_offsets": rig.delta_offsets[:-1]})
    add("vertices-flat", "expected [V, 3]", arrays={"vertices": rig.mesh.vertices.reshape(-1)})
    return cases
