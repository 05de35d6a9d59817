"""Cameras: presets frame the head, files are read strictly, projections put things where they belong."""

import json
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facegen.core.errors import ConfigError, FacegenError, UsageError
from facegen.renderers.camera import PRESETS, Camera, camera_for, read_camera
from tests.helpers.tiny_rig import tiny_rig

RIG = tiny_rig()
POINT = st.tuples(*[st.floats(-200, 200)] * 3)


def seen(camera: Camera, points: np.ndarray, aspect: float = 1.0) -> np.ndarray:
    """Places [N, 2] of ``points`` in the picture, -1..1 from left to right and from bottom to top."""
    clip = np.c_[points, np.ones(len(points))] @ camera.projection(aspect).T
    return clip[:, :2] / clip[:, 3:]


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("size", [(1280, 720), (720, 720), (400, 900)])
def test_presets_frame_the_head(name, size):
    head = RIG.mesh.vertices[RIG.head_weight > 0.5]
    place = seen(camera_for(RIG, name, size), head, size[0] / size[1])
    wanted = PRESETS[name][2]
    share = np.ptp(place, axis=0).max() / 2
    assert 0.75 * wanted < share < 1.25 * wanted
    assert wanted > 1 or np.abs(place).max() < 1.0


def test_presets_look_from_where_they_say():
    front, side = (np.array(camera_for(RIG, n, (720, 720)).position) for n in ("front", "side"))
    quarter = np.array(camera_for(RIG, "threequarter", (720, 720)).position)
    assert abs(front[0]) < 0.01 and front[2] > 50
    assert side[0] > 50 and abs(side[2]) < 10  # the character's left
    assert quarter[0] > 20 and quarter[2] > 20


@given(POINT, POINT, st.floats(5, 120), st.floats(0.3, 3))
def test_the_target_is_in_the_middle(position, target, fov, aspect):
    assume(math.dist(position, target) > 1)
    assume(np.linalg.norm(np.cross(np.subtract(target, position), (0, 1, 0))) > 1)
    camera = Camera(position, target, fov=fov)
    assert np.allclose(seen(camera, np.array([target]), aspect), 0, atol=1e-6)
    assert np.allclose(camera.axes @ camera.axes.T, np.eye(3), atol=1e-9)
    above = np.array([target]) + 0.01 * camera.axes[1]
    assert seen(camera, above, aspect)[0, 1] > 0


def test_a_camera_file_is_read(tmp_path):
    path = tmp_path / "close.json"
    path.write_text(json.dumps({"position": [0, 1, 50], "target": [0, 1, 0], "fov": 20}))
    assert camera_for(RIG, path, (64, 64)) == Camera((0.0, 1.0, 50.0), (0.0, 1.0, 0.0), fov=20.0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{",
        '{"position": [0, 0, 5]}',
        '{"position": [0, 0], "target": [0, 0, 0]}',
        '{"position": [0, 0, NaN], "target": [0, 0, 0]}',
        '{"position": [0, 0, 5], "target": [0, 0, 0], "fov": 400}',
        '{"position": [0, 0, 5], "target": [0, 0, 5]}',
        '{"position": [0, 5, 0], "target": [0, 0, 0]}',
        '{"position": [0, 0, 5], "target": [0, 0, 0], "zoom": 2}',
    ],
)
def test_a_broken_camera_file_is_refused(tmp_path, text):
    path = tmp_path / "camera.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_camera(path)
    assert str(path) in str(caught.value) and caught.value.remedy


def test_an_unknown_camera_names_the_nearest():
    with pytest.raises(UsageError, match="front"):
        camera_for(RIG, "frnt", (64, 64))
    with pytest.raises(FacegenError, match="no such file"):
        camera_for(RIG, "nowhere.json", (64, 64))
