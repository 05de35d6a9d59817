"""Textures of models: read with them, drawn where their uvs say, and written on."""

import zlib
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pygltflib
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, MissingSystemError, RigError
from facegen.formats import save
from facegen.renderers import opengl as raster
from facegen.renderers.camera import camera_for
from facegen.renderers.images import make_background
from facegen.renderers.scene import make_render_scene
from facegen.renderers.textures import at_uvs, texture_pixels
from facegen.rig import load_rig
from facegen.rig.importing import import_rig
from tests.helpers.avatars import change_json
from tests.helpers.textured_head import halves, picture, textured

SIZE = (160, 160)
STILL = Animation(Fraction(30), ("jawOpen",), np.zeros((1, 1), np.float32))


@pytest.fixture(scope="module")
def opengl():
    try:
        raster.open_context().release()
    except (MissingExtraError, MissingSystemError) as error:
        pytest.skip(str(error))


def drawn(rig):
    view = camera_for(rig, "front", SIZE)
    return next(
        iter(raster.OpenGLRenderer().frames(rig, STILL, view, SIZE, make_background("#00ff00", SIZE)))
    )


def test_the_picture_lies_where_its_uvs_say(opengl):
    frame = drawn(textured()).astype(int)
    left, right = frame[60:80, 45:60].reshape(-1, 3), frame[60:80, 100:115].reshape(-1, 3)
    assert (left[:, 0] > left[:, 2] + 40).all(), "red on the left, as in the picture"
    assert (right[:, 2] > right[:, 0] + 40).all()
    upper, lower = frame[45:50, 50:60, 0].mean(), frame[85:90, 50:60, 0].mean()
    assert upper > lower


def test_below_the_cutoff_nothing_is_drawn(opengl):
    whole, cut = drawn(textured()), drawn(textured(cutoff=0.5))
    assert np.array_equal(whole[50:75], cut[50:75])
    changed = np.abs(whole.astype(int) - cut).sum(axis=2) > 60
    rows = np.flatnonzero(changed.any(axis=1))
    assert len(rows) and rows.min() > 80


def test_a_tint_multiplies_the_picture(opengl):
    plain, dark = drawn(textured()).astype(int), drawn(textured(tint=[0.2, 1.0, 1.0])).astype(int)
    assert dark[70, 50, 0] < 0.8 * plain[70, 50, 0] and abs(dark[70, 110, 2] - plain[70, 110, 2]) < 3


def test_other_renderers_take_the_colour_under_each_vertex():
    rig = textured()
    scene = make_render_scene(rig)
    face = slice(*rig.parts[0].vertices)
    x = rig.mesh.vertices[face, 0]
    assert (scene.colors[face][x < -2][:, 0] > 100).all() and (scene.colors[face][x < -2][:, 2] == 0).all()
    assert (scene.colors[face][x > 2][:, 2] > 100).all()
    eyes = slice(*rig.parts[1].vertices)
    assert np.array_equal(scene.colors[eyes, :3], rig.mesh.colors[eyes]), "others keep their own"


def test_uvs_repeat_and_start_at_the_lower_left():
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[1, 0] = 9  # lower left
    uvs = np.array([[0.1, 0.1], [1.1, -0.9], [0.1, 0.9], [0.9, 0.1], [np.nan, 0.1]])
    assert at_uvs(pixels, uvs)[:, 0].tolist() == [9, 9, 0, 0, 9]


@pytest.mark.parametrize("cutoff", [0.0, 0.4])
def test_a_glb_brings_its_textures_back(tmp_path, cutoff):
    rig = textured(tint=[1.0, 0.5, 0.25], **({"cutoff": cutoff} if cutoff else {}))
    save(STILL, tmp_path / "a.glb", rig=rig)
    found = load_rig(tmp_path / "a.glb")
    look = found.materials["skin"]
    assert found.textures[look["texture"]] == rig.textures["skin.png"]
    assert np.allclose(look["tint"], [1.0, 0.5, 0.25]) and look.get("cutoff", 0.0) == pytest.approx(cutoff)
    assert np.abs(found.mesh.uvs - rig.mesh.uvs).max() < 1e-5
    document = pygltflib.GLTF2().load(str(tmp_path / "a.glb"))
    colored = {m.name: m.primitives[0].attributes.COLOR_0 is not None for m in document.meshes}
    assert colored == {"face": False, "eyes": True, "teeth": True}, "glTF multiplies colour and picture"


