"""Rig maps: their files, the shipped ones, the way backwards, and what is refused."""

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import RigError, UsageError
from facegen.formats import load_animation
from facegen.rig import ARKIT, Control, Rig, RigMap, load_rig
from facegen.rig.inverse_map import invert
from facegen.rig.map_csv import read_map, write_map
from facegen.rig.retarget import (
    PIVOT_RIG,
    InverseMap,
    control_set_of,
    find_map,
    find_mapping,
    shipped_maps,
    source_rig,
)
from tests.helpers.tiny_rig import tiny_rig

ONE = Rig("one", tuple(Control(name) for name in ("jaw", "lips", "brow")))
TWO = Rig("two", (Control("open"), Control("close", -1.0), Control("up", high=0.5)))


def written(tmp_path, text):
    path = tmp_path / "map.csv"
    path.write_text(text)
    return path


def animation(**curves):
    return Animation(30, tuple(curves), np.array(list(curves.values()), np.float32).T)


def test_a_file_is_read_as_it_says(tmp_path):
    path = written(
        tmp_path,
        "# my map\nsource, target, weight, curve, low, high, note\n"
        "jaw,open,0.5,,,,\n\nlips,open,,0:0 0.5:0.2 1:1,,,bent\n# done\nbrow,close,-2,,-0.5,,down\n",
    )
    rig_map = read_map(path, ONE, TWO)
    assert rig_map.source == ONE.control_names and rig_map.target == TWO.control_names
    assert rig_map.weights.tolist() == [[0.5, 0, 0], [1, 0, 0], [0, -2, 0]]
    assert rig_map.low.tolist() == [0, -0.5, 0] and rig_map.high.tolist() == [1, 1, 0.5]
    moved = rig_map.apply(animation(jaw=[0, 0.4], lips=[0.5, 1], brow=[0.1, 1]))
    assert np.allclose(moved.values, [[0.2, -0.2, 0], [1.0, -0.5, 0]])


def test_sums_between_the_two_rigs_stand_for_what_goes_into_them(tmp_path):
    text = "source,target,weight\njaw,both,0.5\nlips,both,0.25\nboth,open,2\nboth,more,1\nmore,up,1\n"
    rig_map = read_map(written(tmp_path, text), ONE, TWO)
    assert rig_map.weights.tolist() == [[1, 0, 0.5], [0.5, 0, 0.25], [0, 0, 0]]
    alone = read_map(written(tmp_path, text))
    assert (alone.source, alone.target) == (("jaw", "lips"), ("open", "up"))


BROKEN = [
    ("", "is empty"),
    ("# nothing\n", "is empty"),
    ("source,target\n", "has no rows"),
    ("jaw,open,1\n", "has a column 'jaw'"),
    ("source,weight\njaw,1\n", "lacks the column 'target'"),
    ("source,target,wieght\njaw,open,1\n", "did you mean weight"),
    ("source,target,target\njaw,open,open\n", "names a column twice"),
    ("source,target,weight\njaw,open,nan\n", "'nan' as weight in line 2"),
    ("source,target,weight\njaw,open,1e99\n", "finite number is expected"),
    ("source,target,weight\njaw,open,much\n", "'much' as weight in line 2"),
    ("source,target,low\njaw,open,inf\n", "'inf' as low in line 2"),
    ("source,target,weight\njaw,open,1\nlips,open,1\njaw,open,2\n", "in lines 2 and 4"),
    ("source,target,weight\njaw,opne,1\n", "did you mean open"),
    ("source,target,weight\njwa,open,1\n", "did you mean jaw"),
    ("source,target,weight\njaw,a,1\na,b,1\nb,a,1\nb,open,1\n", "goes in a circle"),
    ("source,target,weight\na,a,1\njaw,open,1\n", "no control of"),
    ("source,target,weight\n,open,1\n", "lacks a name in line 2"),
    ("source,target,weight\njaw,open,1,2\n", "has 4 cells in line 2"),
    ("source,target,curve\njaw,open,0:0\n", "two or more in:out pairs"),
    ("source,target,curve\njaw,open,0:0 0:1\n", "whose inputs rise"),
    ("source,target,curve\njaw,open,0 1\n", "has the curve '0 1' in line 2"),
    ("source,target,curve\njaw,open,0:0 1:nan\n", "'nan' in the curve of line 2"),
    ("source,target,curve\njaw,x,0:0 1:1\nx,open,\n", "give curves only to rows"),
    ("source,target,low,high\njaw,open,1,0\n", "clamps open to 1..0"),
    ("source,target,low,high\njaw,open,0,1\nlips,open,0,2\n", "different clamps in lines 2 and 3"),
    ('source,target\n"jaw,open\n', "is no CSV"),
]


