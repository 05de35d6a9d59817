"""Editing a take: a span solved again, all else to the bit as it was, and changes by hand that stay."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import facegen
from facegen.cli.app import run
from facegen.core.errors import AnimationFileError, UsageError
from facegen.formats import load_take, save
from facegen.motion.take import HAND, compose
from facegen.pipeline.edit import EditSpan, apply_hand_edits, edit


@pytest.fixture(scope="module")
def take(sample):
    return facegen.solve(sample, fps=60, duration=4)


def outside(take, span):
    middle = (np.arange(take.frames) + 0.5) / float(take.fps)
    return (middle < span[0]) | (middle > span[1])


@pytest.mark.parametrize("span", [(1.2, 2.4), (0, 0.8), (3.1, 9)])
def test_only_the_span_changes(take, span):
    edited = facegen.edit(take, span, emotion="happy", seed=5)
    before, after = compose(take), compose(edited)
    still = outside(take, span)
    assert np.array_equal(before.values[still], after.values[still])
    assert np.array_equal(before.head[still], after.head[still])
    smile = before.controls.index("mouthSmileLeft")
    assert (after.values - before.values)[~still, smile].max() > 0.2
    assert edited.emotion.spans[0].emotion.categories["happy"] > 0.9


@settings(max_examples=5)
@given(start=st.floats(0, 3.5), length=st.floats(0.02, 2), seed=st.integers(1, 9))
def test_all_else_stays_to_the_bit_for_any_span(take, start, length, seed):
    edited = facegen.edit(take, (start, start + length), seed=seed, intensity=2.0, mouth=0.5)
    still = outside(take, (start, start + length))
    assert np.array_equal(compose(take).values[still], compose(edited).values[still])


def test_an_edit_without_changes_is_the_identity(take):
    assert np.allclose(compose(edit(take, EditSpan(1, 2), {})).values, compose(take).values, atol=1e-6)


def test_the_borders_are_faded(take):
    before, after = compose(take).values, compose(facegen.edit(take, (1, 3), emotion="happy")).values
    jump = np.abs(np.diff(after - before, axis=0)).max()
    assert jump < 0.25 * np.abs(after - before).max()


def test_changes_by_hand_survive_a_new_solve(take):
    curves = compose(take)
    values = curves.values.copy()
    column = curves.controls.index("browDownLeft")
    values[100:140, column] = 0.9
    edited = apply_hand_edits(take, replace(curves, values=values))
    assert np.allclose(compose(edited).values, values, atol=1e-6)
    assert edited.layer(HAND).animation.controls == ("browDownLeft",)
    again = facegen.edit(edited, (1.5, 2.5), emotion="happy")
    assert again.layers[-1].name == HAND and again.layer(HAND) == edited.layer(HAND)
    assert compose(again).values[120, column] > 0.8
    assert apply_hand_edits(edited, curves).layers == take.layers  # undone by hand: no layer is left


def test_text_sharpens_the_span_alone(take):
    span = (1.0, 2.5)
    edited = facegen.edit(take, span, text="my name is Aria")
    spoken = [p.label for p in edited.phones if p.start >= 1.0 and p.end <= 2.5]
    assert spoken[:7] == ["M", "AY", "N", "EY", "M", "IH", "Z"]
    assert [p for p in edited.phones if p.end <= 1.0] == [p for p in take.phones if p.end <= 1.0]
    assert edited.phones != take.phones
    still = outside(take, span)
    assert np.array_equal(compose(take).values[still], compose(edited).values[still])


def test_other_takes_and_sounds_are_refused(take, sample, tmp_path):
    with pytest.raises(UsageError, match="lasts"):
        facegen.edit(replace(take, audio={"name": "x", "seconds": "3"}), (1, 2), audio=sample)
    lost = replace(take, audio={**take.audio, "path": "gone.wav", "name": "gone.wav"})
    with pytest.raises(UsageError, match="gone.wav.*--audio"):
        facegen.edit(lost, (1, 2))
    with pytest.raises(UsageError, match="not solved from sound"):
        facegen.edit(replace(take, config={}), (1, 2))
    with pytest.raises(UsageError, match="emotion"):
        facegen.edit(take, (1, 2), emotoin="happy")
    with pytest.raises(AnimationFileError, match="frames"):
        apply_hand_edits(take, compose(take).resample(30))


def test_the_command_edits_in_place_and_finds_the_sound_beside_the_take(sample, tmp_path, monkeypatch):
    shutil.copy(sample, tmp_path / "a.flac")
    monkeypatch.chdir(tmp_path)
    assert run(["animate", "a.flac", "-o", "a.take", "--duration", "3", "--quiet"]) == 0
    before = compose(load_take("a.take"))
    monkeypatch.chdir(Path("/"))
    place = str(tmp_path / "a.take")
    assert run(["edit", place, "--span", "1:2", "--emotion", "sad", "-o", place, "--quiet"]) == 0
    after = load_take(place)
    assert np.array_equal(before.values[:30], compose(after).values[:30])
    assert not np.array_equal(before.values[30:60], compose(after).values[30:60])
    save(compose(after), tmp_path / "hand.csv")
    assert run(["edit", place, "--hand", str(tmp_path / "hand.csv"), "-o", place, "--quiet"]) == 0
    assert HAND not in [layer.name for layer in load_take(place).layers]  # nothing was changed by hand


@pytest.mark.parametrize(
    "words", [["--span", "2:1"], ["--span", "x"], [], ["--span", "1:2", "--emotion", "hapy"]]
)
def test_wrong_words_are_usage_errors(words, take, tmp_path):
    place = tmp_path / "t.take"
    save(take, place)
    assert run(["edit", str(place), *words, "-o", str(tmp_path / "out.take")]) == 2
    assert not (tmp_path / "out.take").exists()