def test_an_import_writes_the_textures_beside_the_rig(tmp_path):
    save(STILL, tmp_path / "a.glb", rig=textured())
    assert run(["rig", "import", str(tmp_path / "a.glb"), "-o", str(tmp_path / "mine")]) == 0
    rig = load_rig(tmp_path / "mine")
    (name,) = rig.textures
    assert (tmp_path / "mine" / name).read_bytes() == rig.textures[name] == picture(halves())


def test_a_picture_beside_the_model_may_be_missing_or_of_another_kind(tmp_path):
    save(STILL, tmp_path / "a.glb", rig=textured())

    def lost(data):
        data["images"] = [{"uri": "gone.png"}]

    found, notes = import_rig(change_json(tmp_path / "a.glb", lost))
    assert not found.textures and "gone.png" in " ".join(notes)
    (tmp_path / "gone.png").write_bytes(b"RIFF....WEBP")
    found, notes = import_rig(tmp_path / "a.glb")
    assert not found.textures and "neither PNG nor JPEG" in " ".join(notes)
    (tmp_path / "gone.png").write_bytes(picture(halves()[..., :3], "JPEG"))
    found = import_rig(tmp_path / "a.glb").rig
    assert list(found.textures) == ["texture0.jpg"]


def test_uvs_are_moved_as_the_model_says(tmp_path):
    rig = textured()
    save(STILL, tmp_path / "a.glb", rig=rig)
    quarter = np.pi / 2

    def turned(data):
        data["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]["extensions"] = {
            "KHR_texture_transform": {"offset": [0.5, 0.25], "rotation": quarter, "scale": [2, 0.5]}
        }

    found = load_rig(change_json(tmp_path / "a.glb", turned))
    u, v = rig.mesh.uvs[:, 0], 1 - rig.mesh.uvs[:, 1]  # glTF's own, from the top
    face = slice(*rig.parts[0].vertices)
    wanted = np.column_stack([0.5 + 0.5 * v, 1 - (0.25 - 2 * u)])
    assert np.abs(found.mesh.uvs - wanted)[face].max() < 1e-5


def test_broken_textures_end_in_one_line(tmp_path, capsys):
    with pytest.raises(RigError, match="names the texture 'other.png'"):
        replace(textured(), textures={"skin.png": b""}, materials={"skin": {"texture": "other.png"}})
    huge = bytearray(picture(halves()))
    huge[16:24] = (60_000).to_bytes(4, "big") * 2  # a header that claims 3.6 billion pixels
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    for raw in (b"\x89PNG\r\n\x1a\n", picture(halves())[:-200], b"\xff\xd8\xff\xe0 nothing", bytes(huge)):
        with pytest.raises(RigError, match="can't be read"):
            texture_pixels(textured(raw), "skin.png")
    STILL_FILE = tmp_path / "still.take"
    save(STILL, STILL_FILE)
    save(STILL, tmp_path / "bad.glb", rig=textured(picture(halves())[:-200]))
    out = tmp_path / "a.png"
    code = run(["render", str(STILL_FILE), "--rig", str(tmp_path / "bad.glb"), "-o", str(out), "--quiet"])
    assert code == 3 and not out.exists()
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_a_rig_folder_names_its_textures(tmp_path):
    save(STILL, tmp_path / "a.glb", rig=textured())
    run(["rig", "import", str(tmp_path / "a.glb"), "-o", str(tmp_path / "mine")])
    (tmp_path / "mine" / "texture0.png").unlink()
    with pytest.raises(RigError):
        load_rig(tmp_path / "mine")
