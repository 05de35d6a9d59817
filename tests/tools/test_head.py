"""Laws of the built-in head: its files, symmetry, closed lips and lids, rigid teeth and eyes, sound surfaces."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import load_file
from scipy.spatial import cKDTree

from facegen.renderers.textures import at_uvs, smaller, texture_pixels
from facegen.rig import ARKIT, load_rig

ROOT = Path(__file__).resolve().parents[2]
ARIA = ROOT / "rigs" / "aria"
FLIP = np.array([-1.0, 1.0, 1.0])


class Head:
    """The two files, read plainly."""

    def __init__(self) -> None:
        self.rig = json.loads((ARIA / "rig.json").read_text(encoding="utf-8"))
        self.arrays = load_file(ARIA / "mesh.safetensors")
        self.vertices = self.arrays["vertices"].astype(float)
        self.faces = self.arrays["faces"]
        self.names = [c["name"] for c in self.rig["controls"]]
        self.combinations = [tuple(of) for of in self.rig["combinations"]]
        self.parts = {p["name"]: p for p in self.rig["parts"]}

    def delta(self, name: str) -> np.ndarray:
        return self.shape(self.names.index(name))

    def shape(self, k: int) -> np.ndarray:
        rows = slice(*self.arrays["delta_offsets"][k : k + 2])
        out = np.zeros_like(self.vertices)
        out[self.arrays["delta_index"][rows]] = self.arrays["delta_value"][rows]
        return out

    def combined(self, of: tuple[str, ...]) -> np.ndarray:
        return self.shape(len(self.names) + self.combinations.index(of))

    def pose(self, **weights: float) -> np.ndarray:
        posed = self.vertices + sum((w * self.delta(n) for n, w in weights.items()), np.zeros(3))
        for of in self.combinations:
            if all(n in weights for n in of):
                posed = posed + np.prod([weights[n] for n in of]) * self.combined(of)
        return posed

    def span(self, part: str) -> slice:
        return slice(*self.parts[part]["vertices"])

    def part_faces(self, part: str) -> np.ndarray:
        return self.faces[slice(*self.parts[part]["faces"])]

    def landmark(self, name: str) -> int:
        return self.rig["landmarks"][name]

    def near_left_eye(self) -> np.ndarray:
        """Skin vertices within 2.2 cm of the left eyeball's centre and in front of it."""
        arm = self.vertices[self.span("skin")] - self.rig["pivots"]["eyeLeft"]
        chosen = (np.linalg.norm(arm, axis=1) < 2.2) & (arm[:, 2] > 0.5)
        return np.flatnonzero(chosen) + self.span("skin").start

    def lip_gap(self, posed: np.ndarray) -> float:
        return float(posed[self.landmark("lipUpperInner"), 1] - posed[self.landmark("lipLowerInner"), 1])


HEAD = Head()
LEFT = [n for n in HEAD.names if n.endswith("Left")]
MIDDLE = [n for n in HEAD.names if not n.endswith(("Left", "Right"))]


def other_side(name: str) -> str:
    return name[:-4] + "Right" if name.endswith("Left") else name


def border(faces: np.ndarray) -> np.ndarray:
    """Directed edges [E,2] whose reverse is not there."""
    sides = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    have = set(map(tuple, sides.tolist()))
    return np.array([e for e in sorted(have) if (e[1], e[0]) not in have]).reshape(-1, 2)


