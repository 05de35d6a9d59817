"""GLB heads: what a viewer would show is what the rig computes; and morph animations of other programs."""

import base64
import json
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pygltflib
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import RigError, UsageError
from facegen.core.mesh import Mesh, to_linear
from facegen.formats import load_animation, save
from facegen.formats.gltf.animation_reader import MorphDocument
from facegen.rig import ARKIT, RigPart, evaluate, head_matrices, load_rig
from facegen.rig.head_pose import quaternions
from tests.helpers.gltf_vertices import shown
from tests.helpers.tiny_rig import tiny_rig

RIG = tiny_rig()


def clip(frames=8, head=True):
    rng = np.random.default_rng(3)
    return Animation(
        30, ARKIT, rng.random((frames, 52)), rng.normal(size=(frames, 6)) * 0.3 if head else None
    )


@pytest.fixture
def written(tmp_path):
    def write(animation, rig=RIG, **options):
        save(animation, tmp_path / "a.glb", rig=rig, **options)
        return MorphDocument(tmp_path / "a.glb")

    return write


def test_a_viewer_shows_what_the_rig_computes(written):
    animation = clip()
    document = written(animation)
    for frame, expected in enumerate(evaluate(RIG, animation)):
        parts = shown(document, frame)
        assert list(parts) == ["face", "eyes", "teeth"]
        for part in RIG.parts:
            used = np.unique(RIG.mesh.faces[slice(*part.faces)])
            assert np.abs(parts[part.name] - expected[used] * 0.01).max() < 2e-5


def test_eyeballs_have_joints_of_their_own_in_the_head(tmp_path):
    aria = load_rig("aria")
    animation = clip()
    save(animation, tmp_path / "a.glb", rig=aria)
    document = MorphDocument(tmp_path / "a.glb")
    names = [node["name"] for node in document.json["nodes"]]
    head, left = names.index("head"), names.index("eye_L")
    assert [names[n] for n in document.json["nodes"][head]["children"]] == ["eye_L", "eye_R"]
    place = (
        np.array(document.json["nodes"][left]["translation"]) + document.json["nodes"][head]["translation"]
    )
    assert np.allclose(place, np.array(aria.pivots["eyeLeft"]) * 0.01, atol=1e-6)
    expected = list(evaluate(aria, animation.select(aria.control_names)))
    for frame in (0, len(animation) - 1):
        parts = shown(document, frame)
        for part in (part for part in aria.parts if part.name in ("eyeLeft", "eyeRight", "teethUpper")):
            used = np.unique(aria.mesh.faces[slice(*part.faces)])
            assert np.abs(parts[part.name] - expected[frame][used] * 0.01).max() < 5e-5, part.name


def test_the_head_and_its_turns_agree_with_the_rigs():
    poses = np.random.default_rng(0).normal(size=(50, 6))
    x, y, z, w = quaternions(poses).T.astype(float)
    forward = np.stack([2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)], axis=1)
    assert np.allclose(forward, head_matrices(poses)[:, :, 2], atol=1e-6)


def test_morphing_meshes_carry_all_controls_and_share_one_curve(written):
    document = written(clip())
    j = document.json
    assert [("targets" in m["primitives"][0]) for m in j["meshes"]] == [True, True, False]
    for mesh in j["meshes"][:2]:
        assert mesh["extras"]["targetNames"] == list(ARKIT) == mesh["primitives"][0]["extras"]["targetNames"]
        assert len(mesh["primitives"][0]["targets"]) == len(mesh["weights"]) == 52
    weights = [c for c in j["animations"][0]["channels"] if c["target"]["path"] == "weights"]
    assert len(weights) == 2 and len({c["sampler"] for c in weights}) == 1
    assert len({s["input"] for s in j["animations"][0]["samplers"]}) == 1
    assert all(s["interpolation"] == "LINEAR" for s in j["animations"][0]["samplers"])


