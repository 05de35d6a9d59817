"""MetaHuman's face board, as JSON and as a long table, and Audio2Face's layout."""

import csv
import json
import logging
from fractions import Fraction

import numpy as np
import pytest

from facegen.core.animation import Animation
from facegen.formats import load_animation, save
from facegen.pipeline.animate import retarget
from facegen.rig import ARKIT, load_rig
from tests.helpers.animations import wave

BOARD = load_rig("metahuman").control_names


def test_json_holds_the_board_by_frame(tmp_path):
    animation = wave(5, "30000/1001")
    save(animation, tmp_path / "a.mh.json")
    data = json.loads((tmp_path / "a.mh.json").read_text())
    assert tuple(data["controls"]) == BOARD and data["fps"] == "30000/1001"
    assert np.shape(data["values"]) == (5, len(BOARD)) and np.shape(data["head"]) == (5, 6)
    assert load_animation(tmp_path / "a.mh.json") == retarget(animation, "metahuman")


@pytest.mark.parametrize(
    ("control", "slider", "value"),
    [
        ("eyeBlinkLeft", "CTRL_L_eye_blink-translateY", 1),
        ("eyeWideLeft", "CTRL_L_eye_blink-translateY", -1),
        ("jawForward", "CTRL_C_jaw_fwdBack-translateY", -1),
        ("jawRight", "CTRL_C_jaw-translateX", 1),
        ("mouthLeft", "CTRL_C_mouth-translateX", 1),
        ("eyeLookInLeft", "CTRL_L_eye-translateX", -1),
    ],
)
def test_signs_of_sliders_that_go_both_ways(control, slider, value, tmp_path):
    save(Animation(30, (control,), [[1.0]]), tmp_path / "a.mh.json")
    again = load_animation(tmp_path / "a.mh.json")
    assert np.sign(again.channel(slider)[0]) == value and abs(again.channel(slider)[0]) > 0.5


def table(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["curve_name", "frame_number", "value"]
    found = {}
    for row in rows:
        found.setdefault(row["curve_name"], []).append((int(row["frame_number"]), float(row["value"])))
    return found


def test_the_table_holds_each_curve_frame_by_frame(tmp_path):
    save(wave(5), tmp_path / "a.mh.csv")
    wanted = retarget(wave(5), "metahuman")
    found = table(tmp_path / "a.mh.csv")
    assert tuple(found) == BOARD
    for name, rows in found.items():
        assert [frame for frame, _ in rows] == list(range(5))
        assert np.allclose([value for _, value in rows], wanted.channel(name), atol=1e-6)


def test_raw_curves_keep_their_names_in_the_table(tmp_path):
    raw = retarget(wave(3), "metahuman_raw")
    save(raw, tmp_path / "a.mh.csv")
    assert tuple(table(tmp_path / "a.mh.csv")) == raw.controls
    save(raw, tmp_path / "a.mh.json")
    assert load_animation(tmp_path / "a.mh.json").controls == BOARD


def test_audio2face_fields(tmp_path):
    save(wave(6), tmp_path / "a.a2f.json", audio="C:\\talks\\a.wav")
    text = (tmp_path / "a.a2f.json").read_text()
    data = json.loads(text)
    assert list(data) == ["exportFps", "trackPath", "numPoses", "numFrames", "facsNames", "weightMat"]
    assert '"exportFps": 30,' in text and '"numPoses": 52,' in text and '"numFrames": 6,' in text
    assert data["trackPath"] == "a.wav" and tuple(data["facsNames"]) == ARKIT
    again = load_animation(tmp_path / "a.a2f.json")
    assert np.array_equal(again.values, wave(6).values) and again.fps == 30


@pytest.mark.parametrize(("fps", "whole"), [("30000/1001", 30), ("24000/1001", 24), ("25/2", 12), ("1/3", 1)])
def test_audio2face_resamples_to_a_whole_rate_and_says_so(fps, whole, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "facegen"):
        save(wave(8, fps), tmp_path / "a.a2f.json")
    assert f"from {Fraction(fps)} to {whole} fps" in caplog.text
    assert load_animation(tmp_path / "a.a2f.json").fps == whole
    again = load_animation(tmp_path / "a.a2f.json")
    assert np.allclose(again.values, wave(8, fps).resample(whole).values)
