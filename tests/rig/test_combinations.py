"""Shapes that correct the sum of others: written, driven by the product of theirs, and read again as such."""

from dataclasses import replace

import numpy as np
import pygltflib
import pytest

from facegen.core.animation import Animation
from facegen.formats import load_animation, save
from facegen.formats.gltf.animation_reader import MorphDocument
from facegen.rig import evaluate, load_rig
from facegen.rig.control_names import combined, without_combined
from tests.helpers.avatars import write_avatar
from tests.helpers.gltf_vertices import shown as shown_gltf
from tests.helpers.tiny_rig import tiny_rig

OF = ("jawOpen", "mouthClose")


def corrected():
    """The tiny head with a shape that lifts some of its skin where jawOpen and mouthClose meet."""
    rig = tiny_rig()
    index = np.arange(20, 60, dtype=np.int32)
    return replace(
        rig,
        combinations=(OF,),
        delta_offsets=np.append(rig.delta_offsets, len(rig.delta_index) + len(index)),
        delta_index=np.concatenate([rig.delta_index, index]),
        delta_value=np.vstack([rig.delta_value, np.tile(np.float32([0, 0.5, 0.2]), (len(index), 1))]),
    )


RIG = corrected()
MOVING = Animation(30, OF, np.random.default_rng(1).random((5, 2)))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("jawOpen_mouthClose", OF),
        ("brow_L_jaw_open", ("brow_L", "jaw_open")),
        ("brow_L_jaw_open_x", ("brow_L", "jaw_open", "x")),
        ("brow_L", ()),
        ("jawOpen_", ()),
        ("jawOpen_other", ()),
        ("jawOpen", ()),
    ],
)
def test_names_of_two_shapes_and_more(name, parts):
    names = ("jawOpen", "mouthClose", "brow_L", "jaw_open", "x")
    assert combined(name, names) == parts
    assert without_combined([*names, name]) == list(range(5 if parts else 6))


def test_a_glb_shows_what_the_rig_computes(tmp_path):
    save(MOVING, tmp_path / "a.glb", rig=RIG)
    document = MorphDocument(tmp_path / "a.glb")
    assert document.target_names(0)[-1] == "jawOpen_mouthClose"
    for frame, expected in enumerate(evaluate(RIG, MOVING)):
        parts = shown_gltf(document, frame)
        used = np.unique(RIG.mesh.faces[slice(*RIG.parts[0].faces)])
        assert np.abs(parts["face"] - expected[used] * 0.01).max() < 3e-5
    again = load_animation(tmp_path / "a.glb")
    assert again.controls == RIG.control_names, "what corrects is no control"


def test_a_model_with_such_shapes_comes_back_as_that_rig(tmp_path):
    save(MOVING, tmp_path / "a.glb", rig=RIG)
    found = load_rig(tmp_path / "a.glb")
    assert found.combinations == (OF,) and found.control_names == RIG.control_names
    ours = np.stack(list(evaluate(RIG, MOVING)))
    assert np.abs(np.stack(list(evaluate(found, MOVING))) - ours).max() < 3e-3


def test_they_are_driven_in_a_copy_of_a_users_model(tmp_path):
    plain = tiny_rig()
    both = {**dict(zip(plain.control_names, plain.dense_deltas(), strict=True))}
    both["jawOpen_mouthClose"] = np.zeros_like(plain.mesh.vertices)
    both["jawOpen_mouthClose"][20:60] = (0, 0.5, 0.2)
    path = write_avatar(tmp_path / "model.glb", plain, shapes=both)
    save(MOVING, tmp_path / "out.glb", rig=str(path))
    document = pygltflib.GLTF2().load(str(tmp_path / "out.glb"))
    names = document.meshes[0].extras["targetNames"]
    animation = document.animations[0]
    channel = next(c for c in animation.channels if c.target.path == "weights")
    accessor = document.accessors[animation.samplers[channel.sampler].output]
    view = document.bufferViews[accessor.bufferView]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    values = np.frombuffer(document.binary_blob(), np.float32, accessor.count, start).reshape(5, -1)
    assert np.allclose(values[:, names.index("jawOpen_mouthClose")], MOVING.values.prod(axis=1), atol=1e-6)


def test_usd_has_them_too(tmp_path):
    pytest.importorskip("pxr", reason='no usd-core: pip install "facegen[usd]"')
    from tests.helpers.usd_points import shown, stage_of

    stage = stage_of(tmp_path, MOVING, rig=RIG)
    for frame, expected in enumerate(evaluate(RIG, MOVING)):
        used = np.unique(RIG.mesh.faces[slice(*RIG.parts[0].faces)])
        assert np.abs(shown(stage, frame)["face"] - expected[used]).max() < 3e-3
    assert load_animation(tmp_path / "a.usda").controls == RIG.control_names
    found = load_rig(tmp_path / "a.usda")
    assert found.combinations == (OF,)
