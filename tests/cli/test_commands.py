"""What single commands say and write: doctor, inspect, convert, models, formats, rig check, render."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from facegen.cli.app import run

ROOT = Path(__file__).resolve().parents[2]


def test_doctor_tells_state_and_remedy(capsys):
    assert run(["doctor", "--json"]) == 0
    findings = json.loads(capsys.readouterr().out)["findings"]
    names = {finding["name"] for finding in findings}
    assert {"python", "numpy", "onnxruntime", "H.264 encoder", "OpenGL", "sound codecs"} <= names
    for finding in findings:
        assert finding["state"] in ("ok", "missing")
        assert finding["state"] == "ok" or finding["remedy"]


def test_doctor_survives_a_broken_part(monkeypatch, capsys):
    def broken():
        raise ImportError("no such library")

    monkeypatch.setattr("facegen.cli.doctor.CHECKS", (broken,))
    assert run(["doctor"]) == 0
    assert "no such library" in capsys.readouterr().out


def test_inspect_knows_what_it_sees(clip, tmp_path, capsys):
    output = str(tmp_path / "a.take")
    run(["animate", str(clip), "--quiet", "-o", output])
    kinds = []
    for name in (str(clip), output, "arkit"):
        assert run(["inspect", name, "--json"]) == 0
        kinds.append(json.loads(capsys.readouterr().out))
    assert [facts["kind"] for facts in kinds] == ["audio", "animation", "rig"]
    assert kinds[0]["seconds"] == 1.0 and kinds[0]["channels"] == 1
    assert kinds[1]["frames"] == 30 and "jawOpen" in kinds[1]["moving"] and kinds[1]["not_finite"] == 0
    assert len(kinds[2]["controls"]) == 52


def test_inspect_plots(clip, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "a.png"
    started = time.perf_counter()
    assert run(["inspect", str(clip), "--plot", str(picture)]) == 0
    assert picture.read_bytes()[:4] == b"\x89PNG" and picture.stat().st_size > 20_000
    assert time.perf_counter() - started < 30


def test_convert_resamples_and_keeps_layers(clip, tmp_path, capsys):
    from facegen import load
    from facegen.formats import load_take

    take, copy, fast = (str(tmp_path / name) for name in ("a.take", "b.take", "c.csv"))
    run(["animate", str(clip), "--quiet", "-o", take])
    assert run(["convert", take, "-o", copy]) == 0
    assert load_take(copy) == load_take(take)
    assert run(["convert", take, "--fps", "60", "-o", fast]) == 0
    assert (load(fast).fps, len(load(fast))) == (60, 60)


def test_every_shipped_weight_and_rig_has_its_licence(capsys):
    from facegen.cli.listings import shipped_weights
    from facegen.rig import built_in_rigs

    assert run(["licenses", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["file"] for row in rows if row["kind"] == "weights"} >= {p.name for p in shipped_weights()}
    assert {row["name"] for row in rows if row["kind"] == "rig"} == set(built_in_rigs())
    assert all(row["licence"] and row["data"] and row["commercial"] for row in rows)


def test_models_lists_the_shipped_weights(capsys):
    assert run(["models", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"encoder", "decoder", "weights"} <= {row["kind"] for row in rows}
    assert all(row["bytes"] > 1000 for row in rows if row["kind"] == "weights")
    assert all(row["what"] for row in rows)


def test_formats_lists_every_suffix(capsys):
    from facegen.core.registry import Registry

    assert run(["formats", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(row["what"] for row in rows)
    for kind, way in (("importers", "read"), ("exporters", "write"), ("videos", "write")):
        assert set(Registry(kind).names()) <= {row["suffix"] for row in rows if row[way]}


def test_rig_check_tells_faults_by_its_exit_code(tmp_path, monkeypatch, capsys):
    from facegen.rig.validation import RigFinding

    assert run(["rig", "check", "arkit"]) == 0
    assert capsys.readouterr().out.endswith("arkit: no faults\n")
    faults = [RigFinding("error", "jawOpen", "moves nothing"), RigFinding("note", "", "is plain")]
    monkeypatch.setattr("facegen.rig.validation.check_rig", lambda rig: faults)
    assert run(["rig", "check", "arkit"]) == 3
    said = capsys.readouterr()
    assert (
        "jawOpen: moves nothing" in said.out
        and said.err == "facegen: arkit: has 1 fault; mend those listed\n"
    )


@pytest.mark.slow
def test_render_draws_pictures(clip, tmp_path, capsys):
    pytest.importorskip("moderngl")
    from facegen.core.errors import FacegenError
    from facegen.renderers.opengl import open_context

    try:
        open_context().release()
    except FacegenError as error:
        pytest.skip(str(error))
    curves, picture, film = (str(tmp_path / name) for name in ("a.csv", "a.png", "a.mp4"))
    look = ["--size", "160x90"]
    assert run(["animate", str(clip), "--duration", "0.2", *look, "-o", curves, "-o", film]) == 0
    assert run(["render", curves, *look, "-o", picture, "-o", f"{tmp_path}/frames/"]) == 0
    assert Path(picture).read_bytes()[:4] == b"\x89PNG" and Path(film).stat().st_size > 1000
    assert len(list((tmp_path / "frames").glob("*.png"))) == 6


def test_warnings_that_facegen_logs_are_notes(clip, tmp_path, capsys):
    said = "completely different words that nobody spoke in this very short recording of a single second"
    assert run(["animate", str(clip), "--json", "--text", said, "-o", str(tmp_path / "a.csv")]) == 0
    done = capsys.readouterr()
    notes = json.loads(done.out.splitlines()[-1])["notes"]
    assert any("transcript" in note for note in notes) and not done.err


@pytest.mark.parametrize(
    "missing, arguments",
    [
        ("moderngl", ["animate", "clip.wav", "-o", "a.mp4"]),
        ("matplotlib", ["inspect", "clip.wav", "--plot", "a.png"]),
    ],
)
def test_missing_extra_gives_the_line_that_installs_it(missing, arguments, clip, monkeypatch, capsys):
    monkeypatch.chdir(clip.parent)
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    assert run(arguments) == 6
    said = capsys.readouterr().err
    assert 'pip install "facegen[render]"' in said and said.count("\n") == 1
    assert list(clip.parent.iterdir()) == [clip]