@pytest.mark.parametrize(("text", "says"), BROKEN)
def test_a_broken_map_gives_one_line_that_names_the_fault(tmp_path, text, says):
    path = written(tmp_path, text)
    with pytest.raises(RigError) as caught:
        read_map(path, ONE, TWO)
    line = str(caught.value)
    assert says in line and str(path) in line and "\n" not in line and caught.value.exit_code == 3


def test_bytes_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "map.csv"
    path.write_bytes(b"\x80\x81\x00")
    with pytest.raises(RigError, match="not text"):
        read_map(path)


def test_a_bent_row_goes_backwards_exactly():
    rig_map = RigMap(
        ("jaw",), ("open",), np.array([[0.8]]), curves={("jaw", "open"): ((0, 0), (0.3, 0.1), (1, 1))}
    )
    given = animation(jaw=np.linspace(0, 1, 41))
    assert np.allclose(invert(rig_map, rig_map.apply(given), 0.0, high=1.0).values, given.values, atol=1e-3)


def test_bent_maps_are_not_multiplied():
    bent = RigMap(("a",), ("b",), np.eye(1), curves={("a", "b"): ((0, 0), (1, 1))})
    with pytest.raises(RigError, match="one after the other"):
        bent.then(RigMap(("b",), ("c",), np.eye(1)))


@pytest.mark.parametrize("pair", sorted(shipped_maps()))
def test_shipped_maps_name_the_controls_of_their_rigs(pair):
    source, target = (load_rig(name) for name in pair)
    rig_map = read_map(shipped_maps()[pair], source, target)
    at_rest = all(c.neutral == c.low or c.low < 0 for c in source.controls if not c.neutral)
    idle = [n for n, row in zip(source.control_names, rig_map.weights, strict=True) if not row.any()]
    assert at_rest and rig_map.weights.any()
    if pair[0] == PIVOT_RIG:
        assert not idle
    elif pair[1] == PIVOT_RIG:
        assert len(idle) <= 1


def test_the_board_has_the_channels_of_the_list(data_folder):
    listed = data_folder.parent / "lists" / "metahuman174.txt"
    if not listed.is_file():
        pytest.skip("no list of channels")
    assert set(load_rig("metahuman").control_names) == set(listed.read_text().split())


def test_left_stays_left():
    for name in ("metahuman", "metahuman_raw", "unified", "cc4"):
        rig = load_rig(name)
        sides = {c.name: c.side for c in rig.controls}
        for control in load_rig(PIVOT_RIG).controls:
            pose = Animation(30, (control.name,), [[1.0]])
            moved = find_map(load_rig(PIVOT_RIG), rig).apply(pose)
            touched = {
                sides[n] for n, v in zip(moved.controls, moved.values[0], strict=True) if abs(v) > 1e-6
            }
            assert touched, (name, control.name)
            if control.side != "middle":
                assert touched <= {control.side, "middle"}, (name, control.name)


def test_the_eyes_turn_the_same_way_on_the_board():
    look = animation(eyeLookOutLeft=[1.0], eyeLookInRight=[1.0])
    moved = find_map(load_rig(PIVOT_RIG), load_rig("metahuman")).apply(look)
    left, right = moved.channel("CTRL_L_eye-translateX")[0], moved.channel("CTRL_R_eye-translateX")[0]
    assert left == right == 1.0
    raw = find_map(load_rig(PIVOT_RIG), load_rig("metahuman_raw")).apply(look)
    assert (
        raw.channel("CTRL_expressions_eyeLookLeftL")[0] == 1
        and raw.channel("CTRL_expressions_eyeLookRightL")[0] == 0
    )


@pytest.mark.parametrize("name", ["angry", "fearful", "happy", "sad"])
def test_captures_come_back_from_the_board(data_folder, name):
    given = load_animation(data_folder / "livelink-captures" / f"{name}.csv").select(ARKIT)
    for rig in ("metahuman", "metahuman_raw"):
        forth, back = find_mapping(load_rig(PIVOT_RIG), load_rig(rig))
        error = np.abs(back.apply(forth.apply(given)).values - np.clip(given.values, 0, 1))
        assert error.mean(axis=0).max() <= 0.02


@pytest.mark.parametrize("name", ["oculus", "vrchat", "sapi", "preston_blair", "rhubarb"])
def test_the_pose_of_a_viseme_is_that_viseme_or_ones_that_look_like_it(name):
    rig = load_rig(name)
    forth, back = find_mapping(load_rig(PIVOT_RIG), rig)
    step = forth.steps[0]
    assert isinstance(step, InverseMap) and step.gram is not None
    moving = step.map.weights.any(axis=1)
    poses = Animation(30, ARKIT, step.map.weights[moving])
    again = back.apply(forth.apply(poses)).values
    off = again - poses.values
    left, size = (np.einsum("fc,cd,fd->f", v, step.gram, v) for v in (off, poses.values))
    assert (left < 0.1 * size).all() and left.sum() < 0.04 * size.sum()


