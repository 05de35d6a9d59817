"""Laws of the heads that are aria with another rest shape and other colours."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from scipy.spatial import cKDTree

from facegen.core.animation import Animation
from facegen.core.errors import RigError
from facegen.rig import Rig, evaluate, load_rig

ARIA = load_rig("aria")
FLIP = np.array([-1.0, 1.0, 1.0])


def pose(rig: Rig, **weights: float) -> np.ndarray:
    values = np.array([list(weights.values())], np.float32)
    return next(iter(evaluate(rig, Animation(30, tuple(weights), values))))


@pytest.fixture(params=["bruno", "edith"])
def person(request) -> Rig:
    return load_rig(request.param)


def test_shares_shapes_and_differs_at_rest(person: Rig):
    assert person.control_names == ARIA.control_names
    assert person.delta_value is ARIA.delta_value and person.mesh.faces is ARIA.mesh.faces
    far = np.linalg.norm(person.mesh.vertices - ARIA.mesh.vertices, axis=1)
    assert 0.2 < far.max() < 1.6
    assert np.abs(person.mesh.colors.astype(float) - ARIA.mesh.colors).mean() > 5


def test_is_symmetric(person: Rig):
    assert cKDTree(person.mesh.vertices).query(person.mesh.vertices * FLIP)[0].max() < 1e-4


def test_no_triangle_turns_over(person: Rig):
    def normals(v: np.ndarray) -> np.ndarray:
        a, b, c = (v[person.mesh.faces[:, k]].astype(float) for k in range(3))
        n = np.cross(b - a, c - a)
        return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-15)

    assert (normals(person.mesh.vertices) * normals(ARIA.mesh.vertices)).sum(axis=1).min() > 0


@pytest.mark.parametrize("weights", [{}, {"jawOpen": 0.3, "mouthClose": 0.3}])
def test_lips_meet(person: Rig, weights: dict[str, float]):
    posed = pose(person, **(weights or {"jawOpen": 0.0}))
    gap = posed[person.landmarks["lipUpperInner"], 1] - posed[person.landmarks["lipLowerInner"], 1]
    assert -0.1 < gap <= 0.02


def test_lids_meet_over_round_eyes(person: Rig):
    posed = pose(person, eyeBlinkLeft=1.0)
    lids = posed[[person.landmarks["lidUpperLeft"], person.landmarks["lidLowerLeft"]]]
    assert np.linalg.norm(lids[0] - lids[1]) < 0.04
    part = next(p for p in person.parts if p.name == "eyeLeft")
    away = np.linalg.norm(person.mesh.vertices[slice(*part.vertices)] - person.pivots["eyeLeft"], axis=1)
    old = np.linalg.norm(ARIA.mesh.vertices[slice(*part.vertices)] - ARIA.pivots["eyeLeft"], axis=1)
    assert np.abs(away - old).max() < 2e-3
    skin = posed[slice(*person.parts[0].vertices)] - person.pivots["eyeLeft"]
    front = skin[(np.hypot(skin[:, 0], skin[:, 1]) < 0.9) & (skin[:, 2] > 0)]
    assert np.linalg.norm(front, axis=1).min() > away.min()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"base": "nobody"}, "nobody"),
        ({"base": "arkit"}, "arkit"),
        ({"base": ["aria"]}, "rig"),
        ({}, "shape"),
    ],
)
def test_bad_bases_are_named(tmp_path: Path, change: dict, word: str):
    told = {"format": 1, "name": "mine", "base": "aria", "mesh": "mesh.safetensors", **change}
    (tmp_path / "rig.json").write_text(json.dumps(told))
    (tmp_path / "mesh.safetensors").write_bytes(save({"vertices": np.zeros((4, 3), np.float32)}))
    with pytest.raises(RigError, match=word):
        load_rig(tmp_path)
