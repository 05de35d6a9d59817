"""Tracking: known faces are recovered, people are followed, and what can't be tracked is refused in one line."""

from __future__ import annotations

import sys
import types
from fractions import Fraction

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import MissingSystemError, ModelError, RigError, UsageError, VideoError
from facegen.evaluation.metrics.lips import lip_head
from facegen.formats import load_animation
from facegen.rig import ARKIT, head_matrices
from facegen.rig.least_squares import solve_admm
from facegen.tracking import FaceSelector, resample_to_fps, solve_landmarks
from facegen.tracking.face_selection import follow
from facegen.tracking.head_pose import align, angles
from facegen.tracking.landmarks_to_curves import bridged, rested
from facegen.tracking.mediapipe_landmarks import POINTS, face_finder
from facegen.tracking.rig_landmarks import load_rig_landmarks
from facegen.tracking.video_frames import Video
from tests.helpers.face_points import project

FPS, FRAMES = 25, 150


def bump(start: float, length: float = 0.8, height: float = 0.7) -> np.ndarray:
    phase = np.clip((np.arange(FRAMES) / FPS - start) / length, 0, 1)
    return height * np.sin(np.pi * phase) ** 2


@pytest.fixture(scope="module")
def face():
    return load_rig_landmarks()


@pytest.fixture(scope="module")
def known() -> Animation:
    curves = {
        "jawOpen": bump(0.4, height=0.5),
        "mouthSmileLeft": bump(1.3),
        "mouthSmileRight": bump(1.3),
        "browInnerUp": bump(2.2),
        "mouthPucker": bump(3.1),
        "browDownLeft": bump(4.0),
        "browDownRight": bump(4.0),
        "eyeBlinkLeft": bump(1.0, 0.4, 1.0) + bump(4.4, 0.4, 1.0),
        "eyeBlinkRight": bump(1.0, 0.4, 1.0) + bump(4.4, 0.4, 1.0),
        "eyeLookOutLeft": bump(2.0, height=0.5),
        "eyeLookInRight": bump(2.0, height=0.5),
        "mouthLeft": bump(5.0, height=0.5),
    }
    values = np.stack([curves.get(name, np.zeros(FRAMES)) for name in ARKIT], axis=1)
    time = np.arange(FRAMES) / FPS
    head = np.zeros((FRAMES, 6))
    head[:, 0], head[:, 1], head[:, 2] = 0.25 * np.sin(time), 0.1 * np.sin(2 * time), 0.1 * np.cos(1.5 * time)
    head[:, 3] = np.sin(0.7 * time)
    return Animation(FPS, ARKIT, values, head)


@pytest.fixture(scope="module")
def landmarks(known):
    return project(load_rig_landmarks(least=0.0), known, noise=0.2)


@pytest.fixture(scope="module")
def solved(landmarks, face):
    return solve_landmarks(landmarks, FPS, face)


def agree(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one, other)[0, 1])


@pytest.mark.parametrize(
    "name, least",
    [("jawOpen", 0.85), ("mouthSmileLeft", 0.9), ("mouthSmileRight", 0.9), ("browInnerUp", 0.9),
     ("mouthPucker", 0.8), ("browDownLeft", 0.9), ("browDownRight", 0.9), ("eyeBlinkLeft", 0.9),
     ("eyeBlinkRight", 0.9), ("eyeLookOutLeft", 0.9), ("eyeLookInRight", 0.9), ("mouthLeft", 0.7)],
)  # fmt: skip
def test_known_controls_come_back(known, solved, name, least):
    assert agree(known.channel(name), solved.channel(name)) > least


def test_controls_at_rest_stay_low(known, solved):
    still = np.flatnonzero(known.values.max(axis=0) == 0)
    assert solved.values[:, still].mean() < 0.03


def test_head_pose_comes_back_with_its_signs(known, solved):
    assert np.abs(known.head[:, :3] - solved.head[:, :3]).max() < np.radians(3)
    moved = solved.head[:, 3] - known.head[:, 3]
    assert np.abs(moved - np.median(moved)).max() < 0.3


