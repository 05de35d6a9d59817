"""``facegen keys``: shapes by their names, layers that add up, bones, edits taken back, and what is refused."""

import json

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import RigError, UsageError
from facegen.formats import keyframes as keying
from facegen.formats import save
from facegen.formats.keyframes.bone_curves import BONE_BOUND_SHARE
from facegen.formats.keyframes.bone_map import read_bone_map, shipped_maps, signature_bones
from facegen.formats.safetensors import unpack_safetensors
from facegen.motion.take import Layer, Take, compose
from facegen.pipeline.edit import apply_hand_edits
from facegen.rig import ARKIT, head_matrices

FRAMES = np.arange(60)


def wave(*controls, size=0.5, head=None):
    rows = size * (0.5 + 0.5 * np.sin(FRAMES[:, None] / 7 + np.arange(len(controls))))
    return Animation(30, controls, rows, head)


@pytest.fixture
def take():
    head = np.zeros((60, 6), np.float32)
    head[:, 0], head[:, 1] = 0.3 * np.sin(FRAMES / 9), 0.1 * np.cos(FRAMES / 5)
    layers = (
        Layer("lips", "add", wave("jawOpen", "mouthClose", "mouthPucker", size=0.9)),
        Layer("expression", "add", wave("mouthSmileLeft", "mouthSmileRight", "jawOpen")),
        Layer("lip_closure", "max", wave("mouthClose", size=0.4)),
        Layer("head", "add", wave(head=head)),
        Layer("blink", "max", wave("eyeBlinkLeft", "eyeBlinkRight", size=1.0)),
    )
    return Take(30, 60, layers=layers)


def request(*targets):
    return keying.known(keying.read_request({"targets": list(targets)}))


def drawn(curves):
    return {(c.target, c.layer, c.name): c.keys.at(FRAMES) for c in curves}


@pytest.mark.parametrize("bound", [0.0, 0.004])
def test_shapes_get_their_controls_curves(take, bound):
    names = {"geo.Jaw_Open": "jawOpen", "A38_Mouth_Smile_Left": "mouthSmileLeft", "mouthSmile_R": "mouthSmileRight",
             "BrowInnerUp_L": "browInnerUp", "BrowInnerUp_R": "browInnerUp"}  # fmt: skip
    (target,) = request({"name": "Face", "shapes": [*names, "Fatter"]})
    found = drawn(keying.keyed(take, [target], bound))
    whole = compose(take)
    assert {name for _, _, name in found} == set(names)
    for shape, control in names.items():
        assert np.abs(found["Face", "", shape] - whole.channel(control)).max() <= bound + 1e-6
    (match,) = keying.matches([target])
    assert match.shapes["Fatter"] == () and match.shapes["geo.Jaw_Open"] == ("jawOpen",)


def test_layers_add_up_and_the_lowest_has_every_shape(take):
    (target,) = request({"name": "Face", "shapes": list(ARKIT)})
    layered = drawn(keying.keyed(take, [target], 0.0, layered=True))
    whole = compose(take)
    assert {layer for _, layer, _ in layered} == {"lips", "expression", "blink"}
    assert sum(layer == "lips" for _, layer, _ in layered) == len(ARKIT)
    for control in ARKIT:
        total = sum(rows for (_, _, name), rows in layered.items() if name == control)
        assert np.abs(total - whole.channel(control)).max() < 1e-5


def test_an_edit_becomes_the_hand_layer(take):
    (target,) = request({"name": "Face", "shapes": ["Jaw_Open", "Mouth_Pucker"]})
    mine = compose(take).channel("jawOpen").copy()
    mine[20:25] += 0.2
    for edits in (
        {"": {"Jaw_Open": mine.tolist()}},
        {"hand": {"Jaw_Open": (mine - compose(take).channel("jawOpen")).tolist()}},
    ):
        asked = request({"name": "Face", "shapes": list(target.shapes), "edits": edits})
        edited = apply_hand_edits(take, keying.edited(take, asked))
        change = compose(edited).values - compose(take).values
        jaw = ARKIT.index("jawOpen")
        expected = np.clip(mine, 0, 1) - compose(take).channel("jawOpen")
        assert np.abs(change[:, jaw] - expected).max() < 1e-4
        assert np.abs(np.delete(change, jaw, axis=1)).max() < 1e-6


