"""Every renderer that works here draws the same head from the same camera; the others say what they lack."""

from dataclasses import replace

import numpy as np
import pytest

from facegen.core import blender_process as blenders
from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, MissingSystemError
from facegen.core.registry import Registry
from facegen.renderers.camera import camera_for
from facegen.rig import evaluate, load_rig

Image = pytest.importorskip("PIL.Image", reason="needs Pillow (the render extra)")
ImageDraw = pytest.importorskip("PIL.ImageDraw")

SIZE = (256, 192)
PAINT = {
    "teethUpper": (0, 255, 0),
    "teethLower": (0, 255, 0),
    "eyeLeft": (0, 0, 255),
    "eyeRight": (0, 0, 255),
}
POSES = Animation(
    30,
    ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"),
    np.array([[0, 0, 0], [0.7, 0, 0], [0, 1, 1]], np.float32),
    np.array([[0, 0, 0, 0, 0, 0], [0.2, 0, 0, 0, 0, 0], [0, 0.1, 0.1, 1, 0, 0]], np.float32),
)


def painted():
    """The built-in head in grey, with green teeth and blue eyes."""
    rig = load_rig("aria")
    colors = np.full((len(rig.mesh.vertices), 3), 128, np.uint8)
    for part in rig.parts:
        colors[slice(*part.vertices)] = PAINT.get(part.name, (128, 128, 128))
    assert {"teethUpper", "teethLower", "eyeLeft", "eyeRight"} <= {part.name for part in rig.parts}
    plain = {name: {k: v for k, v in m.items() if k != "texture"} for name, m in rig.materials.items()}
    return replace(rig, mesh=replace(rig.mesh, colors=colors), materials=plain)


def silhouettes(rig, camera) -> np.ndarray:
    """Where the projected triangles lie, [T, H, W], four times finer and scaled down."""
    projection, shown = camera.projection(SIZE[0] / SIZE[1]), []
    for vertices in evaluate(rig, POSES):
        clip = np.c_[vertices, np.ones(len(vertices))] @ projection.T
        place = (clip[:, :2] / clip[:, 3:] * (1, -1) + 1) / 2 * SIZE * 4
        picture = Image.new("L", (4 * SIZE[0], 4 * SIZE[1]))
        pen = ImageDraw.Draw(picture)
        for corners in place[rig.mesh.faces]:
            pen.polygon(corners.ravel().tolist(), fill=255)
        shown.append(np.asarray(picture.resize(SIZE, Image.Resampling.BOX)) > 127)
    return np.stack(shown)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["front", "threequarter"])
@pytest.mark.parametrize("name", Registry("renderers").names())
def test_the_same_head_from_the_same_camera(name, view):
    rig = painted()
    camera = camera_for(rig, view, SIZE)
    try:
        frames = np.stack(list(Registry("renderers").get(name)().frames(rig, POSES, camera, SIZE)))
    except (MissingExtraError, MissingSystemError) as error:
        pytest.skip(str(error))
    assert frames.shape == (len(POSES), SIZE[1], SIZE[0], 4) and frames.dtype == np.uint8
    seen, expected = frames[..., 3] > 127, silhouettes(rig, camera)
    overlap = (seen & expected).sum(axis=(1, 2)) / (seen | expected).sum(axis=(1, 2))
    assert overlap.min() >= 0.98, overlap

    red, green, blue = (frames[..., i].astype(int) for i in range(3))
    teeth = ((green > red + 30) & (green > blue + 30) & seen).sum(axis=(1, 2))
    eyes = ((blue > red + 30) & (blue > green + 20) & seen).sum(axis=(1, 2))
    assert teeth[0] <= 2 and teeth[2] <= 2, f"teeth in front of closed lips: {teeth}"
    assert teeth[1] >= 6, f"no teeth in the open mouth: {teeth}"
    assert eyes[0] >= 10, f"no eyes in the sockets: {eyes}"
    assert eyes[2] <= 0.1 * eyes[0], f"eyes in front of closed lids: {eyes}"


def test_without_blender_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv(blenders.VARIABLE, raising=False)
    with pytest.raises(MissingSystemError, match="pip install bpy.*FACEGEN_BLENDER") as caught:
        blenders.find_blender()
    assert caught.value.exit_code == 6
    monkeypatch.setenv(blenders.VARIABLE, "/no/blender")
    with pytest.raises(MissingSystemError, match="/no/blender"):
        blenders.find_blender()