def test_lips_part_as_far_as_the_landmarks_do(known, solved, face):
    head = lip_head(face.rig)
    (true_gap, true_width), (gap, width) = (head.aperture_and_width(a) for a in (known, solved))
    assert agree(true_gap, gap) > 0.98 and agree(true_width, width) > 0.95
    assert np.abs(true_gap - gap).max() < 0.02
    assert abs(float(gap[true_gap < 1e-3].mean())) < 0.01


def test_blinks_reach_one_and_resting_eyes_are_open(known, solved):
    lids = solved.channel("eyeBlinkLeft")
    assert lids[round(1.2 * FPS)] > 0.7 and lids[round(4.6 * FPS)] > 0.7
    assert lids[known.channel("eyeBlinkLeft") == 0].max() < 0.1


def test_values_are_valid_and_the_same_again(landmarks, solved, face):
    assert solved.controls == ARKIT and solved.values.min() >= 0 and solved.values.max() <= 1
    assert solved == solve_landmarks(landmarks, FPS, face)
    assert 0 < solved.meta["tracking"]["reprojection"][0] < 0.01


def test_size_and_place_in_the_picture_do_not_matter(known, solved):
    far = project(load_rig_landmarks(least=0.0), known, pixels_a_cm=6.0, noise=0.1) + np.float32((100, 50, 0))
    again = solve_landmarks(far, FPS)
    assert np.abs(again.values - solved.values).max() < 0.15
    assert np.abs(again.head[:, :3] - solved.head[:, :3]).max() < 0.02


def test_lost_frames_are_flagged_and_bridged(landmarks, solved, face):
    holed = landmarks.copy()
    holed[10:13] = np.nan
    holed[70:100] = np.nan
    found = solve_landmarks(holed, FPS, face)
    assert found.meta["tracking"]["lost"] == [[0.4, 0.52], [2.8, 4.0]]
    assert np.isfinite(found.values).all() and len(found) == FRAMES
    assert found.values[80:90].max() == 0  # too long to guess: at rest
    assert np.abs(np.diff(found.head[60:110], axis=0)).max() < 0.5


def test_a_covered_face_is_flagged(landmarks, face):
    spoilt = landmarks.copy()
    spoilt[50:53, face.landmarks[::2], 1] += 25
    found = solve_landmarks(spoilt, FPS, face)
    assert found.meta["tracking"]["doubtful"] == [[2.0, 2.12]]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_still_picture_is_a_face_at_rest(landmarks, count):
    found = solve_landmarks(landmarks[:1].repeat(count, axis=0), FPS)
    assert len(found) == count and found.values.max() < 0.2


def test_landmarks_of_another_shape_or_none_are_refused():
    with pytest.raises(UsageError):
        solve_landmarks(np.zeros((5, 68, 3)))
    with pytest.raises(VideoError):
        solve_landmarks(np.full((5, POINTS, 3), np.nan))


def test_align_recovers_a_similarity():
    rng = np.random.default_rng(1)
    shape, pose = rng.normal(size=(20, 3)), np.array([[0.3, -0.2, 0.1, 0, 0, 0]])
    turned = head_matrices(pose)
    rotation, scale, shift = align(
        3 * shape @ turned[0].T + (1, 2, 3) + np.zeros((1, 1, 3)), shape, np.ones(20)
    )
    assert (
        np.allclose(angles(rotation), pose[:, :3]) and np.allclose(scale, 3) and np.allclose(shift, (1, 2, 3))
    )


def test_admm_meets_the_conditions_of_the_best():
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(8, 30))
    gram, goal, smooth = rows @ rows.T, rng.normal(size=(60, 8)) * 20, 5.0
    x = solve_admm(gram, goal, smooth, np.zeros(8), np.ones(8))
    slope = x @ gram - goal
    slope[1:] += smooth * np.diff(x, axis=0)
    slope[:-1] -= smooth * np.diff(x, axis=0)
    size = np.abs(goal).max()
    inside = (x > 1e-6) & (x < 1 - 1e-6)
    assert inside.any() and (x == 0).any() and (x == 1).any()
    assert np.abs(slope[inside]).max() < 0.02 * size
    assert slope[x <= 1e-6].min() > -0.02 * size and slope[x >= 1 - 1e-6].max() < 0.02 * size


