"""Given phone times: every form gives the same phones, and wrong files say which row is wrong."""

import json

import numpy as np
import pytest

from facegen.core.errors import AlignmentError
from facegen.speech.alignment_files import phone_track, read_alignment
from facegen.speech.phone_symbols import translate
from facegen.speech.phone_timing import refine_alignment
from facegen.speech.phones import LABELS, Features
from tests.corpus.make_alignment import build, textgrid

ROWS = [(0.0, 0.1, ""), (0.1, 0.25, "HH"), (0.25, 0.4, "AW"), (0.4, 0.5, "S")]
SPOKEN = [(0.1, 0.25, "HH"), (0.25, 0.4, "AW"), (0.4, 0.5, "S")]
SHORT = '"ooTextFile"\n"TextGrid"\n0\n1\n<exists>\n1\n"IntervalTier"\n"phones"\n0\n1\n4\n' + "\n".join(
    f'{a}\n{b}\n"{label}"' for a, b, label in ROWS
)
ENTRIES = [{"start": a, "end": b, "phone": label} for a, b, label in ROWS]
GENTLE = {
    "words": [
        {"word": "um", "case": "not-found-in-audio"},
        {
            "word": "house",
            "case": "success",
            "start": 0.1,
            "end": 0.5,
            "phones": [
                {"duration": 0.15, "phone": "hh_B"},
                {"duration": 0.15, "phone": "aw_I"},
                {"duration": 0.1, "phone": "s_E"},
            ],
        },
    ]
}


def features(seconds: float) -> Features:
    count = round(seconds * 100)
    even = np.full((count, len(LABELS)), 1 / len(LABELS), np.float32)
    return Features(even, np.full(count, -30, np.float32), np.zeros(count, np.float32))


def assert_spoken(track) -> None:
    assert [p.label for p in track] == [label for _, _, label in SPOKEN]
    times = [(p.start, p.end) for p in track]
    np.testing.assert_allclose(times, [(a, b) for a, b, _ in SPOKEN], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("long.TextGrid", textgrid(ROWS).encode()),
        ("utf16.TextGrid", textgrid(ROWS).encode("utf-16")),
        ("short.textgrid", SHORT.encode()),
        ("stress.TextGrid", textgrid([(a, b, x.replace("AW", "AW1")) for a, b, x in ROWS], "Phone").encode()),
        ("kaldi.TextGrid", textgrid([(a, b, x and x + "_I") for a, b, x in ROWS], "anna - phones").encode()),
        ("ipa.TextGrid", textgrid([(0.1, 0.25, "h"), (0.25, 0.4, "ˈaʊ"), (0.4, 0.5, "s")], "x").encode()),
        ("list.json", json.dumps(ENTRIES).encode()),
        ("ours.json", json.dumps({"phones": ENTRIES}).encode()),
        ("gentle.json", json.dumps(GENTLE).encode()),
        ("mfa.json", json.dumps({"tiers": {"phones": {"entries": ROWS}}}).encode()),
        ("lines.align", "".join(f"{a} {b} {label or 'sil'}\n" for a, b, label in ROWS).encode()),
        ("ticks.align", b"0 2500 sil\n2500 6250 HH\n6250 10000 AW\n10000 12500 S\n"),
    ],
)
def test_all_forms_say_the_same(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    spans = read_alignment(path)
    assert spans.kind == "phones"
    assert_spoken(phone_track(spans, 1.0))
    sharp, track, _ = refine_alignment(features(1.0), alignment=read_alignment(path))
    assert_spoken(track)
    assert sharp.posteriors[17, LABELS.index("HH")] == 1 and sharp.posteriors[70, 0] == 1
    np.testing.assert_allclose(sharp.posteriors.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("words.align", "2500 12500 house\n12500 20000 two\n"),
        ("words.TextGrid", textgrid([(0.1, 0.5, "house"), (0.5, 0.8, "two")], "words")),
        (
            "whisperx.json",
            json.dumps(
                {
                    "segments": [
                        {
                            "words": [
                                {"word": "House,", "start": 0.1, "end": 0.5},
                                {"word": "two.", "start": 0.5, "end": 0.8},
                            ]
                        }
                    ]
                }
            ),
        ),
    ],
)
def test_words_are_split_where_their_phones_were_heard(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    heard = features(1.0)
    rows = np.full_like(heard.posteriors, 0.01)
    for first, last, label in ((10, 16, "HH"), (16, 38, "AW"), (38, 50, "S"), (50, 58, "T"), (58, 80, "UW")):
        rows[first:last, LABELS.index(label)] = 0.61
    _, track, _ = refine_alignment(Features(rows, heard.energy, heard.pitch), alignment=read_alignment(path))
    expected = [(0.1, "HH"), (0.16, "AW"), (0.38, "S"), (0.5, "T"), (0.58, "UW")]
    assert [(round(p.start, 2), p.label) for p in track] == expected


def test_one_notation_is_taken_for_the_whole_file():
    assert translate(["S", "AA1", "Y"]) == [("S",), ("AA",), ("Y",)]
    assert translate(["ʃ", "uː", "t͡s", "j"]) == [("SH",), ("UW",), ("T", "S"), ("Y",)]
    assert translate(["", "spn", "<eps>", "B_B"]) == [("SIL",), ("SIL",), ("SIL",), ("B",)]
    with pytest.raises(AlignmentError, match="row 2: 'QQ'"):
        translate(["AA", "QQ"])


def test_what_outlasts_the_sound_a_little_is_cut(tmp_path):
    path = tmp_path / "long.align"
    path.write_text("0.2 0.6 AA\n0.6 1.3 B\n1.3 1.4 S\n")
    _, track, _ = refine_alignment(features(1.0), alignment=read_alignment(path))
    assert [(p.label, p.end) for p in track] == [("AA", 0.6), ("B", 1.0)]


def test_broken_files_are_refused(tmp_path):
    cases = [c for c in build(tmp_path) if c.options[0] == "--alignment"]
    assert len(cases) >= 8
    for case in cases:
        with pytest.raises(AlignmentError) as caught:
            refine_alignment(features(1.0), alignment=read_alignment(case.options[1]))
        assert case.says in str(caught.value) and case.options[1] in str(caught.value), case.name
        assert caught.value.remedy, case.name
