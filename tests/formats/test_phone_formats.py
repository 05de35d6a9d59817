"""Formats made of a take's phones: TextGrid, Rhubarb's mouth shapes, subtitles."""

import json
import re
from xml.etree import ElementTree

import pytest

from facegen.cli.app import run
from facegen.core.errors import AnimationFileError
from facegen.formats import load_take, save
from facegen.formats.rhubarb import SHAPES
from facegen.motion.take import Take
from facegen.speech.alignment_files import phone_track, read_alignment
from facegen.speech.phones import ARPABET, Phone, PhoneTrack
from facegen.speech.textgrid import textgrid_tiers
from tests.helpers.animations import wave
from tests.helpers.phone_takes import PHONES, TAKE, written

SUFFIXES = (".TextGrid", ".tsv", ".xml", ".rhubarb.json", ".srt", ".vtt")


def test_textgrid_intervals_follow_one_another_from_start_to_end(tmp_path):
    ((name, rows),) = textgrid_tiers(written(".TextGrid", tmp_path))
    assert name == "phones" and rows[0][0] == 0 and rows[-1][1] == 0.98
    assert all(a[1] == b[0] for a, b in zip(rows, rows[1:], strict=False))
    assert [row[2] for row in rows] == ["", "HH", "AH", "", "M", "B", ""]


def test_a_textgrid_given_back_as_alignment_is_the_same_phones(tmp_path):
    written(".TextGrid", tmp_path)
    assert phone_track(read_alignment(tmp_path / "a.TextGrid"), 0.98) == PHONES


def test_rhubarb_rows_begin_at_zero_and_end_at_rest(tmp_path):
    assert written(".tsv", tmp_path) == "0.00\tX\n0.10\tB\n0.25\tC\n0.30\tX\n0.50\tA\n0.70\tX\n0.98\tX\n"


def test_rhubarb_xml_and_json_say_the_same_as_the_rows(tmp_path):
    rows = [line.split("\t") for line in written(".tsv", tmp_path).splitlines()]
    cues = [(a, b[0], shape) for (a, shape), b in zip(rows, rows[1:], strict=False)]
    tree = ElementTree.fromstring(written(".xml", tmp_path))
    assert tree.tag == "rhubarbResult"
    assert (
        tree.findtext("metadata/soundFile") == "a <b> & c.wav"
        and tree.findtext("metadata/duration") == "0.98"
    )
    assert [(c.get("start"), c.get("end"), c.text) for c in tree.iter("mouthCue")] == cues
    data = json.loads(written(".rhubarb.json", tmp_path))
    assert data["metadata"] == {"soundFile": "a <b> & c.wav", "duration": 0.98}
    assert [(c["start"], c["end"], c["value"]) for c in data["mouthCues"]] == [
        (float(a), float(b), shape) for a, b, shape in cues
    ]


def test_each_phone_has_one_mouth_shape():
    assert sorted(phone for phones in SHAPES.values() for phone in phones) == sorted(ARPABET)
    assert "".join(SHAPES) == "ABCDEFGH"


def test_subtitles_hold_one_cue_a_phone(tmp_path):
    srt = written(".srt", tmp_path).strip().split("\n\n")
    assert srt[1] == "2\n00:00:00,250 --> 00:00:00,300\nAH" and len(srt) == 4
    vtt = written(".vtt", tmp_path).strip().split("\n\n")
    assert vtt[0] == "WEBVTT" and vtt[4] == "00:00:00.620 --> 00:00:00.700\nB"
    assert [c.split("\n", 1)[1].replace(",", ".") for c in srt] == vtt[1:]


def test_clocks_count_hours(tmp_path):
    late = Take(1, 7300, phones=PhoneTrack((Phone(3661.5, 3661.75, "AA"),)))
    assert "01:01:01,500 --> 01:01:01,750" in written(".srt", tmp_path, late)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_silence_has_a_file_too(suffix, tmp_path):
    silent = Take(30, 30, {"seconds": "1"})
    text = written(suffix, tmp_path, silent)
    assert not re.search("[A-WYZ]{2}\n", text.replace("WEBVTT\n", ""))
    if suffix == ".tsv":
        assert text == "0.00\tX\n1.00\tX\n"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_curves_without_phones_are_refused_with_the_way_out(suffix, tmp_path):
    save(wave(), tmp_path / "a.csv")
    for thing in (wave(), load_take(tmp_path / "a.csv")):
        with pytest.raises(AnimationFileError, match=r"no phones.*\.take"):
            save(thing, tmp_path / f"b{suffix}")
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_phones_survive_a_change_of_rate(tmp_path):
    save(TAKE, tmp_path / "a.take")
    for fps in ("30", "60"):
        out = str(tmp_path / f"{fps}.TextGrid")
        assert run(["convert", str(tmp_path / "a.take"), "-o", out, "--fps", fps, "--quiet"]) == 0
        assert phone_track(read_alignment(out), 0.98) == PHONES
