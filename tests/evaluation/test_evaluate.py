"""``facegen evaluate`` as a command, and the comparison tool on made-up clips."""

from __future__ import annotations

import argparse
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.rig import ARKIT
from facegen.speech.phones import Phone, PhoneTrack
from tools.evaluation import compare_decoders as compare

ROOT = Path(__file__).resolve().parents[2]


def motion(frames: int, fps: int, late: float = 0.0) -> Animation:
    """All controls in slow waves, ``late`` s behind."""
    time = (np.arange(frames) + 0.5) / fps - late
    waves = [sum(np.sin(2 * np.pi * f * time + c) for f in (0.4, 0.7, 1.3)) for c in range(52)]
    return Animation(Fraction(fps), ARKIT, 0.5 + np.stack(waves, axis=1) / 7)


@pytest.fixture
def files(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    motion(120, 30).save("a.csv")
    motion(120, 30, late=0.1).save("late.json")
    motion(300, 60).save("fine.safetensors")
    return tmp_path


def evaluated(capsys, *arguments: str) -> dict:
    assert run(["evaluate", *arguments, "--json"]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert last["event"] == "done"
    return last


def test_a_file_against_itself(files, capsys):
    shown = evaluated(capsys, "a.csv", "a.csv")
    assert shown["measures"]["lip_vertex_error"] == 0
    assert shown["measures"]["aperture_correlation"] == pytest.approx(1)
    assert shown["measures"]["mouth_speed_p95"] == shown["reference"]["mouth_speed_p95"]
    assert shown["units"]["lip_vertex_error"] == "mm"
    assert (shown["frames"], shown["fps"], shown["notes"]) == (120, "30", [])
    assert set(shown["reasons"]) == {name for name, value in shown["measures"].items() if value is None}
    assert "closure_rate" not in shown["measures"]  # nothing was heard


def test_a_late_file_is_late(files, capsys):
    shown = evaluated(capsys, "late.json", "a.csv")["measures"]
    assert shown["aperture_lag"] == pytest.approx(100, abs=5)
    assert shown["width_lag"] == pytest.approx(100, abs=5)


def test_another_rate_and_length_are_said_and_cost_nothing(files, capsys):
    shown = evaluated(capsys, "a.csv", "fine.safetensors")
    assert shown["notes"] == [
        "fine.safetensors is resampled from 60 to 30 frames a second",
        "of 120 and 150 frames the first 120 are compared",
    ]
    assert shown["measures"]["aperture_lag"] == 0
    assert shown["measures"]["lip_vertex_error"] < 0.1


def test_the_sound_adds_its_measures(files, capsys):
    sound = str(ROOT / "examples" / "hello.flac")
    shown = evaluated(capsys, "a.csv", "late.json", "--audio", sound, "--other", "late.json")
    for name in ("closure_rate", "silence_motion", "sync_offset", "beat_alignment", "diversity"):
        assert name in shown["measures"]
    assert shown["measures"]["closure_rate"] is not None and shown["reference"]["closure_rate"] is not None


def test_given_phones_judge_closures(files, capsys):
    phones = [{"start": 0.5, "end": 0.6, "label": "P"}, {"start": 1.0, "end": 1.1, "label": "M"}]
    Path("phones.json").write_text(json.dumps({"phones": phones}))
    still = Animation(Fraction(30), ("jawOpen",), np.full((120, 1), 0.5))
    still.save("open.json")
    sound = str(ROOT / "examples" / "hello.flac")
    given = evaluated(capsys, "open.json", "a.csv", "--audio", sound, "--alignment", "phones.json")
    assert given["measures"]["closure_rate"] == 0


def test_another_control_set_is_retargeted(files, capsys):
    from facegen.pipeline.animate import retarget

    retarget(motion(60, 30), "metahuman").save("board.json")
    shown = evaluated(capsys, "board.json", "a.csv")
    assert shown["notes"][0] == "board.json has no control of aria; it is retargeted to arkit"
    assert shown["measures"]["aperture_correlation"] > 0.9


def test_curves_of_no_face_are_refused(files, capsys):
    Animation(Fraction(30), ("tailWag",), np.zeros((9, 1))).save("dog.json")
    assert run(["evaluate", "dog.json", "a.csv"]) == 3
    assert capsys.readouterr().err.startswith("facegen: dog.json: has no control of a known face; ")


def test_the_table_names_units_and_reasons(files, capsys):
    assert run(["evaluate", "a.csv", "late.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["PRED", "REFERENCE"]
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "lips",
        "face",
        "upper face",
        "eyes",
        "head",
        "smoothness",
    ]
    assert any("lip vertex error" in line and line.endswith("mm           low is better") for line in lines)
    assert any("head spread" in line and line.endswith("(the head has no pose)") for line in lines)


# tools/evaluation/compare_decoders.py


def test_summaries_weigh_phones_and_take_medians():
    rows = [
        {"aperture": (0.2, 1), "p b m closed %": (100.0, 3)},
        {"aperture": (0.6, 1), "p b m closed %": (0.0, 1)},
        {"aperture": (0.9, 1)},
    ]
    assert compare.summary(rows) == {"clips": 3, "aperture": 0.6, "p b m closed %": 75.0}


def test_a_clip_is_judged():
    time = (np.arange(75) + 0.5) / 25
    gap = np.clip(0.2 * np.sin(2 * np.pi * 0.7 * time) * np.sin(2 * np.pi * 1.1 * time), 0, None)
    late = np.interp(time - 0.08, time, gap)
    phones = PhoneTrack((Phone(0.4, 0.5, "AA"), Phone(1.9, 2.0, "B")))
    row = compare.judge(compare.Lips(late, gap), compare.Lips(gap, gap), phones)
    assert (
        row["lag ms"][0] == pytest.approx(80, abs=5) and row["aperture at best lag"][0] > row["aperture"][0]
    )
    assert row["width"][0] == pytest.approx(1)
    assert set(compare.judge(compare.Lips(late, None, False), compare.Lips(gap, gap), phones)) == {
        "aperture",
        "aperture at best lag",
        "lag ms",
    }


def test_files_of_a_peer(tmp_path):
    (tmp_path / "clip.tsv").write_text("0.00\tX\n0.50\tD\n1.00\tA\n1.50\tX\n")
    (tmp_path / "clip.txt").write_text("notes")
    motion(30, 30).save(tmp_path / "other.json")
    assert compare.peer_file(tmp_path, "clip") == tmp_path / "clip.tsv"
    assert compare.peer_file(tmp_path, "other") == tmp_path / "other.json"
    assert compare.peer_file(tmp_path, "third") is None
    jaw = compare.read_rhubarb(tmp_path / "clip.tsv").channel("jawOpen")
    assert jaw[70] > 0.3 > jaw[120] and len(jaw) == 151
    lips = compare.of_file(tmp_path / "clip.tsv", compare.aria_head())
    assert lips.aperture[18] > 0.1 > lips.aperture[31]
    with pytest.raises(argparse.ArgumentTypeError):
        compare._peer(f"name={tmp_path}/none")


def test_the_table_as_markdown():
    table = {"rules": {"s2": {"clips": 2.0, "aperture": 0.7}, "all but s1": {"clips": 2.0, "aperture": 0.7}}}
    lines = compare.markdown({"grid": table, "facegood jaw": {"rules": {"a": 0.5, "b": 0.7}}}).splitlines()
    assert lines[2].startswith("| rules | s2 | 2 | 0.7 |")
    assert lines[-1] == "| rules | 0.500 | 0.700 | 0.600 |"
    assert len({line.count("|") for line in lines[:4]}) == 1
