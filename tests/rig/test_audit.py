"""``facegen rig check``: what each control moves, odd names, stand-ins, posture, turned triangles, the sheet."""

import json
from dataclasses import replace

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.rig import ARKIT, Control, load_rig
from facegen.rig.audit import audit, audit_controls
from facegen.rig.rescale import rescaled
from tests.helpers.avatars import write_avatar
from tests.helpers.tiny_rig import tiny_rig

RIG = tiny_rig()


def renamed(**names):
    return replace(RIG, controls=tuple(Control(names.get(c.name, c.name)) for c in RIG.controls))


def messages(rig):
    return [f"{f.control}: {f.message}" for f in audit(rig)]


def test_rows_say_what_a_control_moves():
    rows = {row.control: row for row in audit_controls(RIG)}
    index, value = RIG.delta("eyeLookUpLeft")
    row = rows["eyeLookUpLeft"]
    assert row.vertices == len(index) and row.parts == ("face", "eyes") and row.arkit
    assert row.furthest_cm == pytest.approx(np.linalg.norm(value, axis=1).max(), abs=1e-4)


def test_odd_names():
    said = messages(renamed(jawOpen="JawOpn", mouthClose="mouth_close", tongueOut="whisker"))
    assert "JawOpn: looks like a misspelt jawOpen" in said
    assert "mouth_close: means mouthClose and is not spelt so; rename it" in said
    assert not any(s.startswith("whisker: looks") for s in said)


def test_stand_ins():
    said = messages(renamed(mouthClose="x1", jawOpen="mouthOpen", mouthSmileLeft="x2", tongueOut="x3"))
    assert "mouthClose: is missing; mouthRollLower + mouthRollUpper could stand in" in said
    assert "jawOpen: is missing; mouthOpen could stand in" in said
    assert "mouthSmileLeft: is missing; mouthDimpleLeft + mouthStretchLeft could stand in" in said
    assert not any(s.startswith("tongueOut") and "stand in" in s for s in said)


@pytest.mark.parametrize(("how", "says"), [
    ({"turn": 90.0}, "towards +X"), ({"turn": 180.0}, "towards -Z"), ({"up": "z"}, "towards +Y"),
    ({"scale": 0.01}, "cm high"), ({"scale": 100.0}, "cm high"),
])  # fmt: skip
def test_posture(how, says):
    assert not any("face" in s for s in messages(load_rig("aria")) if s.startswith(": "))
    assert any(says in s for s in messages(rescaled(load_rig("aria"), **how)))


def test_triangles_turned_inside_out():
    assert not any("inside out" in s for s in messages(load_rig("aria")))
    value = RIG.delta_value.copy()
    at = RIG.control_names.index("cheekPuff")
    rows = slice(RIG.delta_offsets[at], RIG.delta_offsets[at + 1])
    index = RIG.delta_index[rows]
    value[rows] = -1.5 * RIG.mesh.vertices[index] * np.random.default_rng(0).random((len(index), 1))
    said = messages(replace(RIG, delta_value=value))
    assert [s.split(":")[0] for s in said if "inside out" in s] == ["cheekPuff"]


def test_the_command_reads_rigs_and_files(tmp_path, capsys):
    path = write_avatar(tmp_path / "a.glb", RIG)
    assert run(["rig", "check", str(path)]) == 0
    said = capsys.readouterr().out
    assert "52 of the 52 ARKit" in said and "jawOpen" in said and said.endswith("no faults\n")
    assert run(["rig", "check", str(path), "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [r["control"] for r in rows if r["kind"] == "control"] == list(ARKIT)
    assert rows[0]["kind"] == "rig" and rows[0]["parts"] == ["face", "eyes", "teeth"]


def test_the_sheet(tmp_path, capsys):
    pytest.importorskip("moderngl")
    pytest.importorskip("PIL")
    from facegen.core.errors import FacegenError
    from facegen.renderers.opengl import open_context

    try:
        open_context().release()
    except FacegenError as error:
        pytest.skip(str(error))
    path = write_avatar(tmp_path / "a.vrm", RIG, 1)
    assert run(["rig", "check", str(path), "--sheet", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").read_bytes()[:4] == b"\x89PNG"
    assert run(["rig", "check", str(path), "--sheet", str(tmp_path / "a.txt")]) == 2
