"""The portrait: a photo's face found, laid under the rig's head, moved, drawn and written."""

from __future__ import annotations

import numpy as np
import pytest

from tests.helpers.faces import face_pixels

pytest.importorskip("mediapipe")
pytest.importorskip("moderngl")
from PIL import Image

from facegen.cli.app import run
from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.portrait.photo import read_photo
from facegen.portrait.scene import make_portrait_scene


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "face.png"
    Image.fromarray(face_pixels()).save(path)
    return path


@pytest.fixture(scope="module")
def scene(face):
    return make_portrait_scene(read_photo(face), str(face))


def shown(scene, *poses):
    """Frames of the scene in ``poses``: control or head channel to value."""
    controls = scene.puppet.head.controls
    values = np.array([[pose.get(n, 0.0) for n in controls] for pose in poses], np.float32)
    head = np.array([[pose.get(n, 0.0) for n in HEAD_CHANNELS] for pose in poses], np.float32)
    return [f.astype(int) for f in scene.frames(Animation(25, controls, values, head))]


def test_at_rest_the_photo_stays_as_it_is(scene):
    (still,) = shown(scene, {})
    away = np.abs(still - scene.photo.pixels)
    assert away.mean() < 1.5
    assert np.percentile(away, 99) < 24


def test_the_jaw_opens_the_mouth_and_leaves_the_background(scene):
    still, opened = shown(scene, {}, {"jawOpen": 0.6})
    points = scene.photo.landmarks
    moved = np.abs(opened - still).sum(axis=2)
    x, y = points[14, :2].astype(int)
    assert moved[y : y + 12, x - 6 : x + 6].mean() > 60
    assert moved[:20].max() == 0 and moved[:, :15].max() == 0


def test_lids_close_and_eyes_turn(scene):
    still, shut, aside = shown(
        scene,
        {},
        {"eyeBlinkLeft": 1, "eyeBlinkRight": 1},
        {"eyeLookOutLeft": 0.8, "eyeLookInRight": 0.8},
    )
    for iris in (468, 473):
        x, y = scene.photo.landmarks[iris, :2].round().astype(int)
        patch = np.s_[y - 2 : y + 3, x - 2 : x + 3]
        assert shut[patch].mean() > still[patch].mean() + 25  # skin instead of a pupil
        assert np.abs(aside - still)[patch].mean() > 10


def test_the_head_turns(scene):
    left, right = shown(scene, {"yaw": 0.2}, {"yaw": -0.2})
    x, y = scene.photo.landmarks[1, :2].round().astype(int)
    assert np.abs(left - right)[y - 5 : y + 5, x - 20 : x + 20].mean() > 3


def test_the_command_writes_a_video_with_sound(face, sample, tmp_path):
    import av

    out = tmp_path / "out.mp4"
    words = [
        "portrait",
        str(sample),
        str(face),
        "-o",
        str(out),
        "--draft",
        "--duration",
        "0.6",
        "--fps",
        "25",
    ]
    assert run(words) == 0
    with av.open(str(out)) as film:
        assert film.streams.video[0].frames == 15
        assert abs(float(film.streams.audio[0].duration * film.streams.audio[0].time_base) - 0.6) < 0.05
