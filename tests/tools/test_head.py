"""Laws of the built-in head: its files, symmetry, closed lips and lids, rigid teeth and eyes, sound surfaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from facegen.rig import ARKIT
from tests.helpers.head_files import ARIA, FLIP, HEAD, LEFT, MIDDLE, against_neighbours, other_side


def test_has_arkits_controls_and_more_and_each_moves_something():
    assert tuple(HEAD.names[:52]) == tuple(sorted(ARKIT, key=HEAD.names.index)) and len(ARKIT) == 52
    assert {"tongueUp", "tongueRoll", "cheekRaiseLeft", "mouthStickyRight", "eyePupilWideLeft"} <= set(
        HEAD.names
    )
    assert len(HEAD.names) == len(set(HEAD.names)) == 64
    offsets = HEAD.arrays["delta_offsets"]
    assert offsets[0] == 0 and offsets[-1] == len(HEAD.arrays["delta_index"]) == len(
        HEAD.arrays["delta_value"]
    )
    for k, name in enumerate(HEAD.names):
        index = HEAD.arrays["delta_index"][offsets[k] : offsets[k + 1]]
        assert len(index) > 100, name
        assert (np.diff(index) > 0).all() and index[0] >= 0 and index[-1] < len(HEAD.vertices), name
        assert np.abs(HEAD.delta(name)).max() > (0.05 if "Pupil" in name else 0.1), name


def test_arrays_are_finite_and_of_the_declared_shapes():
    a, count = HEAD.arrays, len(HEAD.vertices)
    assert (
        a["vertices"].dtype
        == a["uvs"].dtype
        == a["delta_value"].dtype
        == a["head_weight"].dtype
        == np.float32
    )
    assert a["faces"].dtype == a["delta_index"].dtype == a["delta_offsets"].dtype == np.int32
    assert a["colors"].shape == (count, 3) and a["colors"].dtype == np.uint8
    assert a["uvs"].shape == (count, 2) and a["head_weight"].shape == (count,)
    for array in a.values():
        assert np.isfinite(array).all()
    assert HEAD.faces.min() == 0 and HEAD.faces.max() == count - 1
    assert 15000 < count <= 21000
    assert (ARIA / "mesh.safetensors").stat().st_size <= 5.8e6


def test_parts_cover_everything_in_order_and_keep_to_their_vertices():
    v = f = 0
    for part in HEAD.rig["parts"]:
        assert part["vertices"][0] == v and part["faces"][0] == f
        assert part["material"] in HEAD.rig["materials"]
        v, f = part["vertices"][1], part["faces"][1]
        faces = HEAD.part_faces(part["name"])
        assert faces.min() >= part["vertices"][0] and faces.max() < v
    assert (v, f) == (len(HEAD.vertices), len(HEAD.faces))


def test_is_of_human_size_and_faces_forward():
    at = {k: HEAD.vertices[v] for k, v in HEAD.rig["landmarks"].items()}
    crown = HEAD.vertices[HEAD.span("skin"), 1].max()
    assert 19 < crown - at["chin"][1] < 25
    assert at["noseTip"][2] == pytest.approx(HEAD.vertices[HEAD.span("skin"), 2].max(), abs=0.3)
    assert at["eyeOuterLeft"][0] > at["eyeInnerLeft"][0] > 0 > at["eyeInnerRight"][0] > at["eyeOuterRight"][0]
    assert at["mouthCornerLeft"][0] > 1.5


def test_neutral_is_symmetric():
    distance, _ = cKDTree(HEAD.vertices).query(HEAD.vertices * FLIP)
    assert distance.max() < 2e-5


def test_colours_are_symmetric():
    """Places and colours together, because lids and lips touch; a colour may round either way."""
    part = HEAD.span("skin")
    colours = HEAD.arrays["colors"][part] / 255.0
    here = np.hstack([HEAD.vertices[part] * FLIP, colours])
    there = np.hstack([HEAD.vertices[part], colours])
    assert cKDTree(there).query(here)[0].max() < 0.006


@pytest.mark.parametrize("name", LEFT + MIDDLE)
def test_left_and_right_controls_are_mirror_images(name: str):
    """Places and displacements together, because lips and lids touch."""
    left, right = HEAD.delta(name), HEAD.delta(other_side(name))
    here = np.hstack([HEAD.vertices * FLIP, left * FLIP])
    there = np.hstack([HEAD.vertices, right])
    # A displacement may fall below the smallest that is stored on one side only.
    assert cKDTree(there).query(here)[0].max() < 1.5e-3


@pytest.mark.parametrize("name", HEAD.names)
def test_controls_keep_to_their_region(name: str):
    moved = np.linalg.norm(HEAD.delta(name), axis=1)
    lips = [
        HEAD.landmark(n) for n in ("lipUpperInner", "lipLowerInner", "mouthCornerLeft", "mouthCornerRight")
    ]
    lids = [HEAD.landmark(n) for n in ("lidUpperLeft", "lidLowerLeft", "lidUpperRight", "lidLowerRight")]
    if name.startswith(("eye", "brow")):
        assert moved[lips].max() < 0.02
        assert moved[HEAD.landmark("chin")] < 0.02
    if name.startswith(("mouth", "jaw", "tongue")):
        assert moved[lids].max() < 0.12
        assert moved[HEAD.span("eyeLeft")].max() == 0
        assert moved[HEAD.span("browLeft")].max() < 0.15
    if not name.startswith(("eyeLook", "eyePupil")):
        assert moved[HEAD.span("eyeLeft")].max() == moved[HEAD.span("eyeRight")].max() == 0
    if not name.startswith(("jaw", "tongue")):
        assert moved[HEAD.span("teethLower")].max() == moved[HEAD.span("tongue")].max() == 0
    assert moved[HEAD.span("teethUpper")].max() == 0


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_brows_move_with_the_skin(side: str):
    brow = HEAD.span("brow" + side)
    assert HEAD.delta("browOuterUp" + side)[brow, 1].max() > 0.3
    assert HEAD.delta("browDown" + side)[brow, 1].min() < -0.2
    assert HEAD.delta("browInnerUp")[brow, 1].max() > 0.3


def test_lips_are_shut_at_rest():
    assert abs(HEAD.lip_gap(HEAD.vertices)) <= 0.02


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1))
def test_mouth_close_shuts_what_jaw_open_opens(weight: float):
    assert -0.15 <= HEAD.lip_gap(HEAD.pose(jawOpen=weight, mouthClose=weight)) <= 0.02


def test_jaw_open_parts_the_lips_like_a_jaw():
    gaps = [HEAD.lip_gap(HEAD.pose(jawOpen=w)) for w in (0.25, 0.5, 1.0)]
    assert gaps[0] < gaps[1] < gaps[2]
    assert 2.8 < gaps[2] < 4.6


@pytest.mark.parametrize("name", ["jawOpen", "jawForward", "jawLeft"])
def test_lower_teeth_move_rigidly(name: str):
    teeth = HEAD.vertices[HEAD.span("teethLower")]
    posed = teeth + HEAD.delta(name)[HEAD.span("teethLower")]
    pairs = np.random.default_rng(0).integers(0, len(teeth), (400, 2))
    before = np.linalg.norm(teeth[pairs[:, 0]] - teeth[pairs[:, 1]], axis=1)
    after = np.linalg.norm(posed[pairs[:, 0]] - posed[pairs[:, 1]], axis=1)
    assert np.abs(before - after).max() < 1e-3


@pytest.mark.parametrize(
    ("name", "axis", "sign", "degrees"),
    [
        ("eyeLookUpLeft", 1, 1, 25),
        ("eyeLookDownLeft", 1, -1, 25),
        ("eyeLookInLeft", 0, -1, 30),
        ("eyeLookOutLeft", 0, 1, 30),
        ("eyeLookInRight", 0, 1, 30),
    ],
)
def test_gaze_turns_the_eyeball_about_its_centre(name: str, axis: int, sign: int, degrees: float):
    side = "eyeLeft" if name.endswith("Left") else "eyeRight"
    eye, centre = HEAD.vertices[HEAD.span(side)], np.array(HEAD.rig["pivots"][side])
    posed = eye + HEAD.delta(name)[HEAD.span(side)]
    assert np.linalg.norm(posed - centre, axis=1) == pytest.approx(
        np.linalg.norm(eye - centre, axis=1), abs=1e-3
    )
    front = np.argmax(eye[:, 2])
    way = posed[front] - centre
    assert np.sign(way[axis]) == sign
    assert np.degrees(np.arctan2(abs(way[axis]), way[2])) == pytest.approx(degrees, abs=0.5)


def test_blink_shuts_the_lids_over_the_eyeball():
    posed = HEAD.pose(eyeBlinkLeft=1.0)
    gap = posed[HEAD.landmark("lidUpperLeft")] - posed[HEAD.landmark("lidLowerLeft")]
    assert np.linalg.norm(gap) <= 0.02
    eye, centre = HEAD.vertices[HEAD.span("eyeLeft")], np.array(HEAD.rig["pivots"]["eyeLeft"])
    near = HEAD.near_left_eye()
    moved = near[np.linalg.norm(HEAD.delta("eyeBlinkLeft")[near], axis=1) > 0.05]
    assert len(moved) > 100
    # The eyeball below a lid vertex: its surface in the same direction.
    arm = posed[moved] - centre
    way = (eye - centre) / np.linalg.norm(eye - centre, axis=1, keepdims=True)
    _, nearest = cKDTree(way).query(arm / np.linalg.norm(arm, axis=1, keepdims=True), k=3)
    surface = np.linalg.norm(eye - centre, axis=1)[nearest].max(axis=1)
    assert (np.linalg.norm(arm, axis=1) - surface).min() > 0


def test_lids_do_not_cut_the_eyeball_at_rest():
    centre = np.array(HEAD.rig["pivots"]["eyeLeft"])
    radius = np.linalg.norm(HEAD.vertices[HEAD.span("eyeLeft")] - centre, axis=1).min()
    assert np.linalg.norm(HEAD.vertices[HEAD.near_left_eye()] - centre, axis=1).min() > radius


@pytest.mark.parametrize("other", ["eyeWide", "eyeLookUp", "eyeLookDown", "eyeSquint"])
@pytest.mark.parametrize("side", ["Left", "Right"])
def test_closed_lids_stay_closed_whatever_else_moves_them(other: str, side: str):
    lids = [HEAD.landmark(n + side) for n in ("lidUpper", "lidLower")]
    blink, both = (
        HEAD.pose(**{"eyeBlink" + side: 1.0}),
        HEAD.pose(**{"eyeBlink" + side: 1.0, other + side: 1.0}),
    )
    assert np.linalg.norm(both[lids[0]] - both[lids[1]]) < 0.025
    assert np.abs(both[lids] - blink[lids]).max() < 0.025


@pytest.mark.parametrize(
    "name", ["tongueUp", "tongueDown", "tongueLeft", "tongueRight", "tongueRoll", "tongueIn"]
)
def test_the_tongue_moves_alone_and_its_tip_goes_where_the_name_says(name: str):
    delta = HEAD.delta(name)
    tip = np.argmax(HEAD.vertices[HEAD.span("tongue"), 2])
    moved = delta[HEAD.span("tongue")][tip]
    ways = {
        "tongueUp": (1, 1),
        "tongueDown": (1, -1),
        "tongueLeft": (0, 1),
        "tongueRight": (0, -1),
        "tongueIn": (2, -1),
    }
    if name in ways:
        axis, sign = ways[name]
        assert sign * moved[axis] > 0.4
    delta[HEAD.span("tongue")] = 0
    assert np.abs(delta).max() == 0


def test_pupils_widen_and_narrow_in_a_still_iris():
    eye = HEAD.span("eyeLeft")
    centre = np.array(HEAD.rig["pivots"]["eyeLeft"])
    rest, delta = HEAD.vertices[eye] - centre, HEAD.delta("eyePupilWideLeft")[eye]
    away = np.hypot(rest[:, 0], rest[:, 1])
    assert np.abs(delta[(away > 0.6) | (rest[:, 2] < 0)]).max() < 2e-3
    edge = np.abs(away - 0.22) < 0.03
    wider = np.hypot(*(rest + delta)[edge, :2].T) / away[edge]
    assert edge.sum() >= 28 and wider.min() > 1.25


def test_sticky_corners_hold_the_lips_while_the_jaw_opens():
    upper, lower = (HEAD.landmark(n) for n in ("lipUpperInner", "lipLowerInner"))
    delta = HEAD.delta("mouthStickyLeft")
    assert np.abs(delta[[upper, lower]]).max() < 0.05 and np.abs(delta[:, 1]).max() > 0.3


def test_teeth_stay_inside_at_rest():
    front = HEAD.vertices[HEAD.landmark("lipUpperInner"), 2]
    for part in ("teethUpper", "teethLower", "tongue", "gumUpper", "gumLower"):
        assert HEAD.vertices[HEAD.span(part), 2].max() < front


def test_tongue_comes_out_between_the_lips():
    posed = HEAD.pose(tongueOut=1.0)
    tip = posed[HEAD.span("tongue")][np.argmax(posed[HEAD.span("tongue"), 2])]
    lower = posed[HEAD.landmark("lipLowerInner")]
    upper = posed[HEAD.landmark("lipUpperInner")]
    assert tip[2] > max(lower[2], upper[2]) + 1
    at_lips = posed[HEAD.span("tongue")]
    at_lips = at_lips[(np.abs(at_lips[:, 2] - upper[2]) < 0.4) & (np.abs(at_lips[:, 0]) < 0.3)]
    assert len(at_lips) and at_lips[:, 1].max() < upper[1]


def corner_width(**weights: float) -> float:
    """Distance of the mouth's corners over that at rest."""
    corners = [HEAD.landmark("mouthCornerLeft"), HEAD.landmark("mouthCornerRight")]
    return float(np.ptp(HEAD.pose(**weights)[corners, 0]) / np.ptp(HEAD.vertices[corners, 0]))


