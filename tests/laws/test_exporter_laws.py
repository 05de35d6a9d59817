"""Laws of file formats: what is written reads back equal, within the format's precision."""

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.core.registry import Registry
from facegen.formats import load_animation, load_take, save
from facegen.formats.rhubarb import mouth_cues
from facegen.formats.timecode import RATES, frame_rate, parse_timecode, timecode
from facegen.motion.take import compose
from facegen.rig import ARKIT, load_rig
from facegen.speech.phones import Phone, PhoneTrack
from facegen.speech.textgrid import textgrid_tiers
from tests.helpers.extras import USD
from tests.helpers.tiny_rig import tiny_rig
from tests.laws.strategies import animations, rates, takes

RIG = tiny_rig()
BOARD = load_rig("metahuman")
# A .vrm needs a model, a .fbx a Blender.
FILES = [s for s in Registry("exporters").names() if not s.endswith("/") and s not in (".vrm", ".fbx")]


def saved(thing, suffix, **options):
    """The bytes that ``save`` writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "take" + suffix)
        save(thing, path, **options)
        return path.read_bytes()


def written(thing, suffix, **options):
    """The bytes that ``save`` writes, and what ``load_animation`` makes of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "take" + suffix)
        save(thing, path, **options)
        return path.read_bytes(), load_animation(path)


@pytest.mark.parametrize("suffix", [".json", ".safetensors", ".take"])
@settings(max_examples=20)
@given(animation=animations())
def test_exact_formats_give_back_the_same_animation(suffix, animation):
    assert written(animation, suffix)[1] == animation


@given(
    values=hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
)
def test_json_holds_every_float(values):
    animation = Animation(30, ("a", "b", "ü", '"'), values)
    assert written(animation, ".json")[1] == animation


@settings(max_examples=20)
@given(animations(), st.booleans())
def test_live_link_holds_controls_and_head_turns_to_a_millionth(animation, longer):
    if longer or len(animation) < 2:
        animation = animation.concat(animation)
    again = written(animation, ".csv")[1]
    assert again.controls == ARKIT and again.fps == animation.fps
    assert np.abs(again.values - animation.select(ARKIT).values).max() <= 1e-6
    turns = np.zeros((len(animation), 3)) if animation.head is None else animation.head[:, :3]
    assert (again.head is None) == (not np.round(turns, 10).any())
    if again.head is not None:
        assert np.abs(again.head[:, :3] - turns).max() <= 1e-6


@pytest.mark.parametrize("suffix", [".glb", ".gltf", *USD])
@settings(max_examples=15)
@given(animation=animations())
def test_heads_hold_weights_exactly_and_the_head_to_a_hundred_thousandth(suffix, animation):
    again = written(animation, suffix, rig=RIG)[1]
    assert again.controls == ARKIT and again.fps == animation.fps
    assert np.array_equal(again.values, animation.select(ARKIT).values)
    assert (again.head is None) == (animation.head is None)
    if again.head is not None:
        assert np.abs(again.head - animation.head).max() <= 1e-5


@settings(max_examples=20)
@given(takes())
def test_a_take_reads_back_equal_and_composes_to_the_same_bytes(take):
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, "a.take"), Path(folder, "b.take")
        save(take, first)
        again = load_take(first)
        save(again, second)
        assert again == take
        assert compose(again).values.tobytes() == compose(take).values.tobytes()
        assert load_animation(first) == compose(take)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("suffix", FILES)
@settings(max_examples=5)
@given(take=takes())
def test_the_same_input_gives_the_same_bytes(suffix, take):
    assert saved(take, suffix, rig=RIG) == saved(take, suffix, rig=RIG)


@settings(max_examples=20)
@given(animations())
def test_audio2face_holds_each_weight_at_a_whole_rate(animation):
    again = written(animation, ".a2f.json")[1]
    wanted = animation.resample(round(animation.fps))
    assert again == replace(wanted, head=None)


@settings(max_examples=10)
@given(animations())
def test_the_face_board_of_metahuman_stays_within_its_sliders(animation):
    again = written(animation, ".mh.json")[1]
    assert (
        again.controls == BOARD.control_names and again.fps == animation.fps and len(again) == len(animation)
    )
    low, high = np.array([(c.low, c.high) for c in BOARD.controls]).T
    assert (again.values >= low).all() and (again.values <= high).all()


@settings(max_examples=30)
@given(takes())
def test_a_textgrid_holds_the_phones(take):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.TextGrid")
        save(take, path)
        ((_, rows),) = textgrid_tiers(path.read_text())
    assert PhoneTrack(tuple(Phone(*row) for row in rows if row[2])) == take.phones


@settings(max_examples=30)
@given(takes())
def test_rhubarb_s_cues_cover_the_sound_and_change_at_each(take):
    cues = mouth_cues(take)
    assert cues[0][0] == 0 and all(a[1] == b[0] and a[2] != b[2] for a, b in pairwise(cues))
    assert all(start < end for start, end, _ in cues)


@given(st.sampled_from(RATES), st.integers(8, 400), st.integers(0, 10**7))
def test_timecodes_tell_the_rate_at_any_start(fps, rows, start):
    codes = [parse_timecode(timecode(start + i, fps)) for i in range(rows)]
    assert frame_rate(codes) == fps


@given(rates, st.integers(0, 10**6))
def test_a_timecode_says_when_its_frame_starts(fps, frame):
    seconds, sixtieths, thousandths = parse_timecode(timecode(frame, fps))
    told = seconds + (sixtieths + thousandths / 1000) / 60
    assert abs(told - float(frame / fps) % 86400) < 1e-5


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """A folder with one small file of each format."""
    folder = tmp_path_factory.mktemp("whole")
    animation = Animation(30, ARKIT[:8], np.random.default_rng(0).random((5, 8)), np.full((5, 6), 0.1))
    for suffix in (".csv", ".json", ".safetensors", ".take", ".glb", ".gltf", ".a2f.json", ".mh.json"):
        save(animation, folder / f"a{suffix}", rig=RIG)
    return folder


@pytest.mark.parametrize(
    "suffix", [".csv", ".json", ".safetensors", ".take", ".glb", ".gltf", ".a2f.json", ".mh.json"]
)
@given(
    changes=st.lists(
        st.tuples(st.floats(0, 1), st.binary(max_size=4), st.integers(0, 6)), min_size=1, max_size=6
    )
)
def test_a_damaged_file_is_read_or_refused_in_one_line(suffix, changes, whole_files):
    content = bytearray((whole_files / f"a{suffix}").read_bytes())
    for place, put, drop in changes:
        at = int(place**3 * len(content))
        content[at : at + drop] = put
    damaged = whole_files / f"damaged{suffix}"
    damaged.write_bytes(content)
    try:
        assert np.isfinite(load_animation(damaged).values).all()
    except AnimationFileError as error:
        assert damaged.name in str(error) and "\n" not in str(error)
