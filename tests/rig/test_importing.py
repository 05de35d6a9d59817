"""Rigs of other programs: what is imported is what their programs would show, in our units, names and axes."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pygltflib
import pytest
from safetensors.numpy import save

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import RigError
from facegen.formats import save as save_animation
from facegen.rig import ARKIT, load_rig
from facegen.rig.control_names import arkit_name, arkit_names, other_side, side_of
from facegen.rig.guess_units import guess_scale
from facegen.rig.importing import import_mesh, import_rig
from facegen.rig.rescale import rescaled
from facegen.rig.save import rig_files
from tests.helpers.avatars import VROID, change_json, vroid_shapes, write_avatar
from tests.helpers.tiny_rig import tiny_rig

RIG = tiny_rig()
DATA = Path(os.environ.get("FACEGEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
ICT = DATA / "ict-facekit"
needs_ict = pytest.mark.skipif(not ICT.is_dir(), reason=f"no ICT-FaceKit in {ICT}")


def deltas(rig):
    return dict(zip(rig.control_names, rig.dense_deltas(), strict=True))


def same_shapes(found, expected, tolerance=1e-4):
    assert np.abs(found.mesh.vertices - expected.mesh.vertices).max() < tolerance
    ours, theirs = deltas(found), deltas(expected)
    assert set(theirs) <= set(ours)
    for name in theirs:
        assert np.abs(ours[name] - theirs[name]).max() < tolerance, name


@pytest.mark.parametrize("scale", [1.0, 0.01])
@pytest.mark.parametrize("names_on", ["mesh", "primitive"])
def test_gltf_with_arkit_names_comes_back_as_the_rig(tmp_path, names_on, scale):
    path = write_avatar(tmp_path / "a.glb", RIG, names_on=names_on, armature_scale=scale)
    found = import_rig(path).rig
    same_shapes(found, RIG)
    assert found.control_names == ARKIT and np.array_equal(found.mesh.faces, RIG.mesh.faces)
    assert np.allclose(found.head_weight, RIG.head_weight, atol=1e-6)
    assert np.allclose(found.pivots["head"], RIG.pivots["head"], atol=1e-4)
    assert [p.name for p in found.parts] == [p.name for p in RIG.parts]
    assert np.abs(found.mesh.colors.astype(int) - RIG.mesh.colors).max() <= 1


def test_our_own_glb_comes_back(tmp_path):
    save_animation(Animation(30, ARKIT, np.zeros((2, 52))), tmp_path / "a.glb", rig=RIG)
    same_shapes(load_rig(tmp_path / "a.glb"), RIG, 2e-3)


def test_vrm_1_has_its_expressions_as_controls(tmp_path):
    found, notes = import_rig(write_avatar(tmp_path / "a.vrm", RIG, 1))
    assert set(VROID) <= set(found.control_names)
    shapes = vroid_shapes(RIG)
    for ours, theirs in VROID.items():
        index, value = found.delta(ours)
        assert np.abs(shapes[theirs][index] - value).max() < 1e-4
    assert (found.name, found.credit) == ("One", "A. Tester") and "vrm.dev" in found.licence
    assert notes == ()


def test_vrm_0_is_turned_to_face_forward(tmp_path):
    found, notes = import_rig(write_avatar(tmp_path / "a.vrm", RIG, 0))
    assert np.abs(found.mesh.vertices - RIG.mesh.vertices).max() < 1e-4
    assert {"A", "I", "Blink_L", "Joy"} <= set(found.control_names) and "aa" not in found.control_names
    index, value = found.delta("A")
    assert np.abs(vroid_shapes(RIG)["Fcl_MTH_A"][index] - value).max() < 1e-4
    assert "faces -Z" in notes[0] and found.licence == "CC0"


def test_an_expression_of_several_targets_is_their_sum(tmp_path):
    def change(data):
        binds = data["extensions"]["VRMC_vrm"]["expressions"]["preset"]["happy"]["morphTargetBinds"]
        binds += [{**b, "index": 0, "weight": 0.5} for b in list(binds)]

    found = import_rig(change_json(write_avatar(tmp_path / "a.vrm", RIG, 1), change)).rig
    shapes, all_ = vroid_shapes(RIG), deltas(found)
    assert np.abs(all_["happy"] - shapes["Fcl_ALL_Joy"] - 0.5 * shapes["Fcl_MTH_A"]).max() < 1e-4
    assert np.abs(all_["Fcl_ALL_Joy"] - shapes["Fcl_ALL_Joy"]).max() < 1e-4


def test_node_transforms_place_a_mesh_without_a_skin(tmp_path):
    def change(data):
        half = np.sqrt(0.5)
        for node in data["nodes"]:
            if "mesh" in node:
                node.pop("skin")
                node.update(rotation=[0, half, 0, half], scale=[2, 2, -2], translation=[0, 1, 0])

    found = import_rig(change_json(write_avatar(tmp_path / "a.glb", RIG), change)).rig
    turn = np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]]) @ np.diag([2, 2, -2])
    assert np.allclose(found.mesh.vertices, RIG.mesh.vertices @ turn.T + [0, 100, 0], atol=1e-3)
    assert np.allclose(deltas(found)["jawOpen"], deltas(RIG)["jawOpen"] @ turn.T, atol=1e-4)
    assert np.array_equal(found.mesh.faces[0], RIG.mesh.faces[0][::-1]), "a mirrored mesh keeps its outside"


def test_quantized_positions(tmp_path):
    """KHR_mesh_quantization: shorts, scaled by the node."""
    grid = np.array([[0, 0, 0], [1000, 0, 0], [0, 1000, 0], [0, 0, 0]], np.int16)
    push = np.array([[0, 0, 0], [0, 0, 500], [0, 0, 0], [0, 0, 0]], np.int16)
    corners = np.array([0, 1, 2, 0], np.uint16)
    blob = grid.tobytes() + push.tobytes() + corners.tobytes()
    views = [(0, 24), (24, 24), (48, 8)]
    data = {
        "asset": {"version": "2.0"},
        "extensionsUsed": ["KHR_mesh_quantization"],
        "extensionsRequired": ["KHR_mesh_quantization"],
        "buffers": [{"byteLength": len(blob), "uri": "a.bin"}],
        "bufferViews": [{"buffer": 0, "byteOffset": a, "byteLength": n} for a, n in views],
        "accessors": [
            {"bufferView": 0, "componentType": 5122, "count": 4, "type": "VEC3"},
            {"bufferView": 1, "componentType": 5122, "count": 4, "type": "VEC3"},
            {"bufferView": 2, "componentType": 5123, "count": 3, "type": "SCALAR"},
        ],
        "meshes": [
            {
                "primitives": [{"attributes": {"POSITION": 0}, "indices": 2, "targets": [{"POSITION": 1}]}],
                "extras": {"targetNames": ["blendShape1.jaw_Open"]},
            }
        ],
        "nodes": [{"mesh": 0, "scale": [0.0001] * 3}],
        "scenes": [{"nodes": [0]}],
    }
    (tmp_path / "a.gltf").write_text(json.dumps(data))
    (tmp_path / "a.bin").write_bytes(blob)
    found, notes = import_rig(tmp_path / "a.gltf")
    assert np.allclose(found.mesh.vertices, [[0, 0, 0], [10, 0, 0], [0, 10, 0]], atol=1e-5)
    assert np.allclose(found.delta("jawOpen")[1], [[0, 0, 5]]) and "pivot" in notes[-1]


def test_primitives_that_share_vertices_keep_only_theirs(tmp_path):
    document = pygltflib.GLTF2().load(str(write_avatar(tmp_path / "a.glb", RIG)))
    count = len(RIG.mesh.vertices)
    first = document.meshes[0].primitives[0]
    for _ in range(3):
        document.meshes[0].primitives.append(first)
    document.save(str(tmp_path / "b.glb"))
    found = import_rig(tmp_path / "b.glb").rig
    assert len(found.mesh.vertices) == count + 3 * RIG.parts[0].vertices[1]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("JawOpen", "jawOpen"), ("blendShape1.jawOpen", "jawOpen"), ("Jaw_Open", "jawOpen"), ("jaw open", "jawOpen"),
        ("eyeBlink_L", "eyeBlinkLeft"), ("eye_blink_right", "eyeBlinkRight"), ("browOuterUp_R", "browOuterUpRight"),
        ("A14_Eye_Blink_Left", "eyeBlinkLeft"), ("mouth_L", "mouthLeft"), ("EyeClosedLeft", "eyeBlinkLeft"),
        ("Left_Eye_Blink", "eyeBlinkLeft"), ("head.mouthSmile.L", "mouthSmileLeft"), ("viseme_aa", "viseme_aa"),
        ("Fcl_MTH_A", "Fcl_MTH_A"), ("blinkLeft", "blinkLeft"), ("mouthOpen", "mouthOpen"), ("jawOpener", "jawOpener"),
    ],
)  # fmt: skip
def test_names_in_arkits_spelling(raw, name):
    assert arkit_name(raw) == name


def test_two_names_never_become_one():
    assert arkit_names(["JawOpen", "jawOpen", "jaw_open"]) == {
        "JawOpen": "JawOpen",
        "jawOpen": "jawOpen",
        "jaw_open": "jaw_open",
    }
    assert list(arkit_names(["JawOpen", "jaw_open"]).values()) == ["jawOpen", "jaw_open"]


def test_sides():
    assert [side_of(n) for n in ("browDown_L", "jawRight", "jawOpen", "cheek.R")] == [
        "left",
        "right",
        "middle",
        "right",
    ]
    assert other_side("cheekRaiser_L") == "cheekRaiser_R" and other_side("eyeWideLeft") == "eyeWideRight"


def write_obj(path, vertices, faces):
    lines = [f"v {x:.6f} {y:.6f} {z:.6f}" for x, y, z in vertices]
    path.write_text("\n".join([*lines, *(f"f {a} {b} {c}" for a, b, c in faces + 1)]) + "\n")


@pytest.fixture
def obj_folder(tmp_path):
    folder = tmp_path / "head"
    folder.mkdir()
    write_obj(folder / "neutral.obj", RIG.mesh.vertices, RIG.mesh.faces)
    for name in ("jawOpen", "mouthSmileLeft"):
        write_obj(folder / f"{name}.obj", RIG.mesh.vertices + deltas(RIG)[name], RIG.mesh.faces)
    return folder


def test_a_folder_of_obj_files(obj_folder):
    found, notes = import_rig(obj_folder)
    assert found.control_names == ("jawOpen", "mouthSmileLeft") and "neutral.obj" in notes[0]
    for name in found.control_names:
        assert np.abs(deltas(found)[name] - deltas(RIG)[name]).max() < 2e-6
    assert found.name == "head" and "head" in found.pivots


def test_obj_quads_uvs_and_groups(tmp_path):
    text = (
        "v 0 0 0\nv 20 0 0\nv 20 20 0\nv 0 20 0\nv 0 0 5\nv 20 0 5\nv 20 20 5\n"
        "vt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "g face\nf 1/1 2/2 3/3 4/4\nusemtl teeth\nf -3/1 -2/2 -1/3\n"
    )
    (tmp_path / "a.obj").write_text(text)
    found = import_mesh(tmp_path / "a.obj").rig
    assert [(p.name, p.vertices, p.faces) for p in found.parts] == [
        ("face", (0, 4), (0, 2)),
        ("teeth", (4, 7), (2, 3)),
    ]
    assert np.array_equal(found.mesh.uvs[:4], [[0, 0], [1, 0], [1, 1], [0, 1]])


def test_obj_vertices_keep_their_order_also_where_no_face_uses_them(tmp_path):
    """Shapes are differences of files vertex by vertex, so none may be dropped, merged or split at a seam."""
    order = np.random.default_rng(4).permutation(12)
    vertices = np.column_stack([order, order * 2.0, np.zeros(12)])
    vertices[7] = vertices[2]  # two vertices at one place
    lines = [f"v {x:g} {y:g} {z:g}" for x, y, z in vertices]
    lines += ["vt 0 0", "vt 1 0", "vt 0 1", "vt 1 1", "f 1/1 9/2 3/3", "f 9/4 8/1 3/3"]  # 9 has two uvs
    (tmp_path / "a.obj").write_text("\n".join(lines) + "\n")
    found = import_mesh(tmp_path / "a.obj").rig.mesh
    assert np.array_equal(found.vertices, vertices.astype(np.float32))
    assert found.faces.tolist() == [[0, 8, 2], [8, 7, 2]]


@pytest.mark.parametrize(("size", "scale"), [(30, 1), (0.25, 100), (250, 0.1), (9, 2.54), (1e6, 3e-5)])
def test_units_are_told_from_the_size(size, scale):
    found, note = guess_scale(np.array([[0, 0, 0], [0, size, 0]]))
    assert found == pytest.approx(scale) and bool(note) == (scale != 1)


def test_flame_like_arrays(tmp_path):
    rng = np.random.default_rng(1)
    basis = rng.normal(size=(len(RIG.mesh.vertices), 3, 4)).astype(np.float32) * 1e-3
    weights = np.zeros((len(RIG.mesh.vertices), 5), np.float32)
    weights[:, 2] = RIG.mesh.vertices[:, 1] < -3
    joints = np.zeros((5, 3), np.float32)
    joints[2] = [0, 0.01, 0.02]
    arrays = {
        "v_template": RIG.mesh.vertices / 100,
        "f": RIG.mesh.faces,
        "shapedirs": np.concatenate([np.zeros((len(basis), 3, 300), np.float32), basis], axis=2),
        "lbs_weights": weights,
        "J": joints,
    }
    (tmp_path / "flame.safetensors").write_bytes(
        save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    )
    found = import_rig(tmp_path / "flame.safetensors").rig
    assert [n for n in found.control_names if n.startswith("expr")] == [
        f"expression_{i:02d}" for i in range(4)
    ]
    assert found.control("expression_02").low == -3
    assert np.allclose(deltas(found)["expression_01"], 100 * basis[..., 1], atol=1e-4)
    jaw = deltas(found)["jawOpen"]
    chin = np.argmin(RIG.mesh.vertices[:, 1])
    assert jaw[chin, 2] < -1 and not jaw[RIG.mesh.vertices[:, 1] > 0].any()
    assert np.allclose(found.pivots["jaw"], [0, 1, 2], atol=1e-5)


@needs_ict
def test_ict_facekit_in_under_five_seconds():
    start = time.perf_counter()
    found = import_rig(ICT).rig
    assert time.perf_counter() - start < 5
    assert len(found.mesh.vertices) == 26719 and set(ARKIT) - set(found.control_names) == {"tongueOut"}
    arrays = np.load(ICT / "ict_facekit.npz", allow_pickle=False)
    names = list(arrays["expression_names"])
    smile = arrays["expression_deltas"][names.index("mouthSmile_L")].astype(np.float32)
    assert np.abs(deltas(found)["mouthSmileLeft"] - smile).max() < 2e-5
    both = sum(arrays["expression_deltas"][names.index(f"cheekPuff_{s}")].astype(np.float32) for s in "LR")
    assert np.abs(deltas(found)["cheekPuff"] - both).max() < 1e-3
    assert len(found.mesh.faces) == 2 * 26384 - 548 and found.licence == "MIT" and "Creative" in found.credit


@needs_ict
def test_the_original_ict_folder_gives_the_same_rig(tmp_path):
    arrays = np.load(ICT / "ict_facekit.npz", allow_pickle=False)
    vertices = arrays["vertices"].astype(np.float64)
    faces = np.where(arrays["faces"][:, :3] >= 0, arrays["faces"][:, :3], 0)
    write_obj(tmp_path / "generic_neutral_mesh.obj", vertices, faces)
    names = list(arrays["expression_names"])
    for name in ("mouthSmile_L", "browInnerUp_L", "browInnerUp_R"):
        delta = arrays["expression_deltas"][names.index(name)].astype(np.float64)
        write_obj(tmp_path / f"{name}.obj", vertices + delta, faces)
    write_obj(tmp_path / "identity000.obj", vertices * 1.1, faces)
    found, whole = import_rig(tmp_path).rig, import_rig(ICT).rig
    assert found.control_names == ("mouthSmileLeft", "browInnerUp")
    for name in found.control_names:
        assert np.abs(deltas(found)[name] - deltas(whole)[name]).max() < 1e-4
    assert found.parts[0].name == "Face" and found.licence == "MIT"


def test_usd_blend_shapes(tmp_path):
    pytest.importorskip("pxr")
    text = """#usda 1.0
