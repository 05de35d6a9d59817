"""Animations in copies of the user's model: VRM 0.x and 1.0 as VRoid has them, and GLB with ARKit's names."""

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.formats import load_animation, save
from facegen.formats.gltf.animation_reader import MorphDocument
from facegen.formats.gltf.nodes import Nodes
from facegen.rig import ARKIT, head_matrices, load_rig
from tests.helpers.animations import wave
from tests.helpers.avatars import PRESETS_0, VROID, change_json, write_avatar
from tests.helpers.tiny_rig import tiny_rig

RIG = tiny_rig()


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {
        version: write_avatar(folder / f"v{version}.{'glb' if version is None else 'vrm'}", RIG, version)
        for version in (None, 0, 1)
    }


def animated(tmp_path, animation, model, name="out.vrm", **options):
    save(animation, tmp_path / name, rig=str(model), **options)
    return MorphDocument(tmp_path / name)


def curves(document):
    """Node to path to values [T, k] of the first animation."""
    row, found = document.json["animations"][0], {}
    for channel in row["channels"]:
        sampler = row["samplers"][channel["sampler"]]
        times = document.accessor(sampler["input"])
        values = document.accessor(sampler["output"]).reshape(len(times), -1)
        found.setdefault(channel["target"]["node"], {})[channel["target"]["path"]] = values
    return found


def test_arkit_names_drive_every_mesh_that_has_them(models, tmp_path):
    document = animated(tmp_path, wave(), models[None], "out.glb", audio="a/größe.wav")
    weights = [c["weights"] for c in curves(document).values() if "weights" in c]
    assert len(weights) == 2 and all(np.array_equal(w, wave().values) for w in weights)
    again = load_animation(tmp_path / "out.glb")
    assert again.controls == ARKIT and again.fps == 30 and again.meta["audio"] == {"name": "größe.wav"}


@pytest.mark.parametrize("version", [0, 1])
def test_expressions_drive_the_targets_that_they_show(version, models, tmp_path):
    names = load_rig(models[version]).control_names
    animation = Animation(30, names, np.random.default_rng(0).random((5, len(names))))
    document = animated(tmp_path, animation, models[version])
    driven = [c["weights"] for c in curves(document).values() if "weights" in c]
    targets = list(VROID.values())
    spelt = {PRESETS_0[n]: n for n in PRESETS_0} if version == 0 else {n: n for n in VROID}
    assert driven and len(names) >= len(spelt)
    by_target = {}
    for preset, ours in spelt.items():
        control = next((c for c in names if c.lower() in (preset.lower(), ours.lower())), None)
        if control:
            by_target[VROID[ours]] = animation.channel(control)
    assert len(by_target) >= 11
    for target, expected in by_target.items():
        assert all(np.allclose(w[:, targets.index(target)], expected, atol=1e-6) for w in driven)


@pytest.mark.parametrize("version", [None, 0, 1])
def test_all_else_of_the_model_stays_as_it_is(version, models, tmp_path):
    name = f"out{models[version].suffix}"
    names = load_rig(models[version]).control_names
    document = animated(tmp_path, Animation(30, names, np.full((3, len(names)), 0.5)), models[version], name)
    before = MorphDocument(models[version])
    assert document.binary.startswith(before.buffer(0).rstrip(b"\0"))
    for key, value in before.json.items():
        if key in ("accessors", "bufferViews"):
            assert document.json[key][: len(value)] == value
        elif key not in ("buffers", "animations"):
            assert document.json[key] == value
    assert set(document.json) - set(before.json) == {"animations"}