def areas(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    size = np.linalg.norm(n, axis=1)
    return size / 2, n / np.maximum(size, 1e-15)[:, None]


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


@pytest.mark.parametrize("part", [p["name"] for p in HEAD.rig["parts"]])
def test_parts_are_manifold(part: str):
    faces = HEAD.part_faces(part)
    sides = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    assert len(np.unique(sides, axis=0)) == len(sides)
    assert (
        (faces[:, 0] != faces[:, 1]).all()
        and (faces[:, 1] != faces[:, 2]).all()
        and (faces[:, 2] != faces[:, 0]).all()
    )
    if part not in ("skin", "mouth", "hair", "shirt") and not part.startswith(("brow", "lashes")):
        assert len(border(faces)) == 0
        v = HEAD.vertices
        assert np.einsum("ij,ij->", v[faces[:, 0]], np.cross(v[faces[:, 1]], v[faces[:, 2]])) > 0


def test_skin_and_mouth_close_all_but_the_neck():
    """The only borders are the collar's and one that skin and mouth share point for point, in every pose."""
    skin, mouth = border(HEAD.part_faces("skin")), border(HEAD.part_faces("mouth"))
    collar = (HEAD.vertices[skin][:, :, 1] < -9).all(axis=1)
    assert 20 < collar.sum() and (~collar).sum() == len(mouth)
    shared = HEAD.vertices[skin[~collar]].mean(axis=1)
    distance, match = cKDTree(HEAD.vertices[mouth].mean(axis=1)).query(shared)
    assert distance.max() < 1e-6
    assert len(np.unique(match)) == len(mouth)
    for name in HEAD.names:
        delta = HEAD.delta(name)
        apart = delta[skin[~collar]].mean(axis=1) - delta[mouth[match]].mean(axis=1)
        assert np.abs(apart).max() < 1e-6, name


def test_no_triangle_is_degenerate_at_rest():
    size, _ = areas(HEAD.vertices, HEAD.faces)
    assert size.min() > 1e-6


@pytest.mark.parametrize("name", HEAD.names)
def test_few_triangles_fold_at_full_weight(name: str):
    """A triangle of the skin that faces away from where it did and from its neighbours' mean has folded."""
    faces = HEAD.part_faces("skin")
    _, before = areas(HEAD.vertices, faces)
    # mouthClose corrects a jaw that is open, and speech opens it by half at most while the lips touch.
    weights = {"jawOpen": 0.5, "mouthClose": 0.5} if name == "mouthClose" else {name: 1.0}
    size, after = areas(HEAD.pose(**weights), faces)
    folded = (np.einsum("ij,ij->i", before, after) < -0.3).mean()
    assert folded < 0.006
    assert (size < 1e-7).mean() < 0.001


def against_neighbours(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which triangles [F] face away from the mean of the triangles around their corners."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat, around = np.cross(b - a, c - a), np.zeros_like(vertices)
    for k in range(3):
        np.add.at(around, faces[:, k], flat)
    return (flat * around[faces].sum(axis=1)).sum(axis=1) < 0


def test_no_triangle_is_folded_at_rest():
    assert not against_neighbours(HEAD.vertices, HEAD.part_faces("skin")).any()


@pytest.mark.parametrize("name", [n for n in HEAD.names if n != "mouthClose"])
def test_no_control_folds_the_skin_over_itself(name: str):
    """But for two of the smallest triangles, and ten where lips that roll in or stick meet at their corners."""
    faces = HEAD.part_faces("skin")
    folded = against_neighbours(HEAD.pose(**{name: 1.0}), faces)
    size, _ = areas(HEAD.vertices, faces[folded])
    few, small = (
        (10, 0.02) if name.startswith(("jawForward", "mouthRollUpper", "mouthSticky")) else (2, 0.001)
    )
    assert folded.sum() <= few and size.sum() < small


def test_head_weight_holds_the_head_and_frees_the_collar():
    weight = HEAD.arrays["head_weight"]
    assert weight.min() >= 0 and weight.max() <= 1
    assert weight[HEAD.landmark("noseTip")] == weight[HEAD.landmark("chin")] == 1
    skin = border(HEAD.part_faces("skin"))
    collar = np.unique(skin[(HEAD.vertices[skin][:, :, 1] < -9).all(axis=1)])
    assert weight[collar].max() == 0
    for part in ("eyeLeft", "teethUpper", "teethLower", "tongue", "browLeft"):
        assert weight[HEAD.span(part)].min() > 0.99


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


@pytest.mark.slow
def test_rebuilding_gives_the_same_bytes(tmp_path: Path):
    command = [sys.executable, "-m", "tools.head_builder.build_head", "--out", str(tmp_path / "aria")]
    subprocess.run(command, check=True, timeout=300, cwd=ROOT)
    for head in ("aria", "bruno", "edith"):
        for name in ("rig.json", "mesh.safetensors"):
            assert (tmp_path / head / name).read_bytes() == (ARIA.parent / head / name).read_bytes(), name
        pictures = [np.asarray(Image.open(f / head / "head.jpg"), int) for f in (tmp_path, ARIA.parent)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 2, "as far as JPEG coders agree"


def flat(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Corners [f,3,2] of a part's faces in the texture, and twice their areas."""
    at = HEAD.arrays["uvs"][HEAD.part_faces(name)].astype(float)
    a, b = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
    return at, a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def test_the_texture_shows_each_place_of_the_skin_once():
    at, double = flat("skin")
    assert double.min() > 0, "no face is turned over"
    reach = np.ptp(at.reshape(-1, 2), axis=0)
    assert np.allclose(reach[0], reach[1], rtol=0.02)
    assert double.sum() / 2 <= np.pi / 4 * reach[0] * reach[1] * 1.01, "one disc holds them all"


@pytest.mark.parametrize(
    "name", ["mouth", "eyeLeft", "eyeRight", "teethUpper", "teethLower", "tongue", "gumUpper"]
)
def test_pieces_lie_beside_the_skin_in_the_texture(name: str):
    at, double = flat(name)
    assert at.min() > 0 and at.max() < 1
    assert double[double > 0].sum() > 0.0005
    skin, _ = flat("skin")
    assert at[..., 0].min() > skin[..., 0].max() or at[..., 1].max() < skin[..., 1].min()


def test_the_face_has_most_of_the_texture():
    _, double = flat("skin")
    v = HEAD.vertices[HEAD.part_faces("skin")]
    area = np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1)
    middle = v.mean(axis=1)
    face = (middle[:, 2] > 6) & (np.abs(middle[:, 1]) < 7) & (np.abs(middle[:, 0]) < 5)
    texels = np.sqrt(double / area) * 2048  # a cm
    assert np.median(texels[face]) > 35 and np.median(texels[face]) > 1.3 * np.median(
        texels[middle[:, 1] < -14]
    )


@pytest.mark.parametrize("head", ["aria", "bruno", "edith"])
def test_the_texture_fits_the_colours_of_the_vertices(head: str):
    rig = load_rig(head)
    pixels = texture_pixels(rig, "head.jpg")
    assert pixels.shape[:2] == (2048, 2048) and len(rig.textures["head.jpg"]) < 1e6
    rows = np.r_[HEAD.span("skin"), HEAD.span("teethUpper"), HEAD.span("tongue")]
    under = at_uvs(smaller(pixels, 8), rig.mesh.uvs[rows])[:, :3].astype(int)
    away = np.abs(under - rig.mesh.colors[rows])
    assert np.median(away) < 6 and np.quantile(away, 0.95) < 45
