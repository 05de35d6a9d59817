"""Every command that works on files is a job: a row of a batch and a request to the service run it too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from facegen.cli.app import COMMANDS, run
from facegen.config import Config, ConverseConfig, RenderConfig, StreamConfig
from facegen.core.errors import UsageError
from facegen.core.registry import Registry
from facegen.formats import load_animation, load_take
from facegen.jobs import load_job
from facegen.jobs.retarget import RetargetJob
from facegen.jobs.server.openapi import description
from facegen.jobs.settings import known_fields, read_values
from tests.helpers.inline_batch import run_inline, short_sounds

ROOT = Path(__file__).resolve().parents[2]
EVERY = (
    "animate", "check", "convert", "converse", "edit", "emotion", "evaluate", "inspect", "keys", "portrait", "render",
    "retarget", "track",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A sound, and its take and curves."""
    folder = short_sounds(tmp_path_factory.mktemp("made"), 1, seconds=1.0)
    outputs = [part for suffix in ("take", "csv") for part in ("-o", str(folder / f"a.{suffix}"))]
    assert run(["animate", str(folder / "clip000.wav"), "--quiet", *outputs]) == 0
    return folder


def test_every_job_is_a_command_with_its_options():
    assert set(EVERY) <= set(Registry("jobs").names())
    for command in EVERY:
        job = load_job(command)
        assert command in COMMANDS and job.sources and job.kinds
        assert known_fields(job.settings)