def both(name: str, weight: float = 1.0) -> dict[str, float]:
    return {name + side: weight for side in ("Left", "Right")}


def test_pucker_and_funnel_narrow_the_mouth():
    assert corner_width(mouthPucker=1.0) < 0.6
    assert corner_width(mouthFunnel=1.0) < 0.72
    assert corner_width(mouthPucker=0.7, mouthFunnel=0.12, jawOpen=0.05) < 0.7


@pytest.mark.parametrize("name", ["mouthSmile", "mouthDimple", "mouthStretch", "mouthFrown", "mouthPress"])
@settings(max_examples=10, deadline=None)
@given(weight=st.floats(0, 1))
def test_lips_stay_in_contact(name: str, weight: float):
    assert -0.6 < HEAD.lip_gap(HEAD.pose(**both(name, weight))) <= 0.005


@settings(max_examples=10, deadline=None)
@given(smile=st.floats(0, 1), pucker=st.floats(0, 1))
def test_a_puckered_smile_keeps_lips_in_contact_and_round(smile: float, pucker: float):
    posed = HEAD.pose(mouthPucker=pucker, **both("mouthSmile", smile))
    assert HEAD.lip_gap(posed) <= 0.005
    corner = HEAD.landmark("mouthCornerLeft")
    rises = [(w * HEAD.delta(n))[corner, 1] for n, w in (("mouthPucker", pucker), ("mouthSmileLeft", smile))]
    rise = posed[corner, 1] - HEAD.vertices[corner, 1]
    assert rise <= sum(rises) - 0.4 * pucker * max(rises[1], 0) + 1e-4


