"""The raster renderer: a face where it belongs, moved by its controls, the same each time."""

import sys
from fractions import Fraction

import numpy as np
import pytest

from facegen import renderers
from facegen.config import RenderConfig
from facegen.core.animation import Animation
from facegen.core.errors import (
    AnimationFileError,
    MissingExtraError,
    MissingSystemError,
    RigError,
    UsageError,
)
from facegen.renderers import clip_writer, render_file
from facegen.renderers import opengl as raster
from facegen.renderers.camera import camera_for
from facegen.renderers.contact_sheet import all_controls, contact_sheet
from facegen.renderers.images import make_background, read_image
from facegen.rig import ARKIT, Rig, load_rig
from tests.helpers.tiny_rig import tiny_rig

SIZE = (160, 120)
RIG = tiny_rig()


@pytest.fixture(scope="module", autouse=True)
def opengl():
    pytest.importorskip("PIL", reason="needs Pillow (the render extra)")
    try:
        raster.open_context().release()
    except (MissingExtraError, MissingSystemError) as error:
        pytest.skip(str(error))


def moving(head=None, **curves) -> Animation:
    count = len(head) if head is not None else max((len(c) for c in curves.values()), default=1)
    values = np.array(list(curves.values()), np.float32).reshape(len(curves), count).T
    return Animation(Fraction(30), tuple(curves), values, head)


def draw(animation, rig=RIG, camera="front", background="#203040", size=SIZE, fine=False):
    view = camera_for(rig, camera, size)
    behind = None if background is None else make_background(background, size)
    return np.stack(list(raster.OpenGLRenderer().frames(rig, animation, view, size, behind, fine)))


def test_the_head_is_in_the_middle_and_the_background_around_it():
    frame = draw(moving(jawOpen=[0.0]))[0]
    behind = make_background("#203040", SIZE)
    assert frame.shape == (120, 160, 3) and frame.dtype == np.uint8
    for corner in (np.s_[:10, :10], np.s_[:10, -10:], np.s_[-10:, :10], np.s_[-10:, -10:]):
        assert np.array_equal(frame[corner], behind[corner])
    assert np.abs(frame[40:80, 60:100].astype(int) - behind[40:80, 60:100]).mean() > 30


def test_no_background_gives_straight_alpha():
    clear, solid = draw(moving(jawOpen=[0.0]), background=None)[0], draw(moving(jawOpen=[0.0]))[0]
    assert clear.shape == (120, 160, 4)
    assert clear[0, 0, 3] == 0 and clear[60, 80, 3] == 255
    inside = np.zeros((120, 160), bool)
    inside[45:75, 65:95] = True
    assert np.abs(clear[inside][:, :3].astype(int) - solid[inside]).max() <= 2
    edge = (clear[..., 3] > 60) & (clear[..., 3] < 200)
    assert edge.any() and clear[edge][:, :3].mean() > 0.4 * clear[inside][:, :3].mean()


def test_the_same_input_gives_the_same_frames():
    clip = moving(jawOpen=np.linspace(0, 1, 5), mouthSmileLeft=np.linspace(1, 0, 5))
    assert np.array_equal(draw(clip), draw(clip))


def test_frames_do_not_depend_on_the_frames_before():
    head = np.zeros((3, 6), np.float32)
    head[0, 3], head[1, 0] = 6.0, 0.6
    whole = draw(moving(head, jawOpen=[1.0, 0.5, 0.0]))
    alone = draw(moving(np.zeros((1, 6)), jawOpen=[0.0]))
    assert np.array_equal(whole[2], alone[0])


def test_turning_left_mirrors_turning_right():
    head = np.zeros((2, 6), np.float32)
    head[:, 0] = 0.5, -0.5
    left, right = draw(moving(head, jawOpen=[0.0, 0.0]), background=None)[..., 3] > 127
    assert (left & right[:, ::-1]).sum() / (left | right[:, ::-1]).sum() > 0.98


def test_yaw_turns_to_the_characters_left():
    """The character's left is the picture's right in the front view."""
    head = np.zeros((2, 6), np.float32)
    head[1, 0] = 0.5
    eyes = tiny_rig()
    eyes.mesh.colors[:] = 128
    part = next(p for p in eyes.parts if p.name == "eyes")
    eyes.mesh.colors[slice(*part.vertices)] = (255, 0, 0)
    still, turned = (
        np.argwhere(f[..., 0].astype(int) > f[..., 1].astype(int) + 60)[:, 1].mean()
        for f in draw(moving(head, jawOpen=[0.0, 0.0]), rig=eyes)
    )
    assert turned > still + 10


def test_finer_edges_change_little_else():
    clip = moving(jawOpen=[0.3])
    fast, fine = draw(clip)[0].astype(int), draw(clip, fine=True)[0].astype(int)
    assert np.abs(fast - fine).mean() < 2.0
    assert not np.array_equal(fast, fine)


