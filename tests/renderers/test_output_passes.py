"""Depth and mask, cameras that move, and the renderers beside ``raster``."""

import sys

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.config import RenderConfig
from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, MissingSystemError, UsageError
from facegen.core.registry import Registry
from facegen.renderers import render_file
from facegen.renderers.camera import Camera, Turntable, camera_for
from facegen.renderers.opengl import OpenGLRenderer
from facegen.renderers.output_passes import depth_range, depths
from facegen.renderers.pytorch3d_backend import PyTorch3DRenderer, lens
from facegen.rig import evaluate, load_rig

Image = pytest.importorskip("PIL.Image", reason="needs Pillow (the render extra)")
pytest.importorskip("moderngl", reason="needs moderngl (the render extra)")

SIZE = (160, 120)
OPEN = Animation(30, ("jawOpen",), np.array([[0.6]], np.float32))


@pytest.fixture(scope="module")
def aria():
    return load_rig("aria")


def places(camera: Camera, points: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Columns and rows [N, 2] of points [N, 3]."""
    clip = np.c_[points, np.ones(len(points))] @ camera.projection(size[0] / size[1]).T
    return (clip[:, :2] / clip[:, 3:] * (1, -1) + 1) / 2 * size


@pytest.mark.parametrize("name", ["raster", "pyrender"])
def test_depths_are_those_of_the_vertices(aria, name):
    large = (640, 480)
    camera = camera_for(aria, "threequarter", large)
    try:
        depth = next(iter(Registry("renderers").get(name)().depths(aria, OPEN, camera, large)))
    except (MissingExtraError, MissingSystemError) as error:
        pytest.skip(str(error))
    vertices = next(iter(evaluate(aria, OPEN)))
    assert depth.shape == large[::-1] and depth.dtype == np.float32
    for landmark in ("chin", "lipLowerOuter", "lidLowerLeft"):
        point = vertices[[aria.landmarks[landmark]]]
        column, row = places(camera, point, large)[0].astype(int)
        assert depth[row, column] == pytest.approx(
            float((camera.position - point[0]) @ camera.axes[2]), abs=0.6
        )
    assert np.isinf(depth[0, 0]) and depth.min() > 0


def test_the_pass_of_depths_is_lighter_where_nearer(aria, tmp_path):
    camera = camera_for(aria, "front", SIZE)
    grey = next(iter(depths(OpenGLRenderer(), aria, OPEN, camera, SIZE)))[..., 0]
    distance = next(iter(OpenGLRenderer().depths(aria, OPEN, camera, SIZE)))
    near, far = depth_range(aria, camera)
    seen = np.isfinite(distance)
    assert (grey[~seen] == 0).all() and (grey[seen] > 0).all()
    assert np.abs((255 - grey[seen].astype(float)) / 254 * (far - near) + near - distance[seen]).max() < 0.2
    nose = places(camera, aria.mesh.vertices[[aria.landmarks["noseTip"]]], SIZE)[0].astype(int)
    ear = grey[nose[1] - 10 : nose[1] + 10][grey[nose[1] - 10 : nose[1] + 10] > 0].min()
    assert grey[nose[1], nose[0]] > ear + 40


def test_pictures_of_depths_are_fine_enough_to_measure(aria, tmp_path):
    camera = camera_for(aria, "front", SIZE)
    config = RenderConfig(size=f"{SIZE[0]}x{SIZE[1]}", show="depth")
    render_file(OPEN, tmp_path / "a.png", config)
    render_file(OPEN, tmp_path / "all/", config)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode.startswith("I")
        grey = np.asarray(image).astype(float)
    distance = next(iter(OpenGLRenderer().depths(aria, OPEN, camera, SIZE)))
    near, far = depth_range(aria, camera)
    seen = np.isfinite(distance)
    assert (grey[~seen] == 0).all()
    assert np.abs((65535 - grey[seen]) / 65534 * (far - near) + near - distance[seen]).max() < 1e-3
    assert (tmp_path / "all" / "00000.png").read_bytes() == (tmp_path / "a.png").read_bytes()


def test_the_mask_is_the_alpha(aria, tmp_path):
    size = f"{SIZE[0]}x{SIZE[1]}"
    render_file(OPEN, tmp_path / "mask.png", RenderConfig(size=size, show="mask"))
    render_file(OPEN, tmp_path / "alpha.png", RenderConfig(size=size, alpha=True))
    mask, alpha = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in ("mask", "alpha"))
    assert (mask == alpha[..., 3:]).all() and 0.1 < (mask > 127).mean() < 0.6


def test_channels_are_checked(tmp_path, capsys):
    OPEN.save(tmp_path / "a.json")
    words = ["render", str(tmp_path / "a.json"), "-o", str(tmp_path / "a.png"), "--show"]
    assert run([*words, "dept"]) == 2 and "depth" in capsys.readouterr().err
    assert run([*words, "mask", "--alpha"]) == 2 and "no transparency" in capsys.readouterr().err
    with pytest.raises(UsageError, match="tells no depths"):
        next(depths(object(), load_rig("aria"), OPEN, camera_for(load_rig("aria"), "front", SIZE), SIZE))
    assert not (tmp_path / "a.png").exists()


def test_a_turntable_goes_round_once_in_its_seconds(aria):
    camera = camera_for(aria, "turntable", SIZE)
    assert isinstance(camera, Turntable)
    start, quarter, whole = (camera.at(s) for s in (0, camera.seconds / 4, camera.seconds))
    assert np.allclose(start.position, whole.position) and quarter.position[0] > 50
    away = [np.linalg.norm(np.subtract(c.position, c.target)) for c in (start, quarter)]
    assert away[0] == pytest.approx(away[1])


def test_what_a_turning_camera_sees_is_the_head_turned_the_other_way(aria):
    camera, points = camera_for(aria, "turntable", SIZE), aria.mesh.vertices[:50]
    for seconds in (0.0, 1.3, 5.0):
        there = places(camera.at(seconds), points, SIZE)
        assert np.allclose(there, places(camera, camera.as_seen(points, seconds), SIZE), atol=1e-2)


def test_the_raster_turntable_shows_the_side(aria):
    camera = camera_for(aria, "turntable", SIZE)
    still = Animation(
        1, ("jawOpen",), np.zeros((3, 1), np.float32)
    )  # seconds 0, 1 and 2: a quarter of a turn
    front, _, side = (f[..., 3] > 127 for f in OpenGLRenderer().frames(aria, still, camera, SIZE))
    aside = next(iter(OpenGLRenderer().frames(aria, still, camera.at(2.0), SIZE)))[..., 3] > 127
    assert (side & aside).sum() / (side | aside).sum() > 0.99 > (side & front).sum() / (side | front).sum()


@pytest.mark.parametrize("size", [(160, 120), (120, 160)])
def test_pytorch3d_has_the_same_camera(aria, size):
    """By the conventions of PyTorch3D's notes on cameras: +X left, +Y up, -1..1 over the shorter side."""
    camera = camera_for(aria, "threequarter", size)
    focal, turn, shift = lens(camera, size)
    view = aria.mesh.vertices[::500] @ turn + shift
    assert (view[:, 2] > 0).all() and np.linalg.det(turn) == pytest.approx(1)
    ndc = focal * view[:, :2] / view[:, 2:]
    half = min(size) / 2
    expected = np.stack([size[0] / 2 - half * ndc[:, 0], size[1] / 2 - half * ndc[:, 1]], axis=1)
    assert np.allclose(expected, places(camera, aria.mesh.vertices[::500], size), atol=1e-3)


def test_without_pytorch3d_and_pyrender_the_message_says_what_to_install(aria, monkeypatch):
    camera = camera_for(aria, "front", SIZE)
    monkeypatch.setitem(sys.modules, "pytorch3d", None)
    with pytest.raises(MissingSystemError, match="PyTorch3D.*pip install") as caught:
        next(iter(PyTorch3DRenderer().frames(aria, OPEN, camera, SIZE)))
    assert caught.value.exit_code == 6
    monkeypatch.setitem(sys.modules, "pyrender", None)
    with pytest.raises(MissingExtraError, match="pyrender"):
        next(iter(Registry("renderers").get("pyrender")().frames(aria, OPEN, camera, SIZE)))