def test_limits_of_targets_and_times_hold(written):
    document = written(clip())
    j = document.json
    checked = 0
    for mesh in j["meshes"]:
        primitive = mesh["primitives"][0]
        accessors = [
            primitive["attributes"]["POSITION"],
            *[t["POSITION"] for t in primitive.get("targets", [])],
        ]
        for number in {*accessors, j["animations"][0]["samplers"][0]["input"]}:
            values = document.accessor(number)
            assert values.min(axis=0).tolist() == j["accessors"][number]["min"]
            assert values.max(axis=0).tolist() == j["accessors"][number]["max"]
            checked += 1
    assert checked > 60


def test_weights_keep_to_the_controls_limits(written, tmp_path):
    written(Animation(30, ("jawOpen", "mouthClose"), [[1.5, -0.5], [0.25, 0.5]]))
    again = load_animation(tmp_path / "a.glb")
    assert again.channel("jawOpen").tolist() == [1.0, 0.25] and again.channel("mouthClose").tolist() == [
        0.0,
        0.5,
    ]


def test_vertex_colours_are_linear_light(written):
    document = written(clip())
    attributes = document.json["meshes"][0]["primitives"][0]["attributes"]
    used = np.unique(RIG.mesh.faces[slice(*RIG.parts[0].faces)])
    shares = document.accessor(attributes["COLOR_0"])
    factors = np.array([m["pbrMetallicRoughness"]["baseColorFactor"] for m in document.json["materials"]])
    colors = to_linear(RIG.mesh.colors / 255)
    assert np.allclose(shares[:, :3] * factors[0, :3], colors[used], atol=1e-4) and (shares[:, 3] == 1).all()
    most = [colors[slice(*part.vertices)].max(axis=0) for part in RIG.parts]
    assert np.allclose(factors[:, :3], most, atol=1e-6), "near even where vertex colours are passed over"
    assert (factors[:, 3] == 1).all()
    assert to_linear(np.array([0.0, 0.5, 1.0])) == pytest.approx([0, 0.21404, 1], abs=1e-5)


def test_materials_colour_heads_without_vertex_colours(written):
    document = written(clip(), rig=tiny_rig(colors=False))
    skin, eye, tooth = (m["pbrMetallicRoughness"] for m in document.json["materials"])
    assert skin["baseColorFactor"] == [1.0, 0.9, 0.8, 1.0] and skin["roughnessFactor"] == 0.6
    assert eye["baseColorFactor"] == [1, 1, 1, 1] and tooth["baseColorFactor"][0] == pytest.approx(
        0.871, abs=1e-3
    )
    bad = replace(tiny_rig(colors=False), materials={"skin": {"color": "pink"}})
    with pytest.raises(RigError, match="material's color 'pink'"):
        written(clip(), rig=bad)


def test_sound_and_rate_stand_in_the_extras_without_folders(written, tmp_path):
    told = replace(clip(), meta={"audio": {"name": "/home/ann/take 1.wav"}})
    for options, name in (
        ({}, "take 1.wav"),
        ({"audio": "C:\\sounds\\b.wav"}, "b.wav"),
        ({"audio": "c/d.flac"}, "d.flac"),
    ):
        j = written(told, **options).json
        assert j["extras"]["audio"] == j["animations"][0]["extras"]["audio"] == name
        assert j["extras"]["fps"] == "30" and b"home" not in (tmp_path / "a.glb").read_bytes()
    assert load_animation(tmp_path / "a.glb").meta["audio"] == {"name": "d.flac"}
    assert "audio" not in written(clip()).json["extras"]


def test_controls_of_another_rig_are_refused(written):
    with pytest.raises(UsageError, match="shares no control with the rig tiny"):
        written(Animation(30, ("mouth_open",), [[0.5]]))


def test_a_rig_without_parts_or_pivot_is_one_mesh(written):
    document = written(clip(), rig=replace(RIG, parts=(), pivots={}, head_weight=None))
    assert len(document.json["meshes"]) == 1 and document.json["nodes"][1]["translation"] == [0, 0, 0]