def test_two_meshes_with_one_edit_change_it_once(take):
    mine = (compose(take).channel("jawOpen") + np.float32(0.1)).tolist()
    rows = [{"name": n, "shapes": ["jawOpen"], "edits": {"": {"jawOpen": mine}}} for n in ("Head", "Teeth")]
    edited = keying.edited(take, request(*rows))
    assert np.abs(edited.channel("jawOpen") - compose(take).channel("jawOpen") - 0.1).max() < 1e-5


MAP = """bone,channel,source,scale
# the jaw
jaw,pitch,jawOpen,20
head,yaw,head.yaw,1
head,y,jawOpen,-0.01
,["m"],jawOpen,2
"""


def bones(order="QUATERNION", basis=((1, 0, 0), (0, 1, 0), (0, 0, 1))):
    one = {"order": order, "basis": basis}
    return {n: {**one, "path": n, "turn": f"{n}.r", "shift": f"{n}.l"} for n in ("jaw", "head")}


@pytest.mark.parametrize("order", ["QUATERNION", "XYZ", "ZXY"])
def test_bones_turn_about_their_own_axes(take, order):
    from scipy.spatial.transform import Rotation

    basis = Rotation.from_euler("xyz", [40, -20, 70], degrees=True).as_matrix()
    row = {"name": "Rig", "owner": True, "bone_map": MAP, "bones": bones(order, basis.tolist())}
    found = drawn(keying.keyed(take, request(row), 0.0))
    whole = compose(take)
    count = 4 if order == "QUATERNION" else 3
    rows = np.stack([found["Rig", "", f"jaw.r#{i}"] for i in range(count)], axis=1)
    own = (
        Rotation.from_quat(rows[:, [1, 2, 3, 0]])
        if count == 4
        else Rotation.from_euler(order.lower(), rows[:, ["xyz".index(a) for a in order.lower()]])
    )
    pose = np.zeros((60, 6))
    pose[:, 1] = np.radians(20 * whole.channel("jawOpen"))
    assert np.abs(basis @ own.as_matrix() @ basis.T - head_matrices(pose)).max() < 1e-6
    shift = np.stack([found["Rig", "", f"head.l#{i}"] for i in range(3)], axis=1) @ basis.T
    assert (
        np.abs(shift[:, 1] + 0.01 * whole.channel("jawOpen")).max() < 1e-6
        and np.abs(shift[:, [0, 2]]).max() < 1e-9
    )
    assert np.abs(found["Rig", "", '["m"]'] - 2 * whole.channel("jawOpen")).max() < 1e-6
    few = drawn(keying.keyed(take, request(row), 0.01))
    assert all(
        np.abs(few[k] - found[k]).max() <= (0.01 if "m" in k[2] else 0.01 * BONE_BOUND_SHARE) for k in found
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "F", "shapes": ["foo"]}, "none of its 1 shapes"),
        ({"name": "F", "shapes": ["foo"], "optional": True}, "no mesh has shape keys"),
        ({"name": "F", "shapes": ["jawOpen"], "preset": "arkitt"}, "no preset is called"),
        ({"name": "F", "shapes": ["jawOpen"], "preset": "custom"}, "no map file"),
        (
            {"name": "R", "owner": True, "bone_map": "bone,channel,source\nbip,yaw,jawOpen", "bones": {}},
            "no bone 'bip'",
        ),
        (
            {"name": "R", "bone_map": "object,bone,channel,source\nX,b,yaw,jawOpen", "bones": {}},
            "no object is called",
        ),
        ({"name": "R", "owner": True, "bone_map": MAP, "bones": bones("AXIS_ANGLE")}, "AXIS_ANGLE"),
        ({"name": "R", "owner": True, "bone_map": "rigfy", "bones": {}}, "nearest: rigify|rigify"),
        ({"name": "R", "owner": True, "bone_map": "auto", "bones": bones()}, "no bones that facegen knows"),
        ({"shapes": []}, "no list of targets"),
    ],
)
def test_what_can_not_be_keyed_is_refused(take, row, words):
    with pytest.raises((UsageError, RigError), match=words):
        keying.keyed(take, request(row), 0.0) and keying.matches(request(row))