def test_a_batch_of_every_kind(made, tmp_path, monkeypatch):
    targets = {"targets": [{"name": "Face", "shapes": ["jawOpen"]}]}
    (made / "character.json").write_text(json.dumps(targets))
    (made / "turns.csv").write_text("speaker,audio\nann,clip000.wav\n")
    (made / "far.csv").write_text("speaker,audio\nann,/etc/passwd\n")
    rows = [
        {"command": "convert", "animation": "a.csv", "fps": 60, "format": "json", "name": "fast"},
        {"command": "retarget", "animation": "a.csv", "to": "metahuman", "format": "json", "name": "board"},
        {"command": "retarget", "animation": "a.csv", "from": "arkit", "name": "nowhere"},
        {"command": "edit", "take": "a.take", "span": "0.2:0.8", "emotion": "happy", "format": "take",
         "name": "glad"},
        {"command": "check", "file": "a.take", "name": "card"},
        {"command": "keys", "animation": "a.take", "targets": "character.json", "name": "keyed"},
        {"command": "converse", "turns": "turns.csv", "format": "csv", "name": "talk"},
        {"command": "check", "file": "a.take", "audio": "/etc/passwd", "name": "far"},
        {"command": "converse", "turns": "far.csv", "name": "distant"},
    ]  # fmt: skip
    (made / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    progress = run_inline(monkeypatch, made / "m.jsonl", tmp_path)
    results = [progress.results[task.row] for task in progress.tasks]
    told = [str(result.fault) for result in results]
    states = ["done", "done", "failed", "done", "done", "done", "done", "failed", "failed"]
    assert [result.state for result in results] == states, told
    assert "--to" in told[2] and "outside" in told[7] and "outside" in told[8]
    assert load_animation(tmp_path / "fast.json").fps == 60
    assert "CTRL_C_jaw-translateY" in load_animation(tmp_path / "board.json").controls
    assert load_take(tmp_path / "glad.take").config["edits"] == [{"span": [0.2, 0.8], "emotion": "happy"}]
    assert results[4].card["verdict"] and "<table" in (tmp_path / "card.html").read_text("utf-8")
    assert (tmp_path / "keyed.keys").stat().st_size > 100
    assert sorted(results[6].outputs) == ["talk/ann.csv", "talk/conversation.json"]


def test_reports_are_rows_that_write_what_the_command_prints(made, tmp_path, monkeypatch, capsys):
    rows = [
        {"command": "emotion", "source": "clip000.wav", "name": "mood"},
        {"command": "inspect", "file": "a.take", "name": "facts"},
        {
            "command": "evaluate",
            "pred": "a.csv",
            "reference": "a.take",
            "other": ["a.csv"],
            "name": "measured",
        },
        {"command": "evaluate", "pred": "a.csv", "reference": "a.csv", "other": "/etc/passwd", "name": "far"},
        {"command": "evaluate", "pred": "a.csv", "reference": "a.csv", "text": "hi", "name": "mute"},
        {"command": "inspect", "file": "a.csv", "format": "mp4", "name": "film"},
    ]
    (made / "reports.jsonl").write_text("\n".join(map(json.dumps, rows)))
    progress = run_inline(monkeypatch, made / "reports.jsonl", tmp_path)
    results = [progress.results[task.row] for task in progress.tasks]
    errors = [str(result.fault) for result in results]
    assert [result.state for result in results] == ["done"] * 3 + ["failed"] * 3, errors
    assert "outside" in errors[3] and "give --audio too" in errors[4] and "mp4" in errors[5]
    monkeypatch.chdir(made)
    for name, line in (
        ("mood", ["emotion", "clip000.wav"]),
        ("facts", ["inspect", "a.take"]),
        ("measured", ["evaluate", "a.csv", "a.take", "--other", "a.csv"]),
    ):
        capsys.readouterr()
        assert run([*line, "--json"]) == 0
        printed = json.loads(capsys.readouterr().out.splitlines()[-1])
        printed.pop("elapsed", None)
        assert json.loads((tmp_path / f"{name}.json").read_text("utf-8")) == printed


def test_a_row_draws_what_it_inspects(made, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    (made / "plots.csv").write_text(
        "command,file,source,name,format\ninspect,a.csv,,curves,png\nemotion,,clip000.wav,mood,svg;json\n"
    )
    progress = run_inline(monkeypatch, made / "plots.csv", tmp_path)
    assert [result.state for result in progress.results.values()] == ["done"] * 2
    assert (tmp_path / "curves.png").read_bytes()[:4] == b"\x89PNG"
    assert (
        "<svg" in (tmp_path / "mood.svg").read_text("utf-8") and (tmp_path / "mood.json").stat().st_size > 100
    )


def test_a_row_tracks_a_video(tmp_path, monkeypatch):
    pytest.importorskip("mediapipe")
    data = Path(os.environ.get("FACEGEN_DATA", "/nowhere"))
    videos = sorted(data.glob("**/*.mp4"), key=lambda path: path.stat().st_size)
    if not videos:
        pytest.skip("needs a recording (FACEGEN_DATA)")
    (tmp_path / "m.csv").write_text(f"command,video,name\ntrack,{videos[0]},face\n")
    progress = run_inline(monkeypatch, tmp_path / "m.csv", tmp_path / "out", allow_outside=True)
    (result,) = progress.results.values()
    assert result.state == "done", result.fault
    assert len(load_animation(tmp_path / "out" / "face.csv")) == result.frames


def test_the_service_does_other_jobs(made, tmp_path):
    pytest.importorskip("starlette")
    from tests.jobs.test_server import service

    curves = (made / "a.csv").read_bytes()
    with service(tmp_path) as (client, queue):
        answer = client.post("/v1/jobs/convert?format=json&fps=60&filename=a.csv", content=curves)
        assert answer.status_code == 200 and answer.json()["fps"] in (60, "60")
        answer = client.post(
            "/v1/jobs/retarget?to=metahuman&format=json", files={"animation": ("a.csv", curves)}
        )
        assert answer.status_code == 200 and "CTRL_C_jaw-translateY" in answer.json()["controls"]
        files = {"file": ("a.take", (made / "a.take").read_bytes()),
                 "audio": ("a.wav", (made / "clip000.wav").read_bytes())}  # fmt: skip
        answer = client.post("/v1/jobs/check", files=files)
        assert answer.status_code == 200 and b"<table" in answer.content
        answer = client.post("/v1/jobs/inspect?filename=a.csv", content=curves)
        assert answer.status_code == 200 and answer.json()["kind"] == "animation"
        assert answer.json()["file"] == "file.csv"
        answer = client.post("/v1/jobs/emotion?filename=a.wav", content=(made / "clip000.wav").read_bytes())
        assert answer.status_code == 200 and "valence" in answer.json()
        files = {"pred": ("a.csv", curves), "reference": ("b.csv", curves)}
        answer = client.post("/v1/jobs/evaluate", files=files)
        assert answer.status_code == 200 and answer.json()["measures"]
        for path, status, says in (
            ("dance", 400, "dance"),
            ("retarget?filename=a.csv", 400, "is missing"),
            ("retarget?to=/etc&filename=a.csv", 422, "outside"),
            ("portrait", 400, "source and image"),
            ("convert?fsp=60&filename=a.csv", 400, "fsp"),
        ):
            answer = client.post(f"/v1/jobs/{path}", content=curves)
            assert answer.status_code == status and says in answer.json()["error"], answer.text
        files = {"animation": ("a.csv", curves), "fps": ("a.csv", curves)}
        assert client.post("/v1/jobs/convert", files=files).status_code == 400
        for _ in range(200):
            if all(entry.result for entry in queue.entries.values()):
                break
            time.sleep(0.05)


def test_the_page_of_the_service_tells_ranges():
    paths = description()["paths"]
    rows = {row["name"]: row for row in paths["/v1/animate"]["post"]["parameters"]}
    assert (rows["mouth"]["schema"]["minimum"], rows["mouth"]["schema"]["maximum"]) == (0, 2)
    assert rows["show"]["schema"]["enum"] == ["color", "depth", "mask"] if "show" in rows else True
    (to,) = [r for r in paths["/v1/jobs/retarget"]["post"]["parameters"] if r["name"] == "to"]
    assert to["required"] and "default" not in to["schema"]


@pytest.mark.parametrize(
    ("kind", "values", "says"),
    [
        (Config, {"mouth": 2.5}, "--mouth 2.5 is not in 0..2"),
        (Config, {"seed": True}, "--seed True is not a whole number"),
        (Config, {"start": float("nan")}, "--start nan is not in"),
        (ConverseConfig, {"apart": 90.0}, "--apart 90.0 is not in -60..60"),
        (StreamConfig, {"rate": "fast"}, "--rate fast is not in 8000..192000"),
        (RenderConfig, {"show": "dept"}, "no show is called 'dept'"),
    ],
)
def test_ranges_and_choices(kind, values, says):
    with pytest.raises(UsageError) as caught:
        kind(**values)
    assert says in str(caught.value)


def test_options_go_by_the_name_that_users_know():
    known = known_fields(RetargetJob.settings)
    values = read_values({"to": "vrm1", "from": "arkit", "map": "m.csv", "neutral": "3"}, known)
    assert values == {"to": "vrm1", "source": "arkit", "rig_map": "m.csv", "neutral": 3}
    with pytest.raises(UsageError, match="neutral: 'x' is not a valid integer"):
        read_values({"neutral": "x"}, known)


def test_writing_csv_loads_no_gltf(made, tmp_path):
    code = (
        "import sys\nfrom facegen.cli.app import run\n"
        f"assert run(['animate', {str(made / 'clip000.wav')!r}, '-o', {str(tmp_path / 'x.csv')!r}]) == 0\n"
        "print([n for n in sys.modules if n.startswith(('facegen.formats.gltf', 'pygltflib'))])"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(("command", "flag"), [("keys", "--targets"), ("retarget", "--to")])
def test_a_required_option_is_missed(command, flag, capsys):
    assert run([command, "a.take", "-o", "b.csv"]) == 2
    assert f"facegen: {flag}: is missing" in capsys.readouterr().err


def test_inputs_are_opened_once(made, tmp_path, monkeypatch):
    """A transcript and an alignment are read once each, by the check, and handed on to the solve."""
    from facegen.emotion import transcript
    from facegen.pipeline import inputs

    read: list[str] = []
    text, times = transcript.read_text, inputs.read_alignment
    monkeypatch.setattr(transcript, "read_text", lambda path, **k: read.append(str(path)) or text(path, **k))
    monkeypatch.setattr(inputs, "read_alignment", lambda path: read.append(str(path)) or times(path))
    (tmp_path / "said.txt").write_text("hello there")
    (tmp_path / "a.json").write_text('{"phones": [{"start": 0.1, "end": 0.4, "phone": "AA"}]}')
    for option, name in (("--text", "said.txt"), ("--alignment", "a.json")):
        out = ["-o", str(tmp_path / "x.csv"), "--quiet"]
        assert run(["animate", str(made / "clip000.wav"), option, str(tmp_path / name), *out]) == 0
    assert [Path(path).name for path in read] == ["said.txt", "a.json"]
