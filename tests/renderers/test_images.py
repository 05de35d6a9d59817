"""Backgrounds and stills: colours, broken pictures, GIF timing, numbered folders."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.core.errors import ImageError, RigError, UsageError
from facegen.renderers.clip import Clip
from facegen.renderers.colors import material_color, parse_color
from facegen.renderers.images import Gif, Png, PngFolder, make_background, png_bytes, read_image
from facegen.renderers.scene import make_render_scene
from tests.helpers.tiny_rig import tiny_rig

pytest.importorskip("PIL", reason="needs Pillow (the render extra)")


def frames(count: int, size=(32, 24)):
    for number in range(count):
        yield np.full((size[1], size[0], 3), (20 * number % 256, 90, 200), np.uint8)


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_a_colour_reads_back(color):
    text = "#{:02x}{:02X}{:02x}".format(*color)
    assert parse_color(text) == color
    assert tuple(material_color({"color": text})) == color


@given(st.text(max_size=8))
def test_other_text_is_no_colour(text):
    color = parse_color(text)
    assert color is None or (text[0] == "#" and len(text) in (4, 7))


def test_a_coloured_background_is_a_soft_gradient_of_it():
    picture = make_background("#406080", (160, 90))
    assert picture.shape == (90, 160, 3) and picture.dtype == np.uint8
    assert np.abs(picture.reshape(-1, 3).mean(axis=0) - (0x40, 0x60, 0x80)).max() < 8
    assert picture[40:50, 75:85].mean() > picture[:8, :8].mean() + 5
    assert np.array_equal(picture, make_background("#406080", (160, 90)))


def test_an_image_background_covers_the_picture(tmp_path):
    tall = np.zeros((200, 50, 3), np.uint8)
    tall[90:110] = (255, 0, 0)
    (tmp_path / "a b.png").write_bytes(png_bytes(tall))
    picture = make_background(str(tmp_path / "a b.png"), (100, 40))
    assert picture.shape == (40, 100, 3)
    assert picture[20, 50, 0] > 200 and picture[20, 0, 0] > 200


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_a_broken_image_is_refused(tmp_path, content):
    path = tmp_path / "back.png"
    path.write_bytes(content)
    with pytest.raises(ImageError) as caught:
        make_background(str(path), (64, 64))
    assert caught.value.exit_code == 3 and str(path) in str(caught.value) and caught.value.remedy


def test_a_cut_image_is_refused(tmp_path):
    path = tmp_path / "cut.png"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path.write_bytes(png_bytes(noise)[:3000])
    with pytest.raises(ImageError):
        read_image(path)


@pytest.mark.parametrize("text", ["#12", "#gggggg", "blue"])
def test_a_wrong_colour_is_a_wrong_use(text):
    with pytest.raises(UsageError, match="#rrggbb"):
        make_background(text, (64, 64))


def test_a_missing_image_is_named():
    with pytest.raises(ImageError, match="no such file"):
        make_background("nowhere.jpg", (64, 64))


def test_a_still_is_the_first_frame(tmp_path):
    path = tmp_path / "still.png"
    Png().write(path, frames(3), Clip(Fraction(30), (32, 24), 3))
    assert np.array_equal(read_image(path), next(frames(1)))


def test_a_folder_holds_every_frame(tmp_path):
    PngFolder().write(tmp_path / "out", frames(4), Clip(Fraction(30), (32, 24), 4))
    assert [p.name for p in sorted((tmp_path / "out").iterdir())] == [f"{i:05d}.png" for i in range(4)]
    assert np.array_equal(read_image(tmp_path / "out" / "00003.png"), list(frames(4))[3])


@pytest.mark.parametrize("fps", ["24000/1001", "25", "30", "60"])
def test_a_gif_keeps_time(tmp_path, fps):
    from PIL import Image

    rate, path = Fraction(fps), tmp_path / "a.gif"
    Gif().write(path, frames(30), Clip(rate, (32, 24), 30))
    with Image.open(path) as image:
        total = 0
        for number in range(image.n_frames):
            image.seek(number)
            total += image.info["duration"]
    assert abs(total / 1000 - 30 / rate) <= 0.011


@pytest.mark.parametrize(
    "material", [{"roughness": 2}, {"specular": "much"}, {"subsurface": True}, {"opacity": -0.1}]
)
def test_impossible_materials_are_refused(material):
    from dataclasses import replace

    with pytest.raises(RigError, match="0..1"):
        make_render_scene(replace(tiny_rig(), materials={"skin": material}))


def test_without_vertex_colours_the_materials_colour():
    scene = make_render_scene(tiny_rig(colors=False))
    tooth = scene.colors[-1, :3]
    assert tuple(tooth) == (0xF0, 0xEA, 0xD0)
    assert np.array_equal(make_render_scene(tiny_rig()).colors[:, :3], tiny_rig().mesh.colors)
