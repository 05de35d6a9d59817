"""The parts of tools/evaluation/side_by_side.py that need neither a video nor OpenGL."""

import json
from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("PIL", reason="drawing needs Pillow (extra: render)")
from hypothesis import given
from hypothesis import strategies as st

from facegen.core.animation import Animation
from facegen.rig import load_rig
from facegen.speech.phones import Phone, PhoneTrack
from tools.evaluation import side_by_side

TRACK = PhoneTrack((Phone(0.2, 0.3, "B"), Phone(0.3, 0.5, "AA")))


@given(
    start=st.floats(0, 3),
    length=st.floats(0.005, 0.5),
    fps=st.sampled_from([24, 25, 30, 60]),
    count=st.integers(3, 200),
)
def test_the_frames_around_a_phone_are_in_order_and_within_the_clip(start, length, fps, count):
    before, middle, after = side_by_side.frames_around(Phone(start, start + length, "P"), fps, count)
    assert 0 <= before <= middle <= after < count
    if (start + length) * fps + 1 < count:
        assert (before + 1) / fps <= start + 1e-6 or before == 0
        assert start - 1 / fps < middle / fps <= start + length
        assert (after + 1) / fps >= start + length


def test_the_caption_is_the_phone_that_is_spoken():
    assert [side_by_side.phone_at(TRACK, t) for t in (0.1, 0.2, 0.3, 0.6)] == ["", "B", "AA", ""]


def test_the_phones_of_a_clip_are_found_by_its_name(tmp_path):
    path = tmp_path / "phones.jsonl"
    lines = [{"clip": "a", "phones": []}, {"clip": "b", "phones": [[0.2, 0.3, "B"], [0.3, 0.5, "AA"]]}]
    path.write_text("\n".join(map(json.dumps, lines)))
    assert side_by_side.given_phones(path)["b"] == TRACK and not side_by_side.given_phones(None)


@pytest.mark.parametrize("shape", [(20, 40), (40, 20), (33, 33)])
def test_a_picture_fits_its_square_undistorted(shape):
    out = side_by_side.fitted(np.full((*shape, 3), 255, np.uint8), 100)
    lit = (out > 128).all(axis=2)
    assert out.shape == (100, 100, 3)
    assert (lit.any(axis=1).sum() / lit.any(axis=0).sum()) == pytest.approx(shape[0] / shape[1], rel=0.05)


@given(x=st.floats(-50, 150), y=st.floats(-50, 150), side=st.floats(0, 300))
def test_a_crop_stays_within_the_picture(x, y, side):
    out = side_by_side.crop(np.full((60, 80, 3), 200, np.uint8), np.array([x, y]), side, 16)
    assert out.shape == (16, 16, 3) and (out == 200).all()


def test_a_crop_shows_what_it_is_centred_on():
    pixels = np.zeros((60, 80, 3), np.uint8)
    pixels[20:30, 50:60] = 255
    assert (side_by_side.crop(pixels, np.array([55, 25]), 10, 16) == 255).all()


def test_the_mouth_of_the_head_lies_in_the_lower_middle_of_its_picture():
    (x, y), side = side_by_side.mouth_of_head(load_rig("aria"))
    assert x == pytest.approx(side_by_side.DRAWN / 2, abs=3)
    assert (
        0.5 * side_by_side.DRAWN < y < 0.9 * side_by_side.DRAWN
        and 0.1 * side_by_side.DRAWN < side < 0.5 * side_by_side.DRAWN
    )


def shot(frames: int = 10) -> side_by_side.Shot:
    points = np.zeros((frames, 478, 3), np.float32)
    for index, place in (
        (side_by_side.EYES[0], (30, 30)),
        (side_by_side.EYES[1], (70, 30)),
        (13, (50, 60)),
        (14, (50, 64)),
    ):
        points[:, index, :2] = place
    points[:, side_by_side.LEFT_CORNER, :2], points[:, side_by_side.RIGHT_CORNER, :2] = (60, 62), (40, 62)
    actor = np.full((frames, 100, 100, 3), 90, np.uint8)
    jaw = np.linspace(0, 0.5, frames)[:, None].astype(np.float32)
    return side_by_side.Shot(Fraction(25), actor, points, Animation(Fraction(25), ("jawOpen",), jaw), TRACK)


def test_a_strip_shows_both_mouths_three_times():
    one, heads = shot(), np.full((10, side_by_side.DRAWN, side_by_side.DRAWN, 3), 30, np.uint8)
    out = side_by_side.strip(one, heads, TRACK.phones[0], (np.array([300.0, 400.0]), 100.0))
    assert out.shape == (2 * side_by_side.MOUTH, 3 * side_by_side.MOUTH, 3)
    assert (out[-10] == 30).all() and (out[side_by_side.MOUTH - 10] == 90).all()


def test_the_cursor_moves_over_the_curves():
    pytest.importorskip("matplotlib", reason="the chart needs matplotlib")
    one, heads = shot(), np.zeros((10, side_by_side.DRAWN, side_by_side.DRAWN, 3), np.uint8)
    curves, ends = side_by_side.chart(one, load_rig("aria"))
    assert curves.shape == (side_by_side.CHART, 2 * side_by_side.FACE, 3) and ends[0] < ends[1]
    frames = list(side_by_side.compose(one, heads, curves, ends))
    places = [np.flatnonzero((f[-1] == side_by_side.CURSOR).all(axis=1)).mean() for f in frames]
    assert len(frames) == 10 and frames[0].shape == (
        side_by_side.FACE + side_by_side.CHART,
        2 * side_by_side.FACE,
        3,
    )
    assert ends[0] < places[0] and places[-1] < ends[1] and (np.diff(places) > 0).all()