@pytest.mark.parametrize(("name", "jaw"), sorted(signature_bones().items()))
def test_shipped_bone_maps(take, name, jaw):
    """They move what ARKit's controls move, with both sides alike, and no control is unknown."""
    rows = [r for r in read_bone_map(shipped_maps()[name], name) if r["channel"] != "unit"]
    moved = {r["source"] for r in rows if not r["source"].startswith("head.")}
    assert moved <= set(ARKIT) and len(moved) >= 35 and jaw in {r["bone"] for r in rows}
    left = {(r["bone"], r["channel"], r["source"], r["scale"]) for r in rows}
    for bone, channel, source, scale in left:
        over = bone.replace(".L", ".@").replace(".R", ".L").replace(".@", ".R")
        over = over.replace(".l", ".@").replace(".r", ".l").replace(".@", ".r") if over == bone else over
        there = source.replace("Left", "@").replace("Right", "Left").replace("@", "Right")
        aside = {"x": -1, "yaw": -1, "roll": -1}.get(channel, 1)
        if source.startswith("head.") or source in ("jawLeft", "jawRight", "mouthLeft", "mouthRight"):
            continue
        assert (over, channel, there, aside * scale) in left or (source == there and over == bone), (
            bone,
            source,
        )


def test_a_shipped_map_is_known_by_its_bones_and_grows_with_the_character(take):
    names = ("jaw_master", "lips.L", "master_eye.L", "master_eye.R")
    about = {"order": "QUATERNION", "basis": np.eye(3).tolist()}
    places = {"master_eye.L": [0.126, 0, 1], "master_eye.R": [0, 0, 1]}
    row = {
        "name": "Rig",
        "owner": True,
        "bone_map": "auto",
        "bones": {
            n: {**about, "path": n, "turn": f"{n}.r", "shift": f"{n}.l", "at": places.get(n)} for n in names
        },
    }
    found = drawn(keying.keyed(take, request(row), 0.0))
    corner = next(t for t in request(row)[0].turns if t.turn == "lips.L.r").terms
    assert ("mouthSmileLeft", pytest.approx(2 * 0.009)) in corner["y"]
    assert {name for _, _, name in found} >= {"jaw_master.r#0", "lips.L.l#0"}


@pytest.mark.parametrize("text", ["", "bone,channel,source\n", "bone,channel,source\njaw,sideways,jawOpen",
                                  "bone,channel,source,scale\njaw,yaw,jawOpen,much", "x\ny"])  # fmt: skip
def test_a_broken_bone_map_is_refused(text):
    with pytest.raises(RigError):
        read_bone_map(text, "map.csv")


def test_the_command_writes_what_an_editor_reads(take, tmp_path, capsys):
    save(take, tmp_path / "a.take")
    (tmp_path / "t.json").write_text(json.dumps({"targets": [{"name": "Face", "shapes": ["jawOpen", "x"]}]}))
    words = [
        "keys",
        str(tmp_path / "a.take"),
        "--targets",
        str(tmp_path / "t.json"),
        "-o",
        str(tmp_path / "a.keys"),
    ]
    assert run([*words, "--reduce", "0.004", "--json"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["matches"][0]["shapes"] == {"jawOpen": ["jawOpen"], "x": []}
    tensors, about = unpack_safetensors(tmp_path / "a.keys")
    ((target, layer, name, count),) = json.loads(about["curves"])
    assert (target, layer, name) == ("Face", "", "jawOpen") and count == len(tensors["frames"]) < 60
    assert run([*words, "--reduce", "2"]) == 2 and "0..1" in capsys.readouterr().err
    (tmp_path / "t.json").write_text("{")
    assert run(words) == 2 and "is not JSON" in capsys.readouterr().err