def test_the_jaw_changes_the_lower_face():
    head, size = load_rig("aria"), (320, 240)
    rest, opened = draw(moving(jawOpen=[0.0, 0.6]), rig=head, size=size).astype(int)
    change = np.abs(rest - opened).max(axis=2)
    projection = camera_for(head, "front", size).projection(size[0] / size[1])

    def row(landmark):
        place = projection @ (*head.mesh.vertices[head.landmarks[landmark]], 1.0)
        return round((1 - place[1] / place[3]) / 2 * size[1])

    nose, eyes, lips = row("noseTip"), row("eyeOuterLeft"), row("lipLowerInner")
    assert change[nose:].sum() > 6 * change[:nose].sum()
    assert change[: eyes - 10].mean() < 0.5
    assert change[lips + 2 : lips + 8, 150:170].mean() > 60


def test_without_opengl_the_message_says_what_to_install(monkeypatch):
    import moderngl

    def broken(**options):
        raise RuntimeError("libEGL.so not found")

    monkeypatch.setattr(moderngl, "create_context", broken)
    with pytest.raises(
        MissingSystemError, match="libEGL.so not found.*apt-get install libegl1 libgl1-mesa-dri"
    ) as caught:
        raster.open_context()
    assert caught.value.exit_code == 6


def test_without_moderngl_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(MissingExtraError, match=r"facegen\[render\]"):
        raster.open_context()


def test_a_rig_without_a_mesh_can_not_be_drawn():
    with pytest.raises(RigError, match="no mesh"):
        next(
            raster.OpenGLRenderer().frames(
                Rig("bare", RIG.controls), moving(jawOpen=[0.0]), camera_for(RIG, "front", SIZE), SIZE
            )
        )


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(renderers, "load_rig", lambda name: RIG)
    return RenderConfig(size="96x64")


def test_a_still_a_folder_and_a_video_are_written(tmp_path, tiny):
    import av

    clip = moving(jawOpen=np.linspace(0, 1, 6))
    render_file(clip, tmp_path / "a.png", tiny)
    assert read_image(tmp_path / "a.png").shape == (64, 96, 3)
    render_file(clip, f"{tmp_path}/frames/", tiny)
    assert len(list((tmp_path / "frames").iterdir())) == 6
    render_file(clip, tmp_path / "a.mp4", tiny)
    with av.open(str(tmp_path / "a.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.width, stream.height, stream.frames) == (96, 64, 6)


def test_a_transparent_still(tmp_path, tiny):
    from dataclasses import replace

    from PIL import Image

    render_file(moving(jawOpen=[0.0]), tmp_path / "a.png", replace(tiny, alpha=True))
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "RGBA" and image.getpixel((0, 0))[3] == 0


def test_wrong_uses_are_refused_before_anything_is_written(tmp_path, tiny):
    from dataclasses import replace

    still = moving(jawOpen=[0.0])
    with pytest.raises(UsageError, match="transparency"):
        render_file(still, tmp_path / "a.mp4", replace(tiny, alpha=True))
    with pytest.raises(UsageError, match="ends in '.avi'"):
        render_file(still, tmp_path / "a.avi", tiny)
    with pytest.raises(UsageError, match="front"):
        render_file(still, tmp_path / "a.mp4", replace(tiny, camera="frnt"))
    with pytest.raises(UsageError, match="raster"):
        render_file(still, tmp_path / "a.mp4", replace(tiny, renderer="rastr"))
    with pytest.raises(UsageError, match="none of the animation's controls"):
        render_file(moving(wings=[1.0]), tmp_path / "a.mp4", tiny)
    with pytest.raises(AnimationFileError, match="no frames"):
        render_file(Animation(Fraction(30), ARKIT, np.zeros((0, 52))), tmp_path / "a.mp4", tiny)
    assert not list(tmp_path.iterdir())


def test_names_choose_the_writer(tmp_path):
    kinds = {
        "a.MP4": "Mp4",
        "a.webm": "Webm",
        "a.mov": "Mov",
        "a.gif": "Gif",
        "a.png": "Png",
        "a/": "PngFolder",
    }
    for name, kind in kinds.items():
        assert type(clip_writer(name)).__name__ == kind
    assert type(clip_writer(tmp_path)).__name__ == "PngFolder"


def test_a_sheet_has_a_tile_for_each_control():
    poses = {name: pose for name, pose in list(all_controls(RIG).items())[:5]}
    assert list(poses)[0] == "neutral" and poses[ARKIT[0]] == {ARKIT[0]: 1.0}
    sheet = contact_sheet(RIG, poses, tile=(40, 50), columns=3)
    assert sheet.shape == (2 * 72, 120, 3)
    first, second = sheet[:50, :40].astype(int), sheet[:50, 40:80].astype(int)
    assert np.abs(first - second).max() > 20