def test_bridging_and_resting():
    rows, good = np.arange(6.0)[:, None] ** 2, np.array([False, True, False, False, True, False])
    assert bridged(rows, good)[:, 0].tolist() == [1, 1, 6, 11, 16, 16]
    values = rested(np.ones((50, 1)), np.r_[np.ones(10), np.zeros(30), np.ones(10)].astype(bool), 25)
    assert values[20:30].max() == 0 and values[:10].min() == 1 and np.abs(np.diff(values[:, 0])).max() <= 0.21


def test_uneven_times_are_put_on_a_beat():
    times = np.array([0.0, 0.05, 0.08, 0.16])
    rows = times[:, None].astype(np.float32)
    assert resample_to_fps(rows, times, Fraction(25), 5)[:, 0] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16])
    rows[1] = np.nan
    assert np.isnan(resample_to_fps(rows, times, Fraction(25), 5)[:, 0]).tolist() == [
        False,
        True,
        False,
        False,
        False,
    ]


def movie(path, colors, fps=25, size=(64, 48)):
    import av

    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number, color in enumerate(colors):
            frame = av.VideoFrame.from_ndarray(np.full((size[1], size[0], 3), color, np.uint8), "rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


class Staged:
    """A finder that sees the faces of a script."""

    def __init__(self, *pictures: list[tuple[float, float, float]]) -> None:
        self.pictures = iter(pictures)

    def find(self, pixels, milliseconds):
        return [self.face(*face) for face in next(self.pictures)]

    @staticmethod
    def face(x: float, y: float, size: float) -> np.ndarray:
        spread = np.random.default_rng(0).uniform(-0.5, 0.5, (POINTS, 3))
        return ((x, y, 0) + size * spread).astype(np.float32)


def middles(rows: np.ndarray) -> list[float | None]:
    return [None if np.isnan(row).any() else round(float(row[:, 0].mean()) / 10) * 10 for row in rows]


def followed(video, scene, choice) -> np.ndarray:
    return np.stack([row for _, row in follow(video, Staged(*scene), choice)])


def test_one_person_is_followed_past_others(tmp_path):
    video = Video(movie(tmp_path / "a.mp4", [0] * 4))
    scene = [
        [(10, 20, 8), (40, 20, 20)],
        [(41, 20, 19), (11, 20, 9)],
        [(10, 20, 25)],
        [(42, 20, 20), (10, 20, 30)],
    ]
    assert middles(followed(video, scene, FaceSelector())) == [40, 40, None, 40]
    assert middles(followed(video, scene, FaceSelector(point=(12, 20))))[:2] == [10, 10]


def test_rate_and_length_of_a_video(tmp_path):
    video = Video(movie(tmp_path / "a.mp4", [0] * 7, Fraction(30000, 1001)))
    assert len(list(video.pictures())) == 7
    assert video.timing() == (Fraction(30000, 1001), 7)


def test_a_long_video_is_solved_in_parts(tmp_path, monkeypatch, landmarks, solved):
    from facegen import tracking as package

    film = movie(tmp_path / "a.mp4", [0] * FRAMES)
    finder = types.SimpleNamespace(find=lambda *_: [next(rows)], close=lambda: None)
    monkeypatch.setattr(package, "face_finder", lambda model: finder)
    rows = iter(landmarks)
    assert package.track(film) == solved
    rows = iter(landmarks)
    monkeypatch.setattr(package, "PART_S", 3.0)
    monkeypatch.setattr(package, "OVERLAP_S", 1.0)
    parts = package.track(film)
    assert len(parts) == FRAMES and parts.fps == FPS
    assert np.abs(np.diff(parts.values - solved.values, axis=0)).max() < 0.2
    assert agree(parts.channel("mouthSmileLeft"), solved.channel("mouthSmileLeft")) > 0.9
    assert np.abs(np.diff(parts.head, axis=0)).max() < 0.2


@pytest.mark.parametrize("content", [b"", b"not a video", b"\x00\x00\x00\x20ftypisom" + b"\0" * 40])
def test_what_is_no_video_is_refused(tmp_path, content, capsys):
    path, out = tmp_path / "a.mp4", tmp_path / "a.csv"
    path.write_bytes(content)
    assert run(["track", str(path), "-o", str(out)]) == 3
    assert capsys.readouterr().err.count("\n") == 1 and not out.exists()


def test_a_sound_holds_no_pictures(sample, tmp_path):
    with pytest.raises(VideoError):
        Video(sample)
    with pytest.raises(VideoError):
        Video(tmp_path / "absent.mp4")


@pytest.mark.parametrize(
    "options", [["--face", "1"], ["--box", "1,2,3"], ["--box", "1,2,0,5"], ["--face", "nan,1"]]
)
def test_wrong_choices_are_usage(tmp_path, options, capsys):
    assert run(["track", str(tmp_path / "a.mp4"), "-o", str(tmp_path / "a.csv"), *options]) == 2


def test_a_rig_without_landmarks_says_how_to_make_them(tmp_path):
    import json
    import shutil

    from facegen.rig.load import rigs_folder

    shutil.copytree(rigs_folder() / "aria", tmp_path / "other")
    (tmp_path / "other" / "landmarks.csv").write_text("landmark,weight\n1,x\n")
    with pytest.raises(RigError):
        load_rig_landmarks(tmp_path / "other")
    (tmp_path / "other" / "landmarks.csv").unlink()
    assert json.loads((tmp_path / "other" / "rig.json").read_text())["name"] == "aria"
    with pytest.raises(RigError, match="build_landmarks"):
        try:
            load_rig_landmarks(tmp_path / "other")
        except RigError as error:
            raise RigError(str(error)) from error


def test_a_mediapipe_without_models_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", types.SimpleNamespace(__version__="9.9"))
    with pytest.raises(MissingSystemError) as caught:
        face_finder()
    assert caught.value.exit_code == 6 and "--model" in str(caught.value)


def test_no_mediapipe_names_the_extra(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    assert run(["track", str(movie(tmp_path / "a.mp4", [0] * 3)), "-o", str(tmp_path / "a.csv")]) == 6
    assert "facegen[track]" in capsys.readouterr().err


def test_a_file_that_is_no_model_is_refused(tmp_path):
    pytest.importorskip("mediapipe")
    (tmp_path / "face.task").write_bytes(b"nothing")
    for name in ("face.task", "absent.task"):
        with pytest.raises(ModelError):
            face_finder(tmp_path / name)


@pytest.mark.slow
def test_a_video_without_a_face_writes_nothing(tmp_path, capsys):
    pytest.importorskip("mediapipe")
    path, out = movie(tmp_path / "a.mp4", [0, 80, 160]), tmp_path / "a.csv"
    assert run(["track", str(path), "-o", str(out)]) == 3
    said = capsys.readouterr()
    assert "no face" in said.err and said.err.count("\n") == 1 and not out.exists()


@pytest.mark.slow
def test_a_recorded_speaker(data_folder, tmp_path):
    pytest.importorskip("mediapipe")
    from tools.evaluation.lip_tracking import aperture_and_width, track

    video = data_folder / "grid-multi" / "clips" / "s31_bbai7s.mp4"
    if not video.exists():
        pytest.skip("no GRID clips")
    assert run(["track", str(video), "-o", str(tmp_path / "a.csv"), "--quiet"]) == 0
    take = load_animation(tmp_path / "a.csv")
    gap, width = lip_head(load_rig_landmarks().rig).aperture_and_width(take)
    true_gap, true_width = aperture_and_width(track(video))
    assert len(take) == 75 and take.fps == 25
    assert agree(gap, true_gap) > 0.98 and agree(width, true_width) > 0.95
    assert take.channel("eyeBlinkLeft").max() > 0.9  # seen in the picture: the eyes shut at 0.7 s
    assert abs(take.channel("eyeBlinkLeft").argmax() - 17) <= 2
