"""The add-on in real Blender: each version that is here installs the zip and runs every check of ``inside.py``."""

import ast
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tools.build_addon import build, sources

HERE = Path(__file__).parent
CHECKS = [
    node.name
    for part in ("checks_motion.py", "checks_scene.py")
    for node in ast.parse((HERE / part).read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("check_")
]
PYTHONS = [p for p in os.environ.get("FACEGEN_BLENDER_PYTHONS", "").split(os.pathsep) if p]
PROGRAM = os.environ.get("FACEGEN_BLENDER_PROGRAM") or shutil.which("blender") or ""
BLENDERS = [*PYTHONS, *([PROGRAM] if PROGRAM else [])]
MISSING = "no Blender: set FACEGEN_BLENDER_PYTHONS to Pythons that have bpy, as tools/start.py test does"


@pytest.fixture(scope="session")
def addon(tmp_path_factory):
    return build(tmp_path_factory.mktemp("addon"))


@pytest.fixture(scope="session")
def ran(addon, tmp_path_factory, sample):
    """The faults that each Blender found, by check; all of them are started when the first is asked for."""
    folders = {blender: tmp_path_factory.mktemp("blender") for blender in BLENDERS}
    started = {b: start(b, addon, sample, folder) for b, folder in folders.items()}
    found = {}

    def of(blender):
        if blender not in found:
            found[blender] = faults(*started[blender])
        return found[blender]

    yield of
    for process, _ in started.values():
        process.kill()


def start(blender, addon, sample, folder):
    """The process that runs all checks in one Blender, and the file that it prints to."""
    inside, log = str(HERE / "inside.py"), folder / "log.txt"
    python = Path(blender).name.startswith("python")
    command = [blender, inside] if python else [blender, "-b", "--factory-startup", "-P", inside, "--"]
    arguments = [str(addon), sys.executable, str(sample), str(folder)]
    with open(log, "w") as out:
        return subprocess.Popen(
            [*command, *arguments], env=surroundings(folder, python), stdout=out, stderr=out
        ), log


def faults(process, log):
    process.wait(timeout=1500)
    text = log.read_text(errors="replace")
    rows = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("CHECK ")]
    found = {row["name"]: row["fault"] for row in rows}
    return {name: found.get(name, f"was not run:\n{text[-3000:]}") for name in CHECKS}


def surroundings(folder, python=False):
    """An environment in which Blender keeps its settings in ``folder`` and facegen is this one."""
    root = str(Path(__file__).parents[2])
    given = {"BLENDER_USER_RESOURCES": folder / "user", "PYTHONPATH": root}
    if not python:  # a system's Blender looks for its Python's modules beside the first python3 on the PATH
        given["PATH"] = os.defpath
    for kind in ("config", "scripts", "datafiles"):
        (folder / "user" / kind).mkdir(parents=True)
        given[f"BLENDER_USER_{kind.upper()}"] = folder / "user" / kind
    return {**os.environ, **{k: str(v) for k, v in given.items()}}


@pytest.mark.slow
@pytest.mark.skipif(not BLENDERS, reason=MISSING)
@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("blender", BLENDERS)
def test_in_blender(blender, check, ran):
    fault = ran(blender)[check]
    assert not fault, fault


@pytest.mark.slow
def test_the_panel_is_drawn_and_stays_responsive(addon, sample, tmp_path):
    display = shutil.which("xvfb-run")
    if not PROGRAM or not display:
        pytest.skip("needs a Blender with a window (FACEGEN_BLENDER_PROGRAM) and xvfb-run")
    out = tmp_path / "out"
    out.mkdir()
    screen = [display, "-a", "-s", "-screen 0 1400x1000x24", PROGRAM, "--factory-startup"]
    script = ["--window-geometry", "0", "0", "1400", "1000", "-P", str(HERE / "window.py"), "--"]
    subprocess.run(
        [*screen, *script, str(addon), sys.executable, str(sample), str(out)],
        env=surroundings(tmp_path),
        capture_output=True,
        timeout=300,
    )
    found = json.loads((out / "found.json").read_text())
    assert not found["errors"] and found["curves"] >= 52
    assert found["cancelled"].startswith("cancelled") and found["actions"] == found["actions_after"]
    assert found["shown"] > 52 and (found["shown_undone"], found["shown_redone"]) == (0, found["shown"])
    steps = sorted(found["animate_steps"])
    assert steps[len(steps) * 9 // 10] < 0.05, steps[-5:]
    assert panel_is_drawn(out / "done.png"), "the screenshot shows no panel"


def panel_is_drawn(path):
    """Whether the sidebar of the screenshot holds the selected source's blue and the buttons' grey."""
    from PIL import Image

    with Image.open(path) as image:
        side = np.asarray(image.convert("RGB").crop((890, 100, 1150, 500))).astype(int)
    blue = ((side[..., 2] > side[..., 0] + 60) & (side[..., 2] > 150)).sum()
    return blue > 500


def test_the_core_knows_nothing_of_blender():
    core = [p for p in sources() if p.parent.name == "core" and p.suffix == ".py"]
    assert len(core) > 3
    for path in core:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not any(n.split(".")[0] in ("bpy", "mathutils", "facegen") for n in names), path


def test_the_addon_is_small():
    lines = sum(code_lines(p.read_text()) for p in sources() if p.suffix == ".py")
    assert lines <= 1300, lines


def code_lines(text):
    """Lines that hold code: no blank ones, comments or texts that document."""
    texts = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            texts |= set(range(node.lineno, node.end_lineno + 1))
    rows = enumerate(text.splitlines(), 1)
    return sum(1 for n, row in rows if row.strip() and not row.strip().startswith("#") and n not in texts)


def test_equal_sources_give_equal_bytes(addon, tmp_path):
    assert build(tmp_path).read_bytes() == addon.read_bytes()
    with zipfile.ZipFile(addon) as archive:
        names = archive.namelist()
        manifest = archive.read("facegen_addon/blender_manifest.toml").decode()
    assert 'id = "facegen"' in manifest and addon.name.startswith("facegen_addon-")
    assert "facegen_addon/core/choices.json" in names and "facegen_addon/LICENSE" in names