def test_pygltflib_reads_the_file(written, tmp_path):
    written(clip())
    save(clip(), tmp_path / "a.gltf", rig=RIG)
    for name in ("a.glb", "a.gltf"):
        document = pygltflib.GLTF2().load(str(tmp_path / name))
        assert len(document.meshes) == 3 and document.asset.generator.startswith("facegen")


def test_text_holds_what_the_binary_holds(written, tmp_path):
    binary = written(clip())
    save(clip(), tmp_path / "a.gltf", rig=RIG)
    text = MorphDocument(tmp_path / "a.gltf")
    assert text.buffer(0) == binary.buffer(0)
    del text.json["buffers"][0]["uri"]
    assert text.json == binary.json


def test_targets_are_sparse_where_that_is_smaller(written):
    """``jawOpen`` moves all of the skin, the other controls a few vertices of it."""
    skin = np.arange(RIG.parts[0].vertices[1])
    offsets, index, value = [0], [], []
    for name in ARKIT:
        at, push = (skin, np.ones((len(skin), 3))) if name == "jawOpen" else RIG.delta(name)
        index.append(at)
        value.append(push)
        offsets.append(offsets[-1] + len(at))
    wide = replace(
        RIG,
        delta_offsets=np.array(offsets),
        delta_index=np.concatenate(index),
        delta_value=np.vstack(value).astype(np.float32),
    )
    document = written(clip(), rig=wide)
    targets = document.json["meshes"][0]["primitives"][0]["targets"]
    kinds = ["sparse" in document.json["accessors"][t["POSITION"]] for t in targets]
    moves = [bool(document.accessor(t["POSITION"]).any()) for t in targets]
    assert [k for k, m in zip(kinds, moves, strict=True) if m].count(False) == 1
    dense = document.accessor(targets[ARKIT.index("jawOpen")]["POSITION"])
    assert not kinds[ARKIT.index("jawOpen")] and np.allclose(dense, 0.01)


# Files of other programs.

NAMES = ["smile", "A38_Mouth", "あ"]


def foreign(
    tmp_path,
    times,
    weights,
    *,
    interpolation="LINEAR",
    names=NAMES,
    holder="mesh",
    kind=np.float32,
    ext="gltf",
):
    """A minimal glTF with one triangle of three morph targets, its buffer in the file itself."""
    times = np.array(times, np.float32)
    weights = np.array(weights)
    normalized = kind is not np.float32
    output = (np.round(weights * np.iinfo(kind).max) if normalized else weights).astype(kind)
    data = times.tobytes() + output.tobytes()
    data += b"\0" * (-len(data) % 4)
    code = {np.float32: 5126, np.uint8: 5121, np.int16: 5122}[kind]
    extras = {"targetNames": names}
    uri = "data:application/octet-stream;base64," + base64.b64encode(data).decode()
    other = {"sampler": 0, "target": {"path": "translation", "node": 0}}
    document = {
        "asset": {"version": "2.0", "generator": "other"},
        "buffers": [{"byteLength": len(data), "uri": uri}],
        "bufferViews": [
            {"buffer": 0, "byteLength": times.nbytes},
            {"buffer": 0, "byteOffset": times.nbytes, "byteLength": output.nbytes},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(times), "type": "SCALAR"},
            {"bufferView": 1, "componentType": code, "normalized": normalized, "count": output.size, "type": "SCALAR"},
            {"componentType": 5126, "count": 3, "type": "VEC3"},
        ],
        "meshes": [
            {"primitives": [{"attributes": {"POSITION": 2}, "targets": [{"POSITION": 2}]}]},
            {"primitives": [{"attributes": {"POSITION": 2}, "targets": [{"POSITION": 2}] * 3}]},
        ],
        "nodes": [{"mesh": 0}, {"mesh": 1}],
        "animations": [
            {"channels": [other], "samplers": [{"input": 0, "output": 1}]},
            {
                "channels": [{"sampler": 0, "target": {"path": "weights", "node": 1}}],
                "samplers": [{"input": 0, "output": 1, "interpolation": interpolation}],
            },
        ],
    }  # fmt: skip
    if holder:
        mesh = document["meshes"][1]
        (mesh if holder == "mesh" else mesh["primitives"][0])["extras"] = extras
    path = tmp_path / f"b.{ext}"
    path.write_text(json.dumps(document))
    return load_animation(path)


