"""Portraits as files: pictures of every kind in, marks and parts out."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from facegen.config import PortraitConfig
from facegen.core.animation import Animation
from facegen.core.errors import FacegenError, ImageError, ModelError, UsageError
from tests.helpers.faces import face_pixels

pytest.importorskip("mediapipe")
pytest.importorskip("moderngl")
av = pytest.importorskip("av")

from PIL import Image  # noqa: E402

from facegen.cli.app import run  # noqa: E402
from facegen.portrait import write_portrait  # noqa: E402
from facegen.portrait.image_metrics import likeness, sharpness, ssim  # noqa: E402
from facegen.portrait.photo import read_photo  # noqa: E402
from facegen.portrait.segmentation import opencv  # noqa: E402
from facegen.portrait.video import check_portrait  # noqa: E402
from facegen.portrait.watermark import SURE, Watermark, watermark_score  # noqa: E402
from facegen.renderers.resumable import write_resumable  # noqa: E402
from facegen.tracking.video_frames import Video  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]


def take(frames=6, fps=25):
    values = np.abs(np.sin(np.arange(frames) * 0.7))[:, None].astype(np.float32) * 0.4
    return Animation(fps, ("jawOpen",), values)


@pytest.fixture(scope="module")
def face(tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "face.png"
    Image.fromarray(face_pixels()).save(path)
    return path


def notes_of(caplog):
    return " ".join(record.getMessage() for record in caplog.records)


@pytest.mark.parametrize("kind", ["alpha", "grey", "palette", "animated", "turned", "sixteen", "odd"])
def test_pictures_of_every_kind_show_their_face(kind, tmp_path, caplog):
    picture, path = Image.fromarray(face_pixels()), tmp_path / "face.png"
    word = {"alpha": "transparent", "animated": "animated", "turned": "EXIF"}.get(kind, "")
    if kind == "alpha":
        picture.putalpha(Image.new("L", picture.size, 200))
    elif kind == "grey":
        picture = picture.convert("L")
    elif kind == "palette":
        picture = picture.convert("P")
    elif kind == "sixteen":
        picture = Image.fromarray(np.asarray(picture.convert("L"), np.uint16) * 257)
    elif kind == "odd":
        picture = picture.crop((0, 0, 287, 285))
    if kind == "animated":
        path = tmp_path / "face.gif"
        picture.save(path, save_all=True, append_images=[Image.new("RGB", picture.size)])
    elif kind == "turned":
        path = tmp_path / "face.jpg"
        exif = Image.Exif()
        exif[0x0112] = 6
        picture.rotate(90, expand=True).save(path, exif=exif)
    else:
        picture.save(path)
    photo = read_photo(path)
    assert photo.grey == (kind in ("grey", "sixteen"))
    assert photo.pixels.shape[0] % 2 == photo.pixels.shape[1] % 2 == 0
    assert 0.3 < np.ptp(photo.landmarks[:, 0]) / photo.pixels.shape[1] < 0.6
    assert word in notes_of(caplog)


def test_a_picture_on_its_side_is_turned(tmp_path, caplog):
    Image.fromarray(np.rot90(face_pixels())).save(tmp_path / "side.png")
    photo = read_photo(tmp_path / "side.png")
    assert photo.landmarks[10, 1] < photo.landmarks[152, 1]
    assert "turned by" in notes_of(caplog)


def test_of_two_faces_one_is_chosen(tmp_path, caplog):
    both = np.concatenate([face_pixels(), face_pixels()], axis=1)
    Image.fromarray(both).save(tmp_path / "two.png")
    read_photo(tmp_path / "two.png")
    assert "2 faces" in notes_of(caplog)
    right = read_photo(tmp_path / "two.png", face=(432.0, 150.0))
    assert right.landmarks[:, 0].mean() > 288
    with pytest.raises(ImageError, match="no face is there"):
        read_photo(tmp_path / "two.png", face=(5.0, 5.0))


def test_a_small_face_in_a_large_picture_is_found(tmp_path):
    large = np.full((1400, 1800, 3), 120, np.uint8)
    large[200:440, 1300:1540] = face_pixels(240)
    Image.fromarray(large).save(tmp_path / "large.png")
    photo = read_photo(tmp_path / "large.png")
    assert 1300 < photo.landmarks[:, 0].mean() < 1540


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: np.full((200, 200, 3), 90, np.uint8), "shows no face"),
        (lambda: np.asarray(Image.fromarray(face_pixels()).resize((72, 72))), "pixels wide"),
        (lambda: face_pixels(288, (("yaw", 1.0),)), "from the side|shows no face"),
    ],
    ids=["none", "tiny", "profile"],
)
def test_pictures_without_a_usable_face_are_refused(make, words, tmp_path, capsys):
    Image.fromarray(make()).save(tmp_path / "face.png")
    take().save(tmp_path / "a.json")
    out = tmp_path / "o.mp4"
    assert run(["portrait", str(tmp_path / "a.json"), str(tmp_path / "face.png"), "-o", str(out)]) == 3
    assert re.search(words, capsys.readouterr().err)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "face.png"]


def test_the_video_is_marked_unless_told_not_to(face, tmp_path):
    write_portrait(take(), face, tmp_path / "a.mp4")
    bare = PortraitConfig(watermark=False, provenance=False)
    write_portrait(take(), face, tmp_path / "b.mp4", bare)
    scores = [watermark_score([p.pixels for p in Video(tmp_path / n).pictures()]) for n in ("a.mp4", "b.mp4")]
    assert scores[0] > SURE > scores[1]
    with av.open(str(tmp_path / "a.mp4")) as marked, av.open(str(tmp_path / "b.mp4")) as plain:
        assert "compositeWith" in json.loads(marked.metadata["comment"])["digitalSourceType"]
        assert "comment" not in plain.metadata


def test_the_visible_mark_stands_in_its_corner():
    photo = face_pixels()
    shown = Watermark(photo, True, False).on(photo)
    moved = np.abs(shown.astype(int) - photo).sum(axis=2)
    assert moved[-30:, -120:].max() > 200 and moved[:200].max() == 0


@pytest.mark.slow
def test_a_stopped_render_goes_on_to_the_same_bytes(face, tmp_path, monkeypatch):
    short = partial(write_resumable, seconds=0.12)
    monkeypatch.setattr("facegen.portrait.video.write_resumable", short)
    whole, stopped = tmp_path / "whole.mp4", tmp_path / "stopped.mp4"
    write_portrait(take(9), face, whole)

    def stop(step, done, total):
        if step == "render" and done > 0.2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_portrait(take(9), face, stopped, progress=stop)
    kept = sorted((tmp_path / "stopped.mp4.parts").glob("*.mp4"))
    assert kept and not stopped.exists()
    before = kept[0].stat().st_mtime_ns
    again: list[float] = []
    write_portrait(
        take(9),
        face,
        stopped,
        PortraitConfig(resume=True),
        progress=lambda step, done, total: again.append(done),
    )
    assert stopped.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "stopped.mp4.parts").exists()
    assert before and min(again[1:]) > 0.12


def test_a_folder_in_the_way_of_the_parts_is_left_alone(face, tmp_path):
    (tmp_path / "o.mp4.parts").mkdir()
    (tmp_path / "o.mp4.parts" / "mine.txt").write_text("x")
    with pytest.raises(FacegenError, match="in the way"):
        write_portrait(take(), face, tmp_path / "o.mp4")
    assert (tmp_path / "o.mp4.parts" / "mine.txt").exists()


def test_settings_out_of_range_are_refused():
    for wrong in ({"size": 3}, {"steps": 0}, {"strength": 2.0}, {"face": (1.0,)}):
        with pytest.raises(UsageError):
            PortraitConfig(**wrong)
    with pytest.raises(ModelError, match="is no folder"):
        check_portrait(PortraitConfig(backbone="none"))
    with pytest.raises(ModelError, match="no such file"):
        check_portrait(PortraitConfig(refiner="none.onnx"))
    with pytest.raises(ModelError, match="is no refiner"):
        check_portrait(PortraitConfig(refiner=str(ROOT / "facegen/models/lips.onnx")))


def test_measures_of_pictures_hold_their_laws():
    photo = face_pixels()
    noise = np.random.default_rng(0).normal(0, 12, photo.shape)
    noisy = np.clip(photo + noise, 0, 255)
    assert ssim(photo, photo) == pytest.approx(1) and ssim(photo, noisy) < 0.8
    assert likeness(photo, photo) == 0 and likeness(noisy, photo) > 0.3
    assert sharpness(noisy) > sharpness(photo)


@pytest.mark.slow
def test_evaluate_judges_a_portrait(face, tmp_path, capsys):
    take(12).save(tmp_path / "a.json")
    write_portrait(take(12), face, tmp_path / "a.mp4")
    capsys.readouterr()
    words = ["evaluate", str(tmp_path / "a.mp4"), str(tmp_path / "a.json"), "--image", str(face), "--json"]
    assert run(words) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = done["measures"]
    assert found["aperture_agreement"] > 0.85 and abs(found["aperture_lag"]) <= 1
    assert found["background_ssim"] > 0.98 and found["identity_shape"] < 0.03 and found["mark_score"] > SURE


def test_a_hand_before_the_face_is_told(face, monkeypatch, caplog):
    from facegen.portrait import scene

    photo = read_photo(face)
    monkeypatch.setattr(scene, "hands", lambda pixels: [photo.landmarks[[13, 14], :2]])
    scene.make_portrait_scene(photo, "face.png")
    assert "hand before the face" in notes_of(caplog)


@pytest.mark.parametrize(
    ("rim", "thick"), [((20, 20, 20), 0.035), ((70, 60, 50), 0.014), ((90, 60, 40), 0.025)]
)
def test_glasses_are_told(rim, thick, face, tmp_path, caplog):
    from facegen.portrait.scene import make_portrait_scene

    photo = read_photo(face)
    make_portrait_scene(photo, "bare.png")
    assert "glasses" not in notes_of(caplog)
    cv2, pixels, at = opencv(), photo.pixels.copy(), photo.landmarks[:, :2]
    wide = float(np.linalg.norm(at[263] - at[33]))
    line = {"color": rim, "thickness": max(1, round(thick * wide)), "lineType": cv2.LINE_AA}
    eyes = [(at[a] + at[b]) / 2 + (0, 0.03 * wide) for a, b in ((33, 133), (263, 362))]
    for eye in eyes:
        cv2.ellipse(pixels, np.int32(eye).tolist(), (int(0.24 * wide), int(0.19 * wide)), 0, 0, 360, **line)
    height = int(at[168, 1])
    cv2.line(pixels, (int(eyes[0][0] + 0.23 * wide), height), (int(eyes[1][0] - 0.23 * wide), height), **line)
    Image.fromarray(pixels).save(tmp_path / "worn.png")
    make_portrait_scene(read_photo(tmp_path / "worn.png"), "worn.png")
    assert "worn.png seems to show glasses" in notes_of(caplog)


def comic(pixels):
    """The picture in even patches with black lines between."""
    cv2, flat = opencv(), pixels
    for _ in range(6):
        flat = cv2.bilateralFilter(flat, 9, 30, 9)
    flat = (flat // 24 * 24 + 12).astype(np.uint8)
    grey = cv2.cvtColor(cv2.medianBlur(pixels, 5), cv2.COLOR_RGB2GRAY)
    lines = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 4) == 0
    flat[lines] //= 4
    return flat


@pytest.mark.parametrize("rig", ["aria", "edith"])
def test_drawings_are_told_from_pictures(rig, tmp_path):
    from facegen.portrait.refiner import MOUTH, PARTS, Refiner, load_samplers
    from facegen.portrait.scene import make_portrait_scene

    pixels, sampler = face_pixels(512, (), rig), load_samplers("built-in", None, 0)[MOUTH]
    for name, shown in (("photo", pixels), ("drawing", comic(pixels))):
        Image.fromarray(shown).save(tmp_path / f"{name}.png")
        photo = read_photo(tmp_path / f"{name}.png")
        puppet = make_portrait_scene(photo, name).puppet
        (places,) = PARTS[MOUTH].maps(puppet)
        drawn = Refiner(sampler, places, puppet, photo.pixels).drawn()
        assert drawn == (name == "drawing")


@pytest.mark.slow
def test_an_untrained_refiner_leaves_the_warped_picture(face, tmp_path):
    pytest.importorskip("diffusers")
    pytest.importorskip("onnx")
    from tools.training.portrait_refiner.export import onnx_model
    from tools.training.portrait_refiner.network import refiner_net

    weights = tmp_path / "refiner.onnx"
    weights.write_bytes(onnx_model(refiner_net("mouth"), 0, 0))
    write_portrait(take(3), face, tmp_path / "plain.mp4", PortraitConfig(watermark=False, refiner="none"))
    refined = PortraitConfig(watermark=False, refiner=str(weights), steps=2)
    write_portrait(take(3), face, tmp_path / "refined.mp4", refined)
    films = [
        [p.pixels.astype(int) for p in Video(tmp_path / f"{n}.mp4").pictures()] for n in ("plain", "refined")
    ]
    assert max(np.abs(a - b).max() for a, b in zip(*films, strict=True)) <= 3


def test_the_built_in_refiners_paint_mouth_and_lids_and_nothing_else(face, tmp_path):
    values = np.array([[0, 0, 0], [0.4, 0, 0], [0.2, 1, 1], [0.3, 0.5, 0.5]], np.float32)
    speaking = Animation(25, ("jawOpen", "eyeBlinkLeft", "eyeBlinkRight"), values)
    for name in ("none", "built-in"):
        write_portrait(speaking, face, tmp_path / name, PortraitConfig(watermark=False, refiner=name))
    plain, refined = (
        np.stack(
            [np.asarray(Image.open(p).convert("RGB"), int) for p in sorted((tmp_path / n).glob("*.png"))]
        )
        for n in ("none", "built-in")
    )
    change = np.abs(plain - refined).max(axis=3)
    near = [_about(read_photo(face).landmarks[rows, :2], change.shape[1:]) for rows in PARTS_AT]
    assert change[:, ~np.any(near, axis=0)].max() == 0
    assert change[1, near[0]].max() > 20 and all(change[2, eye].max() > 20 for eye in near[1:])


PARTS_AT = ([61, 291, 0, 17], [33, 133, 159, 145], [263, 362, 386, 374])  # mouth, right eye, left eye


def _about(points, shape):
    """Where a picture is less than 0.9 of the part's width from its middle."""
    x, y = points.mean(axis=0)
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    reach = 0.9 * np.ptp(points[:, 0])
    return (np.abs(columns - x) < reach) & (np.abs(rows - y) < reach)


def test_a_picture_unlike_all_that_the_refiner_knows_is_warped_and_said(face, tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("facegen.portrait.video.LEAST_TRUTH", 1.01)
    for name in ("none", "built-in"):
        write_portrait(take(2), face, tmp_path / name, PortraitConfig(watermark=False, refiner=name))
    assert "unlike those that the refiner knows" in notes_of(caplog)
    for a, b in zip(*(sorted((tmp_path / n).iterdir()) for n in ("none", "built-in")), strict=True):
        assert a.read_bytes() == b.read_bytes()