@pytest.mark.parametrize("version", [None, 0, 1])
@pytest.mark.parametrize("tilt", [False, True])
def test_the_head_turns_as_the_animation_says(version, tilt, models, tmp_path):
    """Wherever the bone's axes point, and for models that face −Z, the head's turn in the world is the same."""
    model = tmp_path / f"model{models[version].suffix}"
    model.write_bytes(models[version].read_bytes())
    if tilt:
        q = np.array([0.3, -0.4, 0.2, 0.8]) / np.linalg.norm([0.3, -0.4, 0.2, 0.8])
        change_json(model, lambda d: [n.update(rotation=q.tolist()) for n in d["nodes"][1:3]])
    names = load_rig(models[version]).control_names
    pose = np.array([[0.4, -0.2, 0.1, 1.0, 2.0, -0.5]])
    document = animated(
        tmp_path, Animation(30, names, np.full((1, len(names)), 0.5), pose), model, "out" + model.suffix
    )
    bone = next(i for i, n in enumerate(document.json["nodes"]) if n["name"] == "J_Bip_C_Head")
    before = Nodes(document).world[bone].copy()
    found = curves(document)[bone]
    document.json["nodes"][bone].update({k: v[0].tolist() for k, v in found.items()})
    after = Nodes(document).world[bone]
    face = np.diag([-1.0, 1, -1]) if version == 0 else np.eye(3)
    turn = face @ head_matrices(pose)[0] @ face
    assert np.allclose(after[:3, :3] @ np.linalg.inv(before[:3, :3]), turn, atol=1e-5)
    assert np.allclose(after[:3, 3] - before[:3, 3], face @ pose[0, 3:] * 0.01, atol=1e-6)


def test_animations_of_the_model_come_after(models, tmp_path):
    first = animated(tmp_path, wave(3), models[None], "one.glb")
    second = animated(tmp_path, wave(5), tmp_path / "one.glb", "two.glb")
    assert len(first.json["animations"]) == 1 and len(second.json["animations"]) == 2
    assert len(load_animation(tmp_path / "two.glb")) == 5


def test_targets_that_nothing_drives_keep_their_weights(models, tmp_path):
    model = tmp_path / "rest.glb"
    model.write_bytes(models[None].read_bytes())
    change_json(
        model,
        lambda d: [m.update(weights=[0.25] * 52) for m in d["meshes"] if "targets" in m["primitives"][0]],
    )
    document = animated(tmp_path, Animation(30, ("jawOpen",), [[0], [2.5]]), model, "out.glb")
    (weights, *_) = [c["weights"] for c in curves(document).values() if "weights" in c]
    at = ARKIT.index("jawOpen")
    assert weights[:, at].tolist() == [0, 1] and (np.delete(weights, at, axis=1) == 0.25).all()


def test_perfect_sync_and_sided_names(models, tmp_path):
    """Targets in other spellings of ARKit's names, and browInnerUp as two sides."""
    names = [f"blendShape1.{n[0].upper()}{n[1:]}" for n in ARKIT]
    names[ARKIT.index("browInnerUp")], names[ARKIT.index("tongueOut")] = "browInnerUp_L", "browInnerUp_R"
    model = tmp_path / "spelt.glb"
    model.write_bytes(models[None].read_bytes())
    change_json(
        model, lambda d: [m["extras"].update(targetNames=names) for m in d["meshes"] if m.get("extras")]
    )
    (weights, *_) = [
        c["weights"] for c in curves(animated(tmp_path, wave(), model, "out.glb")).values() if "weights" in c
    ]
    assert np.array_equal(weights[:, 0], wave().values[:, 0])
    for name in ("browInnerUp", "tongueOut"):
        assert np.array_equal(weights[:, ARKIT.index(name)], wave().channel("browInnerUp"))


def test_what_cannot_be_written_is_said(models, tmp_path):
    for rig in (None, RIG, "aria"):
        with pytest.raises(UsageError, match="copy of a model"):
            save(wave(2), tmp_path / "a.vrm", rig=rig)
    with pytest.raises(UsageError, match="shares no control with v1.vrm"):
        save(Animation(30, ("mouth_open",), [[1]]), tmp_path / "a.vrm", rig=models[1])
    assert not list(tmp_path.iterdir())