def test_silence_is_what_the_visemes_leave():
    oculus = load_rig("oculus")
    forth = find_map(load_rig(PIVOT_RIG), oculus)
    rest = forth.apply(Animation(30, ARKIT, np.zeros((1, 52))))
    assert rest.channel("sil")[0] == 1 and rest.values.sum() == 1
    lips = find_map(oculus, load_rig(PIVOT_RIG)).apply(Animation(30, ("PP",), [[1.0]]))
    shut = forth.apply(lips)
    assert shut.channel("PP")[0] > 0.8 and shut.channel("sil")[0] < 0.2


def test_a_mouth_wide_open_is_one_viseme_and_not_many_small_ones():
    oculus = load_rig("oculus")
    forth = find_map(load_rig(PIVOT_RIG), oculus)
    for viseme in ("aa", "ou", "FF", "SS", "CH"):
        pose = find_map(oculus, load_rig(PIVOT_RIG)).apply(Animation(30, (viseme,), [[1.0]]))
        row = forth.apply(pose).values[0]
        assert oculus.control_names[row.argmax()] == viseme and row.max() > 0.75
        assert abs(row.sum() - 1) < 0.15
    loud = forth.apply(animation(jawOpen=[0.9], mouthLowerDownLeft=[0.5], mouthLowerDownRight=[0.5]))
    assert loud.channel("aa")[0] == loud.values[0].max() and loud.values.sum() < 1.6


def test_an_emotion_arrives_as_its_preset():
    vrm = load_rig("vrm1")
    for name in ("happy", "angry", "sad", "surprised"):
        face = find_map(vrm, load_rig(PIVOT_RIG)).apply(Animation(30, (name,), [[0.8]]))
        row = find_map(load_rig(PIVOT_RIG), vrm).apply(face).values[0]
        assert vrm.control_names[row.argmax()] == name and row.max() == pytest.approx(0.8, abs=0.1)


def test_rigs_of_the_user_go_by_the_names_that_they_speak():
    mine = Rig("mine", tuple(Control(n) for n in ("aa", "oh", "blinkLeft", "blinkRight", "tail")))
    moved = find_map(load_rig(PIVOT_RIG), mine).apply(animation(eyeBlinkLeft=[0.7], jawOpen=[0.0]))
    assert moved.controls == mine.control_names
    assert moved.channel("blinkLeft")[0] == pytest.approx(0.7, abs=0.05) and moved.channel("tail")[0] == 0
    back = find_map(mine, load_rig("unified")).apply(moved)
    assert back.channel("EyeClosedLeft")[0] == pytest.approx(0.7, abs=0.05)
    assert find_map(tiny_rig(), load_rig(PIVOT_RIG)).apply(animation(jawOpen=[0.3])).channel("jawOpen")[
        0
    ] == np.float32(0.3)


def test_shapes_that_a_rig_has_do_the_work_of_those_that_it_lacks():
    few = Rig("few", (Control("aa"), Control("blink")))
    moved = find_map(load_rig(PIVOT_RIG), few).apply(
        animation(jawOpen=[0.3], mouthLowerDownLeft=[0.2], mouthLowerDownRight=[0.2])
    )
    assert moved.channel("aa")[0] > 0.3
    wide = find_map(load_rig("vrm1"), load_rig(PIVOT_RIG)).apply(Animation(30, ("ee",), [[1.0]]))
    assert find_map(load_rig(PIVOT_RIG), few).apply(wide).channel("aa")[0] > 0.3


def test_rigs_that_share_nothing_are_refused():
    with pytest.raises(RigError, match="no map leads from one to arkit"):
        find_map(ONE, load_rig(PIVOT_RIG))
    with pytest.raises(UsageError, match="those of no rig"):
        source_rig(animation(jaw=[0.0]))
    assert (
        control_set_of(("CTRL_C_jaw-translateY",)) == "metahuman"
        and source_rig(animation(jawOpen=[0.0])).name == PIVOT_RIG
    )


def test_a_written_map_reads_back_equal(tmp_path):
    pair = ("arkit", "metahuman")
    rigs = [load_rig(name) for name in pair]
    shipped = read_map(shipped_maps()[pair], *rigs)
    write_map(shipped, tmp_path / "again.csv", "mine")
    assert read_map(tmp_path / "again.csv", *rigs) == shipped
