"""Each numbered example runs in an empty folder and leaves what it says."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
OUTPUTS = {
    "01_animate.py": ("hello.csv", "hello.glb", "hello_edited.csv"),
    "02_retarget_to_your_vrm.py": ("avatar.glb", "talking.glb", "hello.vrma", "hello_vrm1.json"),
    "03_batch.py": ("batch/line0.csv", "batch/line2.glb", "batch/summary.html"),
    "04_live_to_a_browser.py": ("live.jsonl",),
    "05_portrait.py": ("portrait.mp4",),
    "06_own_encoder/run.py": ("vowels.csv",),
    "07_train_on_your_own_video.py": ("my_mouth.npz", "my_mouth.csv"),
}
NEEDED = {  # the modules of the extras, without which an example says that it is skipped
    "04_live_to_a_browser.py": ("websockets",),
    "05_portrait.py": ("mediapipe", "torch", "moderngl"),
    "07_train_on_your_own_video.py": ("mediapipe", "moderngl"),
}

pytestmark = pytest.mark.slow


def run(name: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, str(EXAMPLES / name)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=280,
    )


def test_every_numbered_example_is_run_here():
    numbered = {path.name for path in EXAMPLES.iterdir() if path.name[:2].isdigit()}
    assert numbered == {name.partition("/")[0] for name in OUTPUTS}


@pytest.mark.parametrize("name", OUTPUTS)
def test_it_runs_and_writes(name, tmp_path):
    missing = [module for module in NEEDED.get(name, ()) if importlib.util.find_spec(module) is None]
    done = run(name, tmp_path)
    assert done.returncode == 0, done.stderr
    if missing:
        assert "skipped: " in done.stdout
        return
    assert "skipped" not in done.stdout
    for output in OUTPUTS[name]:
        assert (tmp_path / "out" / output).stat().st_size > 0, output


def test_the_live_example_sends_every_frame(tmp_path):
    pytest.importorskip("websockets")
    assert run("04_live_to_a_browser.py", tmp_path).returncode == 0
    rows = [json.loads(line) for line in (tmp_path / "out" / "live.jsonl").read_text().splitlines()]
    assert [row["frame"] for row in rows] == list(range(len(rows)))
    assert max(row["controls"]["jawOpen"] for row in rows) > 0.1


def test_the_plug_in_is_found_by_its_entry_point_and_moves_the_mouth(tmp_path):
    import facegen

    assert run("06_own_encoder/run.py", tmp_path).returncode == 0
    take = facegen.load(tmp_path / "out" / "vowels.csv")
    assert take.channel("jawOpen").max() > 0.1
    without = subprocess.run(
        [
            sys.executable,
            "-m",
            "facegen",
            "animate",
            str(EXAMPLES / "hello.flac"),
            "-o",
            str(tmp_path / "a.csv"),
        ]
        + ["--encoder", "vowels"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert without.returncode == 2 and "vowels" in without.stderr  # only the package brings it


def test_the_lesson_learned_from_a_video_is_better_than_none(tmp_path):
    pytest.importorskip("mediapipe")
    pytest.importorskip("moderngl")
    done = run("07_train_on_your_own_video.py", tmp_path)
    before, after = (
        float(done.stdout.split(" before,")[0].split()[-1]),
        float(done.stdout.split(" after")[0].split()[-1]),
    )
    assert after > before + 0.1
