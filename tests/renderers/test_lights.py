"""Light from a picture all round: what it throws on a head follows from where it is bright."""

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import ImageError, MissingExtraError, MissingSystemError, UsageError
from facegen.formats import save
from facegen.renderers import opengl as raster
from facegen.renderers.camera import camera_for
from facegen.renderers.images import make_background
from facegen.renderers.lights import FRONT, SQUARES, basis, read_surroundings, surroundings

pytest.importorskip("PIL", reason="needs Pillow (the render extra)")
from PIL import Image

from tests.helpers.tiny_rig import tiny_rig

LUMA = np.array([0.2126, 0.7152, 0.0722])
STILL = Animation(Fraction(30), ("jawOpen",), np.zeros((1, 1), np.float32))


def spot(azimuth, elevation, color=(60, 60, 60), ground=0.05, size=0.2, height=64):
    """A picture [H, 2H, 3] with one light: ``azimuth`` towards the character's left (+X), radians."""
    up = np.pi * (0.5 - (np.arange(height) + 0.5) / height)[:, None]
    turn = -2 * np.pi * ((np.arange(2 * height) + 0.5) / (2 * height) - 0.5)[None]
    near = np.sin(up) * np.sin(elevation) + np.cos(up) * np.cos(elevation) * np.cos(turn - azimuth)
    return ground + np.exp(-((np.arccos(np.clip(near, -1, 1)) / size) ** 2))[..., None] * color


def falls(light, normal):
    """What falls on a matt white surface, [3]."""
    n = np.array([normal], float)
    return (basis(n) @ light.soft)[0] + light.color * max(0.0, float(n[0] @ light.key))


def test_the_functions_are_orthogonal_and_their_squares_as_stated():
    rng = np.random.default_rng(0)
    d = rng.normal(size=(400_000, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    table = basis(d)
    assert np.abs(table.T @ table / len(d) - np.diag(SQUARES)).max() < 0.01


def test_even_light_falls_evenly():
    color = np.array([0.2, 0.4, 0.6])
    light = surroundings(np.full((32, 64, 3), color))
    for normal in np.vstack([np.eye(3), -np.eye(3)]):
        assert np.allclose(falls(light, normal), FRONT * color / (color @ LUMA), atol=2e-3)


@given(st.floats(-3, 3), st.floats(-1.2, 1.2))
def test_the_key_light_is_where_the_picture_is_brightest(azimuth, elevation):
    light = surroundings(spot(azimuth, elevation))
    towards = [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)]
    assert light.key @ towards > 0.995
    assert falls(light, [0, 0, 1]) @ LUMA == pytest.approx(FRONT, abs=1e-3)


@given(st.integers(0, 2**32 - 1))
def test_light_agrees_with_the_sum_over_all_directions(seed):
    rng = np.random.default_rng(seed)
    picture = np.repeat(np.repeat(rng.random((8, 16, 3)), 8, 0), 8, 1)
    light = surroundings(picture)
    up = np.pi * (0.5 - (np.arange(64) + 0.5) / 64)[:, None]
    turn = -2 * np.pi * ((np.arange(128) + 0.5) / 128 - 0.5)[None]
    d = np.stack([np.cos(up) * np.sin(turn), np.sin(up) + 0 * turn, np.cos(up) * np.cos(turn)], axis=-1)
    share = (np.cos(up) + 0 * turn)[..., None]
    share /= share.sum()

    def true(normal):
        return (picture * share * 4 * np.maximum(d @ normal, 0)[..., None]).sum(axis=(0, 1))

    scale = FRONT / (true(np.array([0, 0, 1.0])) @ LUMA)
    for normal in np.vstack([np.eye(3), -np.eye(3)]):
        assert np.abs(falls(light, normal) - scale * true(normal)).max() < 0.12


def hdr(picture) -> bytes:
    most = np.maximum(picture.max(axis=-1), 1e-9)
    power = np.ceil(np.log2(most))
    rows = np.concatenate([picture * (255 / 2.0**power)[..., None], power[..., None] + 128], axis=-1)
    head = f"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y {picture.shape[0]} +X {picture.shape[1]}\n"
    return head.encode() + np.clip(rows, 0, 255).astype(np.uint8).tobytes()


def test_radiance_files_and_photos_are_read_alike(tmp_path):
    picture = np.clip(spot(0.8, 0.4, (0.9, 0.5, 0.2), 0.05, 0.5), 0, 1)
    (tmp_path / "a.hdr").write_bytes(hdr(picture))
    srgb = np.where(picture <= 0.0031308, 12.92 * picture, 1.055 * picture ** (1 / 2.4) - 0.055)
    Image.fromarray(np.round(255 * srgb).astype(np.uint8)).save(tmp_path / "a.png")
    one, other = (read_surroundings(tmp_path / name) for name in ("a.hdr", "a.png"))
    assert np.abs(one.soft - other.soft).max() < 0.02 and one.key @ other.key > 0.999
    assert one.color[0] > one.color[2], "red stays red"
    assert read_surroundings("studio") is None


def test_the_face_is_lit_from_where_the_light_is(tmp_path):
    try:
        raster.open_context().release()
    except (MissingExtraError, MissingSystemError) as error:
        pytest.skip(str(error))
    rig, size = tiny_rig(colors=False), (120, 120)
    view = camera_for(rig, "front", size)
    behind = make_background("#000000", size)

    def drawn(azimuth):
        light = surroundings(spot(azimuth, 0.2))
        return next(iter(raster.OpenGLRenderer(light).frames(rig, STILL, view, size, behind))).mean(axis=2)

    left, right = drawn(1.2), drawn(-1.2)  # the character's left is on the right of the picture
    half = np.s_[30:90, 70:100]
    other = np.s_[30:90, 20:50]
    assert left[half].mean() > left[other].mean() + 20
    assert right[other].mean() > right[half].mean() + 20
    plain = next(iter(raster.OpenGLRenderer().frames(rig, STILL, view, size, behind))).mean(axis=2)
    assert 0.5 < drawn(0.0)[30:90, 40:80].mean() / plain[30:90, 40:80].mean() < 1.6


def test_what_is_no_light_is_refused_in_one_line(tmp_path, capsys):
    save(STILL, tmp_path / "a.take")
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nothing")
    (tmp_path / "bad.hdr").write_bytes(b"#?RADIANCE\n\n-Y 10 +X 1000000000\n" + struct.pack("<I", 1))
    Image.new("RGB", (64, 32), (90, 90, 90)).save(tmp_path / "ok.png")
    words = ["render", str(tmp_path / "a.take"), "-o", str(tmp_path / "a.png"), "--quiet", "--light"]
    for light, code in (("bad.jpg", 3), ("bad.hdr", 3), ("gone.png", 3)):
        assert run([*words, str(tmp_path / light)]) == code, light
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert run([*words, "studo"]) == 2
    assert run([*words, str(tmp_path / "ok.png"), "--renderer", "pyrender"]) == 2
    assert not (tmp_path / "a.png").exists()
    with pytest.raises(UsageError):
        read_surroundings("studo")
    with pytest.raises(ImageError):
        read_surroundings(tmp_path / "bad.hdr")
