"""Khronos' own validator finds no error and no warning in the heads that are written."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.formats import save
from facegen.rig import ARKIT, built_in_rigs, load_rig
from tests.helpers.avatars import write_avatar
from tests.helpers.textured_head import textured
from tests.helpers.tiny_rig import tiny_rig

HERE = Path(__file__).resolve().parent
MODULES = Path(os.environ.get("FACEGEN_NODE_MODULES", HERE.parents[1] / "node_modules"))

pytestmark = [
    pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (MODULES / "gltf-validator").is_dir(),
        reason="no gltf-validator: npm install gltf-validator@2.0.0-dev.3.10, or set FACEGEN_NODE_MODULES",
    ),
]


def reports(*paths):
    command = ["node", str(HERE.parent / "helpers" / "validate_gltf.mjs"), str(MODULES), *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_heads_are_valid(tmp_path):
    rng = np.random.default_rng(0)
    paths = []
    heads = {"tiny": tiny_rig(), "plain": tiny_rig(colors=False), "textured": textured(cutoff=0.5)}
    heads |= {name: load_rig(name) for name in built_in_rigs() if load_rig(name).mesh is not None}
    for name, rig in heads.items():
        for frames, moves in ((1, False), (40, True)):
            head = rng.normal(size=(frames, 6)) * 0.3 if moves else None
            animation = Animation(
                "30000/1001", ARKIT, rng.random((frames, 52)), head, {"audio": {"name": "größe.wav"}}
            )
            for suffix in (".glb", ".gltf"):
                paths.append(tmp_path / f"{name}-{frames}{suffix}")
                save(animation, paths[-1], rig=rig)
    found = reports(*paths)
    assert len(found) == len(paths)
    for report in found:
        assert (report["numErrors"], report["numWarnings"]) == (0, 0), report["messages"]
        assert {m["code"] for m in report["messages"]} <= {"UNUSED_OBJECT"}


def test_vrm_animations_are_valid(tmp_path):
    paths = [tmp_path / "still.vrma", tmp_path / "moving.vrma"]
    values = np.random.default_rng(0).random((20, 52))
    for path, head in zip(paths, (None, np.full((20, 6), 0.1)), strict=True):
        save(Animation("30000/1001", ARKIT, values, head), path)
    for report in reports(*paths):
        assert (report["numErrors"], report["numWarnings"]) == (0, 0), report["messages"]
        assert {m["code"] for m in report["messages"]} <= {"NODE_EMPTY", "UNSUPPORTED_EXTENSION"}


def test_copies_of_models_get_no_new_fault(tmp_path):
    for version in (None, 0, 1):
        model = write_avatar(tmp_path / f"v{version}.glb", tiny_rig(), version)
        names = load_rig(model).control_names
        values = np.random.default_rng(0).random((20, len(names)))
        out = tmp_path / f"out{version}.glb"
        save(Animation("30000/1001", names, values, np.full((20, 6), 0.1)), out, rig=model)
        before, after = (
            {(m["code"], m.get("pointer")) for m in report["messages"] if m["severity"] < 2}
            for report in reports(model, out)
        )
        assert after <= before


def test_the_validator_does_find_faults(tmp_path):
    path = tmp_path / "bad.glb"
    save(Animation(30, ARKIT, np.zeros((3, 52))), path, rig=tiny_rig())
    path.write_bytes(path.read_bytes()[:-40])
    assert reports(path)[0]["numErrors"] > 0
