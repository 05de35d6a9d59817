"""What every output format must do, whatever it writes."""

from dataclasses import replace

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, OutputError, UsageError
from facegen.core.registry import Registry
from facegen.formats import load_animation, load_take, needs_layers, save
from facegen.formats.gltf.vrma import EYES
from facegen.formats.take import to_take
from facegen.motion.take import Layer, Take, compose
from facegen.rig import ARKIT, load_rig
from facegen.speech.phones import Phone, PhoneTrack
from tests.helpers.animations import wave
from tests.helpers.extras import USD
from tests.helpers.tiny_rig import tiny_rig

NEEDS_A_MODEL = ".vrm"
NEEDS_BLENDER = ".fbx"
SUFFIXES = [
    s
    for s in Registry("exporters").names()
    if not s.endswith("/") and s not in (NEEDS_A_MODEL, NEEDS_BLENDER)
]
RIG = tiny_rig()
LANDS_ON = {
    ".mh.json": load_rig("metahuman").control_names,
    ".vrma": (*(name for name in ARKIT if name not in EYES), *EYES),
}
"""Formats that read back on other controls than those that were written."""
HEADLESS = (".a2f.json",)
every_format = pytest.mark.parametrize("suffix", [*(s for s in SUFFIXES if not s.startswith(".usd")), *USD])


def thing(suffix, animation):
    """What the format of ``suffix`` is made from: the animation, or a take of it in which two phones were heard."""
    if not needs_layers(suffix):
        return animation
    return replace(to_take(animation), phones=PhoneTrack((Phone(0, 0.02, "M"), Phone(0.02, 0.03, "AA"))))


@every_format
def test_one_frame_can_be_written(suffix, tmp_path):
    path = tmp_path / f"one{suffix}"
    save(thing(suffix, wave(1)), path, rig=RIG)
    assert path.stat().st_size > 0


@every_format
def test_no_frames_and_no_controls_are_refused_and_leave_nothing(suffix, tmp_path):
    with pytest.raises(AnimationFileError, match="no frames"):
        save(thing(suffix, wave(0)), tmp_path / f"none{suffix}", rig=RIG)
    if not needs_layers(suffix):
        with pytest.raises(AnimationFileError, match="no controls"):
            save(Animation(30, (), np.zeros((3, 0))), tmp_path / f"none{suffix}", rig=RIG)
    assert not list(tmp_path.iterdir())


@every_format
@pytest.mark.parametrize("name", ["x" * 200, "two words", "größe 😀", "-o", "a.b.c", "UPPER"])
def test_unusual_names(suffix, name, tmp_path):
    path = tmp_path / (name + (suffix.upper() if name == "UPPER" else suffix))
    save(thing(suffix, wave(2)), path, rig=RIG)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@every_format
def test_a_folder_a_missing_folder_and_an_endless_name_are_refused(suffix, tmp_path):
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    for path in (folder, tmp_path / "missing" / f"a{suffix}", tmp_path / ("x" * 400 + suffix)):
        with pytest.raises(OutputError):
            save(thing(suffix, wave(2)), path, rig=RIG)
    assert list(tmp_path.iterdir()) == [folder] and not list(folder.iterdir())


@every_format
def test_a_failed_export_keeps_the_file_that_was_there(suffix, tmp_path):
    path = tmp_path / f"kept{suffix}"
    path.write_text("before")
    with pytest.raises((AnimationFileError, UsageError)):
        save(thing(suffix, wave(0)), path, rig=RIG)
    assert path.read_text() == "before" and len(list(tmp_path.iterdir())) == 1


@every_format
def test_a_take_is_written_as_what_it_composes_to(suffix, tmp_path):
    blink = Animation(30, ("eyeBlinkLeft",), np.linspace(0, 1, 12)[:, None])
    phones = PhoneTrack((Phone(0.1, 0.2, "M"),))
    take = Take(30, 12, phones=phones, layers=(Layer("lips", "add", wave()), Layer("blink", "max", blink)))
    save(take, tmp_path / f"take{suffix}", rig=RIG)
    if suffix in Registry("importers"):
        again = load_animation(tmp_path / f"take{suffix}")
        assert again.controls == LANDS_ON.get(suffix, ARKIT) and again.fps == 30
        if again.controls == ARKIT:
            assert np.abs(again.values - compose(take).values).max() < 1e-6


@every_format
def test_a_format_that_reads_back_gives_a_take_of_the_same_motion(suffix, tmp_path):
    if suffix not in Registry("importers"):
        pytest.skip(f"{suffix} is not read")
    save(wave(), tmp_path / f"a{suffix}", rig=RIG)
    take = load_take(tmp_path / f"a{suffix}")
    assert [layer.name for layer in take.layers] == ["lips"]
    save(take, tmp_path / "b.safetensors")
    again = load_animation(tmp_path / "b.safetensors")
    assert (again.head is not None) == (suffix not in HEADLESS)
    if again.controls == ARKIT:
        assert np.abs(again.values - wave().values).max() < 1e-6


@every_format
def test_names_that_are_no_ascii_and_values_beyond_one(suffix, tmp_path):
    """Formats for any controls keep them; those for a face's own set say that there is nothing to write."""
    odd = Animation("30000/1001", ("größe", "目", 'a"b\\c'), np.array([[2.5, -1, 1e-7], [0, 3e8, 1]]))
    path = tmp_path / f"odd{suffix}"
    try:
        save(thing(suffix, odd), path, rig=RIG)
    except UsageError as error:
        assert "retarget" in str(error) and not path.exists()
    else:
        if suffix in Registry("importers"):
            kept = {".a2f.json": odd.resample(30), ".vrma": replace(odd, values=odd.values.clip(0, 1))}
            assert load_animation(path) == kept.get(suffix, odd)


def test_an_unknown_suffix_or_option_names_the_known_ones(tmp_path):
    for path in (tmp_path / "a.docx", tmp_path / "a"):
        with pytest.raises(UsageError, match=r"\.csv .*\.glb .*\.json"):
            save(wave(), path)
        with pytest.raises(UsageError, match=r"\.csv .*\.glb .*\.json"):
            load_animation(path)
    with pytest.raises(UsageError, match="rig"):
        save(wave(), tmp_path / "a.csv", rigg="arkit")


def test_an_unknown_rig_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match="no rig"):
        save(wave(), tmp_path / "a.glb", rig="nobody")
    assert not list(tmp_path.iterdir())


def test_a_take_keeps_controls_of_other_rigs(tmp_path):
    other = Animation(24, ("tongueTipUp", "jawOpen"), np.array([[0.2, 1.4], [0.9, -0.1]]))
    save(other, tmp_path / "a.take")
    assert load_animation(tmp_path / "a.take") == other
