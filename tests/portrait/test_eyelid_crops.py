"""Lids in portraits: the map that the painter is given follows them, and what it paints stays on them."""

from __future__ import annotations

import numpy as np
import pytest

from facegen.core.animation import Animation
from tests.helpers.faces import face_pixels

pytest.importorskip("mediapipe")
pytest.importorskip("moderngl")

from PIL import Image  # noqa: E402

from facegen.portrait.conditioning import conditioning_vectors  # noqa: E402
from facegen.portrait.crops import SIDE  # noqa: E402
from facegen.portrait.eyelid_crops import SOCKETS, eye_maps  # noqa: E402
from facegen.portrait.photo import read_photo  # noqa: E402
from facegen.portrait.refiner import EYES, PARTS, load_samplers, painted, stacked  # noqa: E402
from facegen.portrait.scene import make_portrait_scene  # noqa: E402

MOVES = {"rest": {}, "half": {"eyeBlink": 0.5}, "shut": {"eyeBlink": 1.0}, "aside": {"eyeLookIn": 0.8},
         "wide": {"eyeWide": 1.0}}  # fmt: skip


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    path = tmp_path_factory.mktemp("faces") / "face.png"
    Image.fromarray(face_pixels(400)).save(path)
    return make_portrait_scene(read_photo(path), "face.png")


def instant(scene, move, pose=(0.0,) * 6):
    wanted = {f"{name}{side}": value for name, value in MOVES[move].items() for side in SOCKETS}
    curves = Animation(25, tuple(wanted) or ("jawOpen",), np.array([[*wanted.values()] or [0.0]], np.float32))
    rows, _ = scene.puppet.rows(curves)
    return scene.puppet.at(rows[0], np.array(pose))


def drawn(scene, move, number=0, pose=(0.0,) * 6):
    places, now = eye_maps(scene.puppet)[number], instant(scene, move, pose)
    return places.map(now, places.square(now))


@pytest.mark.parametrize("number", [0, 1])
def test_the_map_follows_the_lids(scene, number):
    seen = {move: int((drawn(scene, move, number)[..., 2] > 0).sum()) for move in MOVES}
    assert seen["wide"] > 1.1 * seen["rest"] > 1.5 * seen["half"]
    assert seen["shut"] < 0.15 * seen["rest"]  # the line where they meet
    assert abs(seen["aside"] - seen["rest"]) < 0.2 * seen["rest"]


def test_the_iris_goes_where_the_eye_looks_and_not_onto_the_lids(scene):
    for number, towards in ((0, 1), (1, -1)):  # the right eye is on the picture's left: in is to the right
        at = [
            np.argwhere(drawn(scene, move, number)[..., 2] == 255)[:, 1].mean() for move in ("rest", "aside")
        ]
        assert towards * (at[1] - at[0]) > 4
    for move in MOVES:
        lids, _, ball = (drawn(scene, move)[..., n] for n in range(3))
        assert (lids[ball > 0] > 0).mean() < 0.6 or move in ("half", "shut")


def test_the_square_keeps_the_eye_in_its_middle_while_the_head_turns(scene):
    for number in (0, 1):
        places = eye_maps(scene.puppet)[number]
        for pose in ((0.3, 0.0, 0.0, 0, 0, 0), (0.0, 0.2, 0.2, 1.0, 0.5, 2.0)):
            now = instant(scene, "rest", pose)
            shown = np.argwhere(places.map(now, places.square(now))[..., 1] > 0).mean(axis=0)
            assert np.abs(shown - SIDE / 2).max() < 0.06 * SIDE


def test_lids_are_painted_and_the_eyeball_is_not(scene):
    """A shut eye changes more than one at rest; what is seen of the eyeball stays the photo's."""
    sampler, zone = load_samplers("built-in", None, 0)[EYES], PARTS[EYES].zone
    silence = conditioning_vectors(1, 25, None, None)[0]
    size, changed = scene.photo.pixels.shape[:2], {}
    frames = scene.frames(
        Animation(25, ("eyeBlinkLeft", "eyeBlinkRight"), np.array([[0, 0], [1, 1]], np.float32))
    )
    places = eye_maps(scene.puppet)[0]
    source = places.square(instant(scene, "rest")).cut(scene.photo.pixels)
    for move, frame in zip(("rest", "shut"), frames, strict=True):
        assert frame.shape[:2] == size
        now = instant(scene, move)
        square = places.square(now)
        condition = stacked(square.cut(frame), source, places.map(now, square), square.cut(frame))
        change = np.abs(sampler.sample(condition, silence, zone)).max(axis=2)
        share = painted(condition[6], zone)
        assert change[share < 1e-3].max() < 0.5
        changed[move] = change[share > 0.5].mean()
        if move == "rest":
            seen = places.map(now, square)[..., 2] == 255
            assert change[seen].mean() < 3
    assert changed["rest"] < 6 and changed["shut"] > 1.5 * changed["rest"]
