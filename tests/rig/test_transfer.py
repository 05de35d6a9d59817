"""Shapes by deformation transfer: onto a bent copy of aria, where the answer is known, and onto ICT-FaceKit's face."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import ConfigError
from facegen.rig import Rig, evaluate, load_rig
from facegen.rig.save import rig_files
from facegen.rig.transfer import transfer_shapes
from facegen.rig.transfer.landmarks import read_landmarks
from facegen.rig.transfer.registration import LandmarkWarp, similarity
from facegen.rig.transfer.surface import (
    NearestPoints,
    connected_components,
    gradient,
    on_triangle,
    weld_vertices,
)

DATA = Path(os.environ.get("FACEGEN_DATA", Path(__file__).parents[3] / "shared" / "data"))
ICT = DATA / "ict-facekit"


def bent(points):
    """A smooth change of a head: wider, a longer jaw, a deeper nose."""
    x, y, z = points.T
    return np.column_stack([1.08 * x, y * (1 + 0.012 * np.clip(-y, 0, 12) / 12), z * 0.95 + 0.02 * y])


def bare(rig: Rig, vertices) -> Rig:
    """``rig`` of other ``vertices``, without shapes."""
    return replace(
        rig,
        controls=(),
        combinations=(),
        mesh=replace(rig.mesh, vertices=vertices),
        delta_offsets=np.zeros(1, int),
        delta_index=np.zeros(0, np.int32),
        delta_value=np.zeros((0, 3), np.float32),
    )


def field(rig, name, count):
    dense = np.zeros((count, 3))
    index, value = rig.delta(name)
    dense[index] = value
    return dense


def compare(found, expected, name, rows):
    """Mean error, mm, where either moves, and the correlation of the two displacement fields."""
    a, b = (f[rows] for f in (found, expected))
    moving = np.maximum(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1)) > 0.02
    error = 10 * np.linalg.norm(a - b, axis=1)[moving].mean()
    return error, float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


@pytest.mark.slow
def test_a_bent_copy_of_aria_gets_the_bent_shapes(tmp_path):
    aria = load_rig("aria")
    vertices = bent(aria.mesh.vertices)
    marks = {name: vertices[at].tolist() for name, at in aria.landmarks.items()}
    (tmp_path / "marks.json").write_text(json.dumps(marks))
    found, notes = transfer_shapes(bare(aria, vertices), tmp_path / "marks.json")
    assert found.control_names == aria.control_names and any("fit mouth" in n for n in notes)
    skin = slice(*aria.parts[0].vertices)
    scores = []
    for name in aria.control_names:
        index, value = aria.delta(name)
        truth = np.zeros_like(vertices)
        truth[index] = bent(aria.mesh.vertices[index] + value) - vertices[index]
        if not truth[skin].any():  # a control of the tongue or the eyes
            continue
        scores.append(compare(field(found, name, len(vertices)), truth, name, skin))
    error, match = np.median(scores, axis=0)
    assert error < 0.6 and match > 0.97, (error, match)
    assert min(c for _, c in scores) > 0.8


@pytest.mark.slow
@pytest.mark.skipif(not ICT.is_dir(), reason=f"no ICT-FaceKit in {ICT}")
def test_aria_onto_ict_is_near_icts_own_shapes():
    ict = load_rig(ICT)
    marks = {n: ict.mesh.vertices[at] for n, at in ict.landmarks.items()}
    folder = Path(os.environ.get("PYTEST_TMP", "/tmp"))
    path = folder / f"ict-marks-{os.getpid()}.json"
    path.write_text(json.dumps({n: p.tolist() for n, p in marks.items()}))
    try:
        found, _ = transfer_shapes(ict, path)
    finally:
        path.unlink()
    count, face = len(ict.mesh.vertices), slice(0, 9409)
    scores = [
        compare(field(found, n, count), field(ict, n, count), n, face)
        for n in found.control_names
        if n in ict.control_names
    ]
    error, match = np.median(scores, axis=0)
    assert error < 0.6 and match > 0.95, (error, match)


def test_similarity_is_found():
    rng = np.random.default_rng(0)
    points, (q, _) = rng.normal(size=(20, 3)), np.linalg.qr(rng.normal(size=(3, 3)))
    q *= np.sign(np.linalg.det(q))
    scale, rotation, shift = similarity(points, 2.5 * points @ q.T + [1, 2, 3])
    assert scale == pytest.approx(2.5) and np.allclose(rotation, q) and np.allclose(shift, [1, 2, 3])


def test_a_warp_takes_landmarks_to_their_places():
    points = np.random.default_rng(1).normal(size=(30, 3)) * 5
    assert np.abs(LandmarkWarp(points, bent(points), smoothing=0.0)(points) - bent(points)).max() < 1e-6


def test_the_gradient_of_a_linear_field_lies_in_the_plane():
    vertices = np.random.default_rng(2).normal(size=(30, 3))
    faces = np.arange(30).reshape(-1, 3)
    operator, area = gradient(vertices, faces)
    slope = np.array([1.0, -2.0, 0.5])
    found = (operator @ (vertices @ slope)).reshape(-1, 3)
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    for edge in (b - a, c - a):
        assert np.allclose((found * edge).sum(1), edge @ slope)
    assert np.allclose(area, np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def test_nearest_places_on_triangles():
    corners = np.array([[[0, 0, 0], [2, 0, 0], [0, 2, 0]]], float)
    for point, shares in (
        ([0.5, 0.5, 3], [0.5, 0.25, 0.25]),
        ([3, -1, 0], [0, 1, 0]),
        ([2, 2, 1], [0, 0.5, 0.5]),
        ([1, -1, 0], [0.5, 0.5, 0]),
    ):
        assert np.allclose(on_triangle(np.array([point], float), corners), [shares])


def test_nearest_faces_look_the_same_way():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0.1], [1, 0, 0.1], [0, 1, 0.1]], float)
    faces = np.array([[0, 2, 1], [3, 4, 5]])  # the lower looks down, the upper up
    face, _, _, far = NearestPoints(vertices, faces).find(
        np.array([[0.2, 0.2, 0.04], [0.2, 0.2, 0.04]]), np.array([[0, 0, 1.0], [0, 0, -1.0]])
    )
    assert face.tolist() == [1, 0] and np.allclose(far, [0.06, 0.04])


def test_seams_are_welded_and_pieces_told_apart():
    vertices = np.array(
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0], [9, 0, 0], [9, 1, 0], [9, 0, 1]]
    )
    faces = np.array([[0, 1, 2], [3, 5, 4], [6, 7, 8]])
    piece = connected_components(faces, weld_vertices(vertices.astype(float)))
    assert len(set(piece[:6])) == 1 and piece[6] != piece[0] and len(set(piece[6:])) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "holds no landmarks"),
        ('{"noseTip": 1.5}', "no vertex"),
        ('{"noseTip": -1}', "no vertex"),
        ('{"noseTipp": 1}', "no landmark is called 'noseTipp'"),
        ("noseTip,1\nchin,2\n", "gives 2 landmarks"),
        ("noseTip,a,b,c\n", "holds no landmarks"),
    ],
)
def test_landmark_files_that_are_wrong(tmp_path, text, says):
    aria = load_rig("aria")
    (tmp_path / "marks").write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        read_landmarks(tmp_path / "marks", aria, list(aria.landmarks))
    assert caught.value.exit_code == 3


def test_landmarks_by_vertex_and_by_place(tmp_path):
    aria = load_rig("aria")
    lines = [f"{name},{at}" for name, at in aria.landmarks.items()]
    lines[0] = "lipUpperInner,1,2,3"
    (tmp_path / "marks.csv").write_text("\n".join(["# of aria", *lines]))
    found = read_landmarks(tmp_path / "marks.csv", aria, list(aria.landmarks))
    assert found["lipUpperInner"].tolist() == [1, 2, 3]
    assert np.array_equal(found["chin"], aria.mesh.vertices[aria.landmarks["chin"]])


def test_a_mesh_without_shapes_is_named_the_way_out(tmp_path, capsys):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 20 0 0\nv 20 20 0\nf 1 2 3\n")
    assert run(["rig", "import", str(tmp_path / "a.obj"), "-o", str(tmp_path / "out")]) == 3
    assert "--transfer" in capsys.readouterr().err
    (tmp_path / "marks.json").write_text('{"chin": 0}')
    line = ["rig", "import", str(tmp_path / "a.obj"), "-o", str(tmp_path / "out"), "--transfer"]
    assert run([*line, "--landmarks", str(tmp_path / "marks.json")]) == 3
    assert not (tmp_path / "out").exists() and "marks.json" in capsys.readouterr().err


def test_a_head_without_controls_stays_at_rest():
    aria = load_rig("aria")
    still = Animation(30, ("jawOpen",), np.ones((2, 1), np.float32))
    frames = list(evaluate(bare(aria, aria.mesh.vertices), still))
    assert len(frames) == 2 and np.array_equal(frames[1], aria.mesh.vertices)


def test_rig_files_of_a_bare_head_read_back(tmp_path):
    aria = load_rig("aria")
    assert set(rig_files(bare(aria, aria.mesh.vertices))) == {"rig.json", "mesh.safetensors", "head.jpg"}
