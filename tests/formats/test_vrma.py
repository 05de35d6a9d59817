"""VRM animations: laid out as the specification of ``VRMC_vrm_animation`` 1.0 says, and read back."""

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.formats import load_animation, save
from facegen.formats.gltf.animation_reader import MorphDocument
from facegen.formats.gltf.vrma import EYES, PRESETS
from facegen.rig import ARKIT, head_matrices, load_rig
from tests.helpers.animations import wave
from tests.helpers.avatars import change_json

REQUIRED = {"hips", "spine", "head"} | {
    side + bone
    for side in ("left", "right")
    for bone in ("UpperLeg", "LowerLeg", "Foot", "UpperArm", "LowerArm", "Hand")
}
FACE = tuple(name for name in ARKIT if name not in EYES)


def written(tmp_path, animation, **options):
    save(animation, tmp_path / "a.vrma", **options)
    return MorphDocument(tmp_path / "a.vrma")


def tracks(document):
    (animation,) = document.json["animations"]
    return {
        (c["target"]["node"], c["target"]["path"]): document.accessor(
            animation["samplers"][c["sampler"]]["output"]
        )
        for c in animation["channels"]
    }


def turned(quaternions, vector=(0, 0, 1)):
    x, y, z, w = quaternions.T.astype(float)
    return np.stack([2 * (x * z + y * w), 2 * (y * z - x * w), 1 - 2 * (x * x + y * y)], axis=1)


def test_weights_are_the_x_of_translations_of_custom_expressions(tmp_path):
    animation = wave()
    document = written(tmp_path, animation)
    about = document.json["extensions"]["VRMC_vrm_animation"]
    assert about["specVersion"] == "1.0" and document.json["extensionsUsed"] == ["VRMC_vrm_animation"]
    assert set(about["expressions"]) == {"custom"} and "meshes" not in document.json
    custom = about["expressions"]["custom"]
    assert list(custom) == [name[0].upper() + name[1:] for name in FACE]
    found = tracks(document)
    for name in FACE:
        places = found[custom[name[0].upper() + name[1:]]["node"], "translation"]
        assert np.array_equal(places[:, 0], animation.channel(name)) and not places[:, 1:].any()


def test_presets_are_told_from_custom_expressions(tmp_path):
    names = load_rig("vrm1").control_names
    values = np.random.default_rng(0).random((4, len(names)))
    document = written(tmp_path, Animation(30, names, values), rig="vrm1")
    groups = document.json["extensions"]["VRMC_vrm_animation"]["expressions"]
    assert set(groups) == {"preset"} and set(groups["preset"]) == set(PRESETS)
    again = load_animation(tmp_path / "a.vrma")
    assert np.abs(again.channel("aa") - values[:, names.index("aa")]).max() < 1e-6


def test_the_skeleton_has_the_bones_that_vrm_requires_and_only_the_head_turns(tmp_path):
    document = written(tmp_path, wave())
    about = document.json["extensions"]["VRMC_vrm_animation"]
    bones = {name: bone["node"] for name, bone in about["humanoid"]["humanBones"].items()}
    assert set(bones) >= REQUIRED and not {"leftEye", "rightEye"} & set(bones)
    nodes = document.json["nodes"]
    assert all(
        nodes[n]["name"] == name and "rotation" not in nodes[n] and "scale" not in nodes[n]
        for name, n in bones.items()
    )
    moved = {name: path for name, n in bones.items() for node, path in tracks(document) if node == n}
    assert moved == {"head": "rotation"}
    places = {}
    for name, number in bones.items():
        at = np.array(nodes[number]["translation"])
        parent = next((b for b, n in bones.items() if number in nodes[n].get("children", [])), None)
        places[name] = at + (places[parent] if parent else 0)
    assert places["leftHand"][0] > 0.5 and places["leftHand"][1] == pytest.approx(places["leftUpperArm"][1])
    assert (
        np.allclose(places["leftFoot"] * [-1, 1, 1], places["rightFoot"]) and 0 < places["leftFoot"][1] < 0.2
    )
    head = tracks(document)[bones["head"], "rotation"]
    assert np.allclose(turned(head), head_matrices(wave().head)[:, :, 2], atol=1e-6)


def test_the_gaze_is_where_the_eyes_look(tmp_path):
    """eyeLookOut of the left eye and eyeLookIn of the right one at 1 look 30 degrees to the character's left, +X."""
    controls = ("eyeLookOutLeft", "eyeLookInRight", "eyeLookUpLeft", "eyeLookUpRight")
    document = written(
        tmp_path, Animation(30, controls, [[0, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0.5, 0.5, 0.5, 0.5]])
    )
    look = document.json["extensions"]["VRMC_vrm_animation"]["lookAt"]
    x, y, z = turned(tracks(document)[look["node"], "rotation"]).T
    assert np.degrees(np.arctan2(x, z)).tolist() == pytest.approx([0, 30, 0, 15], abs=1e-3)
    assert np.degrees(np.arcsin(y)).tolist() == pytest.approx([0, 0, 25, 12.5], abs=1e-3)
    again = load_animation(tmp_path / "a.vrma")
    assert again.controls == EYES
    assert (
        np.abs(again.select(controls).values[3] - 0.5).max() < 1e-5
        and again.channel("eyeLookInLeft").max() < 1e-5
    )


@pytest.mark.parametrize("fps", ["30", "24000/1001", "60"])
def test_expressions_and_head_read_back(fps, tmp_path):
    animation = wave(40, fps)
    written(tmp_path, animation, audio="/home/ann/größe.wav")
    again = load_animation(tmp_path / "a.vrma")
    assert again.fps == animation.fps and set(again.controls) == set(ARKIT) and len(again) == 40
    assert np.array_equal(again.select(FACE).values, animation.select(FACE).values)
    assert np.abs(again.head[:, :3] - animation.head[:, :3]).max() < 1e-5 and not again.head[:, 3:].any()
    assert again.meta["audio"] == {"name": "größe.wav"} and b"home" not in (tmp_path / "a.vrma").read_bytes()


def test_weights_keep_to_0_to_1_and_names_to_the_pattern(tmp_path):
    document = written(tmp_path, Animation(30, ("jawOpen", "größe"), [[2.5, -1]]), names="{name}")
    custom = document.json["extensions"]["VRMC_vrm_animation"]["expressions"]["custom"]
    assert list(custom) == ["jawOpen", "größe"] and load_animation(tmp_path / "a.vrma").values.tolist() == [
        [1, 0]
    ]
    assert "lookAt" not in document.json["extensions"]["VRMC_vrm_animation"]


def test_files_of_others(tmp_path):
    """Without facegen's notes, with an expression that no channel moves; and without any animation."""
    written(tmp_path, wave(20, 25))

    def foreign(data):
        data.pop("extras")
        data["animations"][0].pop("extras")
        data["extensions"]["VRMC_vrm_animation"]["expressions"]["preset"] = {"happy": {"node": 0}}

    change_json(tmp_path / "a.vrma", foreign)
    again = load_animation(tmp_path / "a.vrma")
    assert (
        again.fps == 25
        and "happy" not in again.controls
        and np.array_equal(again.channel("jawOpen"), wave(20).channel("jawOpen"))
    )
    for fault in (lambda d: d.pop("animations"), lambda d: d.pop("extensions")):
        save(wave(2), tmp_path / "a.vrma")
        change_json(tmp_path / "a.vrma", fault)
        with pytest.raises(AnimationFileError, match="VRM animation"):
            load_animation(tmp_path / "a.vrma")
