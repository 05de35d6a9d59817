"""Findings on rigs, and the refusal of broken rig folders."""

from dataclasses import replace

import numpy as np
import pytest

from facegen.core.errors import RigError
from facegen.core.mesh import Mesh
from facegen.rig import ARKIT, Control, built_in_rigs, load_rig
from facegen.rig.validation import SEVERITIES, check_rig, partner
from tests.corpus.make_rig import build, rig_folder
from tests.helpers.tiny_rig import tiny_rig


def with_deltas(change):
    """The tiny rig with ``change(name, index, value)`` instead of each of its shapes."""
    rig = tiny_rig()
    offsets, index, value = [0], [], []
    for name in rig.control_names:
        at, push = change(name, *rig.delta(name))
        index.append(at)
        value.append(push)
        offsets.append(offsets[-1] + len(at))
    return replace(
        rig,
        delta_offsets=np.array(offsets),
        delta_index=np.concatenate(index),
        delta_value=np.concatenate(value).astype(np.float32),
    )


def found(rig):
    return {(f.severity, f.control): f.message for f in check_rig(rig)}


def test_a_sound_rig_has_no_findings():
    assert check_rig(tiny_rig()) == [] and check_rig(load_rig("arkit")) == []


@pytest.mark.parametrize("name", built_in_rigs())
def test_shipped_rigs_have_no_findings(name):
    assert [f for f in check_rig(load_rig(name)) if f.severity != "note"] == []


def test_missing_and_extra_controls():
    rig = tiny_rig()
    names = [c if c.name != "jawOpen" else Control("jaw_open") for c in rig.controls]
    names = [c if c.name != "eyeWideLeft" else Control("wide") for c in names]
    messages = found(replace(rig, controls=tuple(names)))
    assert (
        "is missing" in messages["warning", "jawOpen"] and "is missing" in messages["warning", "eyeWideLeft"]
    )
    assert "none of the 52" in messages["note", "jaw_open"]
    assert "has no partner eyeWideLeft" in messages["warning", "eyeWideRight"]


def test_ranges_and_sides():
    controls = [Control(name) for name in ARKIT]
    controls[ARKIT.index("jawOpen")] = Control("jawOpen", high=100.0)
    controls[ARKIT.index("browDownLeft")] = Control("browDownLeft", side="right")
    rig = replace(load_rig("arkit"), controls=tuple(controls))
    messages = found(rig)
    assert "runs from 0 to 100" in messages["warning", "jawOpen"]
    assert "right side, unlike its name" in messages["warning", "browDownLeft"] and len(messages) == 2


def test_empty_shapes():
    rig = with_deltas(lambda n, i, v: (i[:0], v[:0]) if n == "jawOpen" else (i, v * (n != "tongueOut")))
    assert found(rig) == {("warning", "jawOpen"): "moves nothing", ("warning", "tongueOut"): "moves nothing"}


def test_doubled_shapes():
    twin = tiny_rig().delta("mouthFunnel")
    rig = with_deltas(lambda n, i, v: twin if n == "mouthPucker" else (i, v))
    assert found(rig) == {("warning", "mouthPucker"): "has the same shape as mouthFunnel"}


def test_shapes_that_are_far_too_large():
    rig = with_deltas(lambda n, i, v: (i, v * (100 if n == "cheekPuff" else 1)))
    assert "the head is" in found(rig)["error", "cheekPuff"]
    assert check_rig(rig)[0].severity == SEVERITIES[0]


def test_lopsided_shapes():
    rig = with_deltas(lambda n, i, v: (i, v * (0.5 if n == "mouthSmileLeft" else 1)))
    assert "no mirror image of mouthSmileRight" in found(rig)["warning", "mouthSmileLeft"]
    half = with_deltas(lambda n, i, v: (i[::2], v[::2]) if n == "jawOpen" else (i, v))
    assert "not the same on both sides" in found(half)["warning", "jawOpen"]


def test_a_lopsided_face_is_only_noted():
    rig = tiny_rig()
    bent = rig.mesh.vertices * np.float32([1, 1, 1]) + np.float32([2, 0, 0])
    bent[:, 0] += 0.2 * bent[:, 1]
    messages = check_rig(replace(rig, mesh=Mesh(bent, rig.mesh.faces)))
    assert [(f.severity, f.control) for f in messages] == [("note", "")] and "not symmetric" in messages[
        0
    ].message


def test_a_rig_without_a_mesh_or_a_head_is_noted():
    assert [f.message for f in check_rig(replace(load_rig("arkit"), head=""))] == [
        "the rig has no mesh, so its shapes are not checked"
    ]


@pytest.mark.parametrize(
    ("name", "other"), [("jawLeft", "jawRight"), ("eyeBlinkRight", "eyeBlinkLeft"), ("jawOpen", "jawOpen")]
)
def test_partners(name, other):
    assert partner(name) == other and partner(other) == name


def test_the_rig_of_the_corpus_is_sound_before_it_is_broken(tmp_path):
    rig = load_rig(rig_folder(tmp_path / "good"))
    assert rig.control_names == ARKIT and check_rig(rig) == []
    assert np.array_equal(rig.mesh.vertices, tiny_rig().mesh.vertices)


def test_broken_rig_folders_give_one_line_that_names_the_fault(tmp_path):
    cases = build(tmp_path)
    assert len(cases) >= 15
    for case in cases:
        with pytest.raises(RigError) as caught:
            load_rig(case.path)
        text = str(caught.value)
        assert case.says in text, f"{case.name}: {text}"
        assert str(case.path) in text and "\n" not in text and caught.value.exit_code == case.exit_code