(
    metersPerUnit = 1
    upAxis = "Z"
)
def SkelRoot "Root"
{
    def Mesh "Head" ( prepend apiSchemas = ["SkelBindingAPI"] )
    {
        int[] faceVertexCounts = [4]
        int[] faceVertexIndices = [0, 1, 2, 3]
        point3f[] points = [(0, 0, 0), (0.2, 0, 0), (0.2, 0, 0.3), (0, 0, 0.3)]
        uniform token[] skel:blendShapes = ["jaw_Open"]
        rel skel:blendShapeTargets = </Root/Head/open>
        def BlendShape "open"
        {
            uniform vector3f[] offsets = [(0, -0.01, -0.02)]
            uniform int[] pointIndices = [1]
        }
    }
}
"""
    (tmp_path / "a.usda").write_text(text)
    found = import_rig(tmp_path / "a.usda").rig
    assert np.allclose(found.mesh.vertices, [[0, 0, 0], [20, 0, 0], [20, 30, 0], [0, 30, 0]], atol=1e-4)
    index, value = found.delta("jawOpen")
    assert (
        index.tolist() == [1] and np.allclose(value, [[0, -2, 1]], atol=1e-5) and len(found.mesh.faces) == 2
    )


def test_usd_without_its_package_names_the_extra(tmp_path, monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "pxr", None)
    (tmp_path / "a.usda").write_text("#usda 1.0\n")
    assert run(["rig", "import", str(tmp_path / "a.usda"), "-o", str(tmp_path / "out")]) == 6
    assert "facegen[usd]" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_import_writes_a_rig_folder_that_reads_back(tmp_path, capsys):
    path = write_avatar(tmp_path / "a.glb", RIG)
    out = tmp_path / "rig"
    assert run(["rig", "import", str(path), "-o", str(out), "--name", "me", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["arkit"] == 52 and sorted(p.name for p in out.iterdir()) == ["mesh.safetensors", "rig.json"]
    found = load_rig(out)
    same_shapes(found, RIG)
    assert found.name == "me" and rig_files(found) == {n: (out / n).read_bytes() for n in rig_files(found)}


def test_size_and_direction_can_be_set(tmp_path):
    found = import_rig(write_avatar(tmp_path / "a.glb", RIG)).rig
    turned = rescaled(found, scale=2.0, turn=90)
    x, y, z = found.mesh.vertices.T
    assert np.allclose(turned.mesh.vertices, 2 * np.column_stack([z, y, -x]), atol=1e-4)
    assert np.allclose(rescaled(found, up="z").mesh.vertices, np.column_stack([x, z, -y]), atol=1e-4)


def test_import_refuses_what_would_be_lost(tmp_path, capsys, obj_folder):
    assert run(["rig", "import", str(obj_folder), "-o", str(obj_folder)]) == 2
    assert run(["rig", "import", str(obj_folder), "-o", str(obj_folder / "neutral.obj")]) == 4
    assert run(["rig", "import", str(obj_folder), "-o", str(tmp_path / "no" / "out")]) == 4
    assert run(["rig", "import", str(obj_folder), "-o", str(tmp_path / "o"), "--scale", "0"]) == 2
    assert run(["rig", "import", str(obj_folder), "-o", str(tmp_path / "o"), "--landmarks", "a.json"]) == 2
    assert not (tmp_path / "o").exists()
    with pytest.raises(RigError, match="no known layout"):
        import_rig(tmp_path)
