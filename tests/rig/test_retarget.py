"""``facegen retarget``, ``facegen rig maps`` and ``facegen.retarget``."""

import json

import numpy as np
import pytest

import facegen
from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.rig import ARKIT, evaluate, load_rig
from facegen.rig.retarget import find_mapping
from facegen.rig.retarget_report import measure_retargeting


@pytest.fixture
def take(tmp_path):
    values = np.random.default_rng(1).uniform(0, 1, (20, 52)) * (np.arange(52) % 3 == 0)
    path = tmp_path / "take.csv"
    Animation(60, ARKIT, values).save(path)
    return path


def test_a_take_goes_to_the_board_and_back(tmp_path, take):
    board, back = tmp_path / "board.json", tmp_path / "back.csv"
    assert run(["retarget", str(take), "--to", "metahuman", "-o", str(board)]) == 0
    assert run(["retarget", str(board), "--to", "arkit", "-o", str(back)]) == 0
    assert facegen.load(board).controls == load_rig("metahuman").control_names
    given, again = facegen.load(take), facegen.load(back)
    assert again.fps == given.fps and np.abs(given.values - again.values).mean() < 0.01


def test_the_interface_of_python_does_the_same(tmp_path, take):
    board = tmp_path / "board.json"
    assert run(["retarget", str(take), "--to", "metahuman", "-o", str(board)]) == 0
    assert facegen.retarget(facegen.load(take), "metahuman").values == pytest.approx(
        facegen.load(board).values, abs=1e-6
    )


def test_the_report_tells_what_is_lost(tmp_path, take, capsys):
    out = str(tmp_path / "o.json")
    assert run(["retarget", str(take), "--to", "oculus", "-o", out, "--report", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    report = done["report"]
    assert {r["name"] for r in report["regions"]} >= {"mouth", "eyes"} and report["frames"] == 20
    assert all(r["unit"] == "mm" and r["worst"] >= r["mean"] >= 0 for r in report["regions"])
    assert "eyeBlinkLeft" in {name for name, _ in report["unmapped"]}
    assert run(["retarget", str(take), "--to", "oculus", "-o", out, "--report"]) == 0
    text = capsys.readouterr().out
    assert "unmapped controls" in text and "mm" in text


def test_the_report_counts_what_is_clipped(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text("source,target,weight\njawOpen,aa,2\n")
    arkit, vrm = load_rig("arkit"), load_rig("vrm1")
    forth, back = find_mapping(arkit, vrm, path)
    given = Animation(30, ("jawOpen", "cheekPuff"), [[0.25, 0.0], [0.75, 0.5]])
    report = measure_retargeting(given, forth, back, arkit, vrm)
    assert report.clipped == (("aa", 0.5, pytest.approx(0.5)),)
    assert report.unmapped == (("cheekPuff", 0.5),) and len(report.idle) == len(vrm.controls) - 1
    assert dict(report.round_trip)["jawOpen"] == pytest.approx(0.125, abs=1e-3)


def test_residuals_in_mm_are_those_of_the_vertices():
    aria, oculus = load_rig("aria"), load_rig("oculus")
    forth, back = find_mapping(aria, oculus)
    given = Animation(
        30, aria.control_names, np.eye(len(aria.controls))[[aria.control_names.index("mouthFunnel")]] * 0.5
    )
    report = measure_retargeting(given, forth, back, aria, oculus)
    again = back.apply(forth.apply(given))
    apart = next(evaluate(aria, again)) - next(evaluate(aria, given))
    fields = np.linalg.norm(aria.dense_deltas(), axis=2)
    mouth = [i for i, c in enumerate(aria.controls) if c.region == "mouth"]
    rows = fields[mouth].max(axis=0) > 0.02
    expected = 10 * np.sqrt((apart[rows] ** 2).sum(axis=1).mean())
    assert next(r for r in report.regions if r.name == "mouth").mean == pytest.approx(expected, rel=1e-3)


BAD = [
    ("source,target,weight\njawOpn,CTRL_C_jaw-translateY,1\n", "did you mean jawOpen"),
    ("source,target,weight\njawOpen,CTRL_C_jaw-translateY,nan\n", "finite"),
    ("source,target,weight\njawOpen,a,1\na,b,1\nb,a,1\n", "circle"),
]


@pytest.mark.parametrize(("text", "says"), BAD)
def test_a_broken_map_ends_with_3_and_writes_nothing(tmp_path, take, capsys, text, says):
    path, out = tmp_path / "map.csv", tmp_path / "out.json"
    path.write_text(text)
    assert run(["retarget", str(take), "--to", "metahuman", "--map", str(path), "-o", str(out)]) == 3
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and says in lines[0] and "map.csv" in lines[0] and not out.exists()


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        (["--to", "metahumen", "-o", "x.json"], 2, "did you mean metahuman"),
        (["--to", "metahuman", "-o", "x.csv"], 2, "retarget it to the rig arkit"),
        (["--to", "metahuman", "-o", "x.mp4"], 2, "facegen render"),
        (["--to", "metahuman", "--map", "none.csv", "-o", "x.json"], 3, "no such file"),
        (["--to", "metahuman", "--fps", "60", "-o", "x.json"], 2, "--fps"),
        (["-o", "x.json"], 2, "--to"),
    ],
)
def test_what_can_go_wrong(tmp_path, take, capsys, monkeypatch, more, code, says):
    monkeypatch.chdir(tmp_path)
    assert run(["retarget", str(take), *more]) == code
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and says in lines[0]
    assert not list(tmp_path.glob("x.*"))


def test_controls_of_no_rig_ask_for_from(tmp_path, capsys):
    path = tmp_path / "odd.json"
    Animation(30, ("lever",), [[0.5]]).save(path)
    assert run(["retarget", str(path), "--to", "arkit", "-o", str(tmp_path / "o.csv")]) == 2
    assert "--from" in capsys.readouterr().err


def test_vertices_come_back_as_controls(tmp_path, capsys):
    aria = load_rig("aria")
    values = np.zeros((3, len(aria.controls)), np.float32)
    values[:, aria.control_names.index("jawOpen")] = (0.1, 0.3, 0.5)
    moving = np.stack(list(evaluate(aria, Animation(30, aria.control_names, values))))
    np.save(tmp_path / "seq.npy", moving)
    out = tmp_path / "o.json"
    line = ["retarget", str(tmp_path / "seq.npy"), "--to", "arkit", "-o", str(out)]
    assert run(line) == 2 and "--from" in capsys.readouterr().err
    assert run([*line, "--from", "aria", "--fps", "25", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["fit"]["mean_mm"] < 0.5 and done["fps"] == "25"
    assert np.allclose(facegen.load(out).channel("jawOpen"), (0.1, 0.3, 0.5), atol=0.03)


def test_the_maps_are_listed(capsys):
    assert run(["rig", "maps", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {("arkit", "metahuman"), ("oculus", "arkit"), ("vrm1", "arkit")} <= {
        (r["source"], r["target"]) for r in rows
    }
    assert run(["rig", "maps"]) == 0 and "metahuman" in capsys.readouterr().out


def test_a_map_is_learnt_to_a_file(tmp_path, capsys):
    out = tmp_path / "self.csv"
    assert run(["rig", "maps", "learn", "aria", "aria", "-o", str(out)]) == 0
    assert "mm left" in capsys.readouterr().out
    assert run(["rig", "maps", "learn", "aria", "arkit", "-o", str(out)]) == 3
    assert "no mesh" in capsys.readouterr().err