@pytest.mark.parametrize(("holder", "names"), [("mesh", NAMES), ("primitive", NAMES), ("", None)])
def test_names_of_targets(holder, names, tmp_path):
    animation = foreign(tmp_path, [0, 1 / 24, 2 / 24], np.eye(3), holder=holder)
    assert animation.controls == tuple(names or ["target_0", "target_1", "target_2"])
    assert animation.fps == 24 and np.array_equal(animation.values, np.eye(3)) and animation.head is None


@pytest.mark.parametrize("fps", ["30000/1001", "60", "25", "100", "33"])
def test_rates_of_even_keys(fps, tmp_path):
    times = np.arange(200) / float(Fraction(fps))
    assert foreign(tmp_path, times, np.zeros((200, 3))).fps == Fraction(fps)


def test_sparse_keys_are_interpolated(tmp_path):
    animation = foreign(tmp_path, [0, 0.5, 2.0], [[0, 0, 0], [1, 0, 0], [0, 1, 0]])
    assert animation.fps == 30 and len(animation) == 61
    assert animation.values[15, 0] == pytest.approx(1) and animation.values[30, 0] == pytest.approx(
        2 / 3, abs=1e-5
    )


def test_stepped_and_cubic_keys(tmp_path):
    stepped = foreign(tmp_path, [0.25, 0.5], [[1, 0, 0], [0, 1, 0]], interpolation="STEP")
    assert stepped.values[:15, 0].all() and stepped.values[15].tolist() == [0, 1, 0]
    blocks = np.zeros((2, 3, 3))
    blocks[:, 0], blocks[:, 1] = 9.0, [[0, 0, 0], [1, 0.5, 0]]
    cubic = foreign(tmp_path, [0, 1 / 30], blocks, interpolation="CUBICSPLINE")
    assert cubic.values.tolist() == [[0, 0, 0], [1, 0.5, 0]]


@pytest.mark.parametrize("kind", [np.uint8, np.int16])
def test_whole_number_weights_are_shares_of_one(kind, tmp_path):
    animation = foreign(tmp_path, [0, 1 / 30], [[0, 0.5, 1], [1, 0, 0.25]], kind=kind)
    assert (
        np.allclose(animation.values, [[0, 0.5, 1], [1, 0, 0.25]], atol=0.003) and animation.values.max() == 1
    )


def test_a_single_key(tmp_path):
    assert foreign(tmp_path, [0], [[0.1, 0.2, 0.3]]).values.tolist() == [pytest.approx([0.1, 0.2, 0.3])]


def test_cards_of_hair_are_seen_from_both_sides(written):
    """A part of loose triangles is; closed parts, and those with a rim only, are not."""
    assert not any(m["doubleSided"] for m in written(clip()).json["materials"])
    first, last = RIG.parts[1].faces
    corners = RIG.mesh.faces[first:last]
    loose = Mesh(
        np.vstack([RIG.mesh.vertices, RIG.mesh.vertices[corners.ravel()]]),
        np.vstack([RIG.mesh.faces, len(RIG.mesh.vertices) + np.arange(corners.size).reshape(-1, 3)]),
    )
    card = RigPart(
        "lashes",
        "lashes",
        (len(RIG.mesh.vertices), len(loose.vertices)),
        (len(RIG.mesh.faces), len(loose.faces)),
    )
    document = written(clip(), rig=replace(RIG, mesh=loose, head_weight=None, parts=(*RIG.parts, card)))
    assert [m["doubleSided"] for m in document.json["materials"]] == [False, False, False, True]
