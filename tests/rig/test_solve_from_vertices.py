"""Controls solved from vertices, maps learnt from meshes, and the files of vertices."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, RigError
from facegen.core.mesh import Mesh
from facegen.rig import ARKIT, Control, Rig, evaluate, load_rig
from facegen.rig.learn_map import learn_map, similarity
from facegen.rig.least_squares import BoundedProblem, solve_active_set, solve_coordinate_descent
from facegen.rig.solve_from_vertices import fit_mesh, read_vertices
from tests.helpers.ict_rig import ict_rig
from tests.helpers.tiny_rig import tiny_rig


def curves(rig, frames=40, seed=0):
    """Smooth random curves: a third of the controls move."""
    rng = np.random.default_rng(seed)
    phase, rate = rng.uniform(0, 6, (2, len(rig.controls)))
    wave = 0.5 - 0.5 * np.cos(phase + np.arange(frames)[:, None] / frames * rate)
    moving = rng.random(len(rig.controls)) < 0.33
    return Animation(30, rig.control_names, wave * moving * 0.7)


def sequence(rig, animation):
    return np.stack(list(evaluate(rig, animation)))


def test_the_solver_finds_the_bounded_optimum():
    rng = np.random.default_rng(0)
    a, goals = rng.normal(size=(30, 6)), rng.normal(size=(9, 30))
    low, high = np.full(6, -0.1), np.full(6, 0.2)
    found = solve_coordinate_descent(BoundedProblem(a.T @ a, low, high), goals @ a)
    for row, goal in zip(found, goals, strict=True):
        assert np.allclose(row, lsq_linear(a, goal, (low, high), tol=1e-12).x, atol=2e-3)


def test_chosen_controls_are_solved_alone_and_dropped_below_their_limit():
    rng = np.random.default_rng(2)
    a, goals = rng.normal(size=(30, 5)), rng.normal(size=(40, 30))
    chosen = rng.random((40, 5)) < 0.6
    problem = BoundedProblem(a.T @ a, np.zeros(5), np.full(5, 9.0))
    found = solve_active_set(problem, goals @ a, chosen)
    assert (found[~chosen] == 0).all() and found.min() >= 0
    for row, goal in zip(found, goals, strict=True):
        on = row > 0
        if on.any():
            assert np.allclose(row[on], np.linalg.lstsq(a[:, on], goal, rcond=None)[0], atol=1e-4)


def test_smoothness_joins_frames_and_a_price_stills_controls():
    goals = np.array([[0.0], [1.0], [0.0], [0.04]])
    one = np.eye(1)
    smooth = solve_coordinate_descent(BoundedProblem(one, np.zeros(1), np.ones(1), smooth=1.0), goals)
    exact = np.linalg.solve(
        np.eye(4) + np.array([[1, -1, 0, 0], [-1, 2, -1, 0], [0, -1, 2, -1], [0, 0, -1, 1]]), goals
    )
    assert np.allclose(smooth, exact, atol=2e-3)
    assert solve_coordinate_descent(BoundedProblem(one, np.zeros(1), np.ones(1), sparse=0.05), goals)[
        :, 0
    ].tolist() == pytest.approx([0, 0.95, 0, 0], abs=1e-3)


def arkit_alone(given: Animation) -> Animation:
    return replace(given, values=given.values * np.isin(given.controls, ARKIT))


def test_a_rendered_animation_is_solved_back():
    aria = load_rig("aria")
    given = arkit_alone(curves(aria))
    fit = fit_mesh(aria, sequence(aria, given))
    assert fit.residual.mean() < 0.2 and fit.worst >= fit.residual.max()
    assert np.abs(fit.animation.values - given.values).mean() < 0.01
    assert (
        fit.animation.values.min() >= -0.01 and fit.animation.values.max() <= 1 and fit.animation.head is None
    )


def test_controls_beyond_arkit_are_found_where_arkits_do_not_do():
    aria = load_rig("aria")
    tongue = ("jawOpen", "tongueUp", "tongueRoll", "tongueLeft")
    given = Animation(30, tongue, np.linspace(0, [0.3, 0.8, 0.5, 0.7], 20)).select(aria.control_names)
    fit = fit_mesh(aria, sequence(aria, given))
    assert np.abs(fit.animation.values - given.values).max() < 0.09


def test_the_pose_of_the_head_is_found():
    aria = load_rig("aria")
    given = arkit_alone(curves(aria, 40))
    pose = np.linspace(-0.2, 0.3, 40)[:, None] * np.array([1, -0.6, 0.4, 1, 0.5, -0.7])
    given = replace(given, head=pose)
    fit = fit_mesh(aria, sequence(aria, given))
    assert np.abs(fit.animation.head - pose).max() < 5e-3 and fit.residual.mean() < 0.2
    assert np.abs(fit.animation.values - given.values).mean() < 0.01


def test_another_face_with_the_same_mesh_is_read_from_its_rest():
    aria = load_rig("aria")
    given = arkit_alone(curves(aria))
    given = replace(given, values=given.values * (np.arange(40) > 4)[:, None])
    other = sequence(aria, given) + np.float32(0.3) * np.sin(aria.mesh.vertices)
    fit = fit_mesh(aria, other, neutral=0)
    assert np.abs(fit.animation.values - given.values).mean() < 0.015 and fit.residual.mean() < 0.3
    assert fit_mesh(aria, other).residual.mean() > 0.5
    with pytest.raises(AnimationFileError, match="has no frame 40"):
        fit_mesh(aria, other, neutral=40)


def test_vertices_in_another_unit_are_refused():
    aria = load_rig("aria")
    with pytest.raises(AnimationFileError, match="0.01 times as large"):
        fit_mesh(aria, aria.mesh.vertices[None] / 100)


def test_noise_is_not_taken_for_motion():
    aria = load_rig("aria")
    rest = np.repeat(aria.mesh.vertices[None], 20, axis=0)
    noise = np.random.default_rng(0).normal(0, 0.02, rest.shape)
    fit = fit_mesh(aria, (rest + noise).astype(np.float32))
    assert fit.animation.values.mean() < 0.01 and 0.2 < fit.residual.mean() < 0.5


def test_another_mesh_is_refused():
    with pytest.raises(AnimationFileError, match="has 7 vertices a frame; the rig aria has"):
        fit_mesh(load_rig("aria"), np.zeros((2, 7, 3), np.float32))
    with pytest.raises(RigError, match="no mesh"):
        fit_mesh(load_rig("arkit"), np.zeros((2, 7, 3), np.float32))


@pytest.mark.parametrize("order", ["C", "F"])
def test_files_of_vertices_are_read(tmp_path, order):
    vertices = np.random.default_rng(0).normal(size=(4, 5, 3))
    np.save(tmp_path / "a.npy", np.asarray(vertices, order=order))
    np.save(tmp_path / "b.npy", vertices.reshape(4, 15).astype(np.float32))
    assert np.allclose(read_vertices(tmp_path / "a.npy"), vertices, atol=1e-6)
    assert np.allclose(read_vertices(tmp_path / "b.npy"), vertices, atol=1e-6)


def broken_arrays():
    nan = np.zeros((2, 3, 3))
    nan[1, 0, 0] = np.nan
    return {
        "finite in frame 1": nan,
        "no sequence": np.zeros((2, 4)),
        "holds object": np.array([{"a": 1}, None], object),
        "holds <U1": np.array(["a", "b"]),
        "no sequence of": np.zeros((0, 4, 3)),
    }


@pytest.mark.parametrize("says", broken_arrays())
def test_arrays_of_anything_else_are_refused(tmp_path, says):
    path = tmp_path / "a.npy"
    np.save(path, broken_arrays()[says], allow_pickle=True)
    with pytest.raises(AnimationFileError, match=says):
        read_vertices(path)


def test_files_that_lie_about_their_size_are_refused(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((2, 3, 3)))
    whole = path.read_bytes()
    for content, says in (
        (whole[:-8], "not as long"),
        (b"text", "no NumPy"),
        (whole[:20], "no NumPy"),
        (b"", "no NumPy"),
    ):
        path.write_bytes(content)
        with pytest.raises(AnimationFileError, match=says):
            read_vertices(path)
    path.write_bytes(whole.replace(b"(2, 3, 3)", b"(2, 3,10**9)"[:9].ljust(9)))
    with pytest.raises(AnimationFileError):
        read_vertices(path)


def test_a_head_learns_itself():
    aria = load_rig("aria")
    rig_map, rows = learn_map(aria, aria)
    best = rig_map.weights.argmax(axis=1)
    known = [aria.control_names.index(row.control) for row in rows]
    assert (best[known] == known).all() and np.allclose(np.diag(rig_map.weights)[known], 1, atol=0.05)
    assert sum(r.residual for r in rows) < 0.05 * sum(r.moved for r in rows)


def test_renamed_and_mixed_controls_are_found():
    rig = tiny_rig()
    names = [f"shape{i}" for i in range(52)]
    other = replace(rig, name="other", controls=tuple(Control(n) for n in names[::-1]), mesh=rig.mesh)
    rig_map, rows = learn_map(rig, other)
    found = {
        s: rig_map.target[i] for s, i in zip(rig_map.source, rig_map.weights.argmax(axis=1), strict=True)
    }
    expected = dict(zip(rig.control_names, names[::-1], strict=True))
    assert [r.control for r in rows] == [n for n in rig.control_names if n != "tongueOut"]
    assert all(found[row.control] == expected[row.control] for row in rows)


def test_two_different_heads_meet_by_their_landmarks(data_folder):
    aria, ict = load_rig("aria"), ict_rig(data_folder)
    rig_map, rows = learn_map(aria, ict)
    rows = [row for row in rows if row.control in ARKIT]
    best = {s: rig_map.target[i] for s, i in zip(rig_map.source, rig_map.weights.argmax(axis=1), strict=True)}
    right = sum(
        best[r.control].replace("_L", "Left").replace("_R", "Right").startswith(r.control) for r in rows
    )
    assert len(rows) == 51 and right == 51
    assert sum(r.residual for r in rows) < 0.15 * sum(r.moved for r in rows)


def test_heads_without_common_landmarks_are_refused():
    with pytest.raises(RigError, match="share 0 landmarks"):
        learn_map(load_rig("aria"), tiny_rig())
    flat = Rig("flat", (Control("a"),))
    with pytest.raises(RigError, match="no mesh"):
        learn_map(flat, flat)


def test_a_similarity_is_found_back():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(8, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turn *= np.sign(np.linalg.det(turn))
    scale, found, shift = similarity(points, 1.7 * points @ turn.T + (1, 2, 3))
    assert scale == pytest.approx(1.7) and np.allclose(found, turn) and np.allclose(shift, (1, 2, 3))
    assert isinstance(load_rig("aria").mesh, Mesh)