def test_lips_closed_over_an_open_jaw_hardly_fold():
    faces = HEAD.part_faces("skin")
    assert against_neighbours(HEAD.pose(jawOpen=1.0, mouthClose=1.0), faces).sum() <= 12


@settings(max_examples=20, deadline=None)
@given(opened=st.floats(0, 1), share=st.floats(0, 1))
def test_lips_part_only_where_the_jaw_opens_further_than_the_lips_close(opened: float, share: float):
    gap = HEAD.lip_gap(HEAD.pose(jawOpen=opened, mouthClose=opened * share))
    assert -0.15 <= gap <= 3.4 * opened * (1 - share) + 0.02


def test_jaw_turns_about_its_hinge():
    """The chin moves back as it goes down, and the lower teeth keep their distance from the hinge."""
    hinge = np.array(HEAD.rig["pivots"]["jaw"])
    chin = HEAD.delta("jawOpen")[HEAD.landmark("chin")]
    assert chin[1] < -2 and chin[2] < -0.5
    teeth = HEAD.vertices[HEAD.span("teethLower")]
    posed = teeth + HEAD.delta("jawOpen")[HEAD.span("teethLower")]
    away = [np.linalg.norm((p - hinge)[:, 1:], axis=1) for p in (teeth, posed)]
    assert np.abs(away[0] - away[1]).max() < 1e-3


def test_smile_lifts_the_cheeks_and_narrows_the_lids():
    delta = HEAD.delta("mouthSmileLeft")
    assert delta[HEAD.landmark("mouthCornerLeft"), 1] > 0.5
    assert delta[HEAD.landmark("lidLowerLeft"), 1] > 0.02
    skin = HEAD.vertices[HEAD.span("skin")]
    cheek = np.linalg.norm(skin - (3.8, 0.0, 9.0), axis=1) < 1.2
    assert delta[HEAD.span("skin")][cheek, 1].mean() > 0.2
