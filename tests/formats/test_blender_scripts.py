"""Blender imports the heads: shape keys under the controls' names, a key a frame, of the animation's values."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facegen.formats import fbx, save
from facegen.rig import ARKIT
from tests.helpers.animations import wave
from tests.helpers.extras import needs_usd
from tests.helpers.tiny_rig import tiny_rig

PYTHON = os.environ.get("FACEGEN_BLENDER_PYTHON", sys.executable)
SCRIPT = Path(__file__).parents[1] / "helpers" / "blender_keys.py"


def has_blender():
    return subprocess.run([PYTHON, "-c", "import bpy"], capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "suffix",
    [".glb", ".gltf", pytest.param(".usdc", marks=needs_usd), pytest.param(".usda", marks=needs_usd)],
)
def test_blender_shows_the_shapes_and_keys(suffix, tmp_path):
    if not has_blender():
        pytest.skip("no bpy: set FACEGEN_BLENDER_PYTHON to a Python 3.11 with bpy==4.2.23")
    animation = wave(20, 24)
    save(animation, tmp_path / f"a{suffix}", rig=tiny_rig())
    command = [PYTHON, str(SCRIPT), str(tmp_path / f"a{suffix}")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    rows = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("KEYS ")]
    face = max(rows, key=lambda row: len(row["shapes"]))
    assert len(rows) == 2 and set(face["shapes"]) == set(ARKIT) == set(face["curves"])
    for name, values in face["curves"].items():
        assert len(values) == 20 and np.abs(np.array(values) - animation.channel(name)).max() < 1e-5


def in_blender(*words):
    done = subprocess.run(
        [PYTHON, str(SCRIPT), *map(str, words)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("KEYS ")]


@pytest.mark.slow
@pytest.mark.parametrize("fps", [30, "30000/1001"])
def test_blender_writes_an_fbx_and_reads_it_back(fps, tmp_path, monkeypatch):
    if not has_blender():
        pytest.skip("no bpy: set FACEGEN_BLENDER_PYTHON to a Python 3.11 with bpy==4.2.23")
    monkeypatch.setenv("FACEGEN_BLENDER", PYTHON)
    animation = wave(20, fps)
    save(animation, tmp_path / "a.fbx", rig=tiny_rig())
    assert (tmp_path / "a.fbx").read_bytes().startswith(b"Kaydara FBX Binary")
    face = max(in_blender(tmp_path / "a.fbx"), key=lambda row: len(row["shapes"]))
    assert set(face["shapes"]) == set(ARKIT)
    for name in ("jawOpen", "mouthSmileLeft", "eyeBlinkRight"):
        values = np.array(face["curves"][name])
        assert len(values) == 20 and np.abs(values - animation.channel(name)).max() < 1e-4, name


@pytest.mark.slow
def test_an_fbx_holds_the_textures(tmp_path, monkeypatch):
    if not has_blender():
        pytest.skip("no bpy: set FACEGEN_BLENDER_PYTHON to a Python 3.11 with bpy==4.2.23")
    pytest.importorskip("PIL", reason="needs Pillow (the render extra)")
    from tests.helpers.textured_head import textured

    monkeypatch.setenv("FACEGEN_BLENDER", PYTHON)
    rig = textured()
    save(wave(4, 30), tmp_path / "a.fbx", rig=rig)
    assert rig.textures["skin.png"] in (tmp_path / "a.fbx").read_bytes()


@pytest.mark.slow
def test_an_fbx_by_a_probe_is_that_made_frame_by_frame(tmp_path, monkeypatch):
    if not has_blender():
        pytest.skip("no bpy: set FACEGEN_BLENDER_PYTHON to a Python 3.11 with bpy==4.2.23")
    monkeypatch.setenv("FACEGEN_BLENDER", PYTHON)
    turns = 0.3 * np.sin(np.arange(20)[:, None] * np.array([0.3, 0.4, 0.5, 1, 2, 3]))
    still = replace(wave(20, 30), head=turns.astype(np.float32))
    animation = replace(still, values=still.values * (np.array(still.controls) != "jawOpen"))
    save(animation, tmp_path / "probe.fbx", rig="aria")
    assert (tmp_path / "probe.fbx").stat().st_size < 8_000_000
    monkeypatch.setattr(fbx, "probe", lambda animation: animation.slice(0, 3 / animation.fps))
    save(animation, tmp_path / "frames.fbx", rig="aria")
    sizes = [(tmp_path / f"{name}.fbx").stat().st_size for name in ("probe", "frames")]
    assert sizes[0] < 0.98 * sizes[1], "curves that serve many, so not made frame by frame"
    command = [PYTHON, str(SCRIPT.with_name("blender_poses.py")), *map(str, sorted(tmp_path.glob("*.fbx")))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    one, other = (json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith("POSES "))
    assert one.keys() == other.keys() and any(" Armature head" in name for name in one)
    for name, row in one.items():
        assert np.abs(np.array(row) - other[name]).max() < 1e-5, name
    moved = np.array(one["9 Armature head"]) - one["1 Armature head"]
    assert np.abs(moved).max() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("bound", [0, 0.01])
def test_blender_runs_the_script(bound, tmp_path):
    if not has_blender():
        pytest.skip("no bpy: set FACEGEN_BLENDER_PYTHON to a Python 3.11 with bpy==4.2.23")
    animation = wave(40, 30)
    save(animation, tmp_path / "a.glb", rig=tiny_rig())
    save(animation, tmp_path / "a.blender.py", **({"reduce": bound} if bound else {}))
    rows = in_blender(tmp_path / "a.glb", tmp_path / "a.blender.py")
    face = max(rows[len(rows) // 2 :], key=lambda row: len(row["shapes"]))
    for name in ARKIT:
        shown = np.array(face["shown"][name])
        assert len(shown) == 40 and np.abs(shown - animation.channel(name)).max() < max(1e-5, 1.01 * bound), (
            name
        )
    assert bool(bound) == (len(face["curves"]["jawOpen"]) < 40)
