"""The page and the command of a check: well formed, safe, bounded, readable as JSON."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.cli.app import run
from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import MissingSystemError
from facegen.evaluation.metrics.spans import FaultSpan
from facegen.evaluation.report import CheckReport, CheckResult, check
from facegen.evaluation.report import worst_frames as pictures_module
from facegen.evaluation.report.html_page import MOST_ROWS, page
from facegen.evaluation.report.svg_chart import Mark, Panel, clock, draw_overview, draw_row, safe
from facegen.evaluation.report.thresholds import FAIL, WARN, ranges
from facegen.evaluation.report.worst_frames import FramePicture, worst_frame_pictures
from facegen.pipeline import animate as pipeline
from facegen.rig import ARKIT
from facegen.speech.audio import Audio
from facegen.speech.phones import Phone, PhoneTrack
from tests.laws.strategies import animations

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u202e\x00\x1b[31m\ud800"
ALLOWED = {
    "b", "body", "br", "div", "figcaption", "figure", "h1", "h2", "head", "header", "html", "img", "meta", "p",
    "polygon", "polyline", "rect", "span", "style", "svg", "table", "tbody", "td", "text", "th", "thead", "title", "tr",
}  # fmt: skip


class Tags(HTMLParser):
    """Collects the tags and attributes as a browser's parser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def checked(text: str) -> ET.Element:
    """The page's tree: well formed, of harmless elements only, nothing fetched, no script."""
    root = ET.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    for tag, attributes in Tags(text).found:
        assert tag in ALLOWED, tag
        assert not any(name.startswith("on") or name in ("style", "href") for name in attributes)
        assert attributes.get("src", "data:image/png;base64,").startswith("data:image/png;base64,")
    assert "url(" not in text and "@import" not in text and "http:" not in text and "https:" not in text
    return root


@pytest.fixture(scope="module")
def late(sample) -> CheckReport:
    """A take with faults, held against its sound."""
    take = pipeline.solve(sample, Config())
    animation = pipeline.animate(take)
    return check(replace(animation, values=np.roll(animation.values, 5, axis=0)), sample)


def test_page_tells_all_lines(late):
    root = checked(page(late))
    text = "".join(root.itertext())
    for line in late.lines:
        assert line.label in text
    assert re.search(r"the lips are 1[5-9]\d ms late", text) and "jawOpen" in text and "phones" in text
    assert text.count("FAIL") >= late.count(FAIL)
    flagged = [e for e in root.iter("rect") if "mark fail" in e.get("class", "")]
    assert len(flagged) >= late.count(FAIL)
    assert [len(s.findall("polygon")) for s in root.iter("svg")] == [1, 1], "the waveform in both rows"


def test_page_is_readable_in_the_dark_and_on_paper(late):
    text = page(late)
    assert "prefers-color-scheme:dark" in text and "@media print" in text and 'lang="en"' in text
    for colour in re.findall(r"var\((--\w+)\)", text):
        assert text.count(f"{colour}:") == 2, f"{colour} has no value for one of the schemes"


def test_evil_names_do_no_harm():
    values = np.clip(np.random.default_rng(0).random((60, 2)) * 3, 0, 2).astype(np.float32)
    card = check(Animation(30, (EVIL, "jawOpen"), values))
    line = replace(card.lines[0], spans=(FaultSpan(0.1, 1.5, EVIL),), value=1.0, verdict=FAIL, reason=EVIL)
    card = replace(card, name=EVIL, sound=EVIL, notes=(EVIL,), lines=(line, *card.lines[1:]))
    root = checked(page(card, (FramePicture(0.5, EVIL, b"\x89PNG"),)))
    assert "<script>alert(1)</script>" in "".join(root.itertext()), "it is shown as text"
    assert root.find("./head/title").text.startswith("Check of <script>")


@given(st.text())
def test_safe_text_is_text(text):
    inside = ET.fromstring(f'<a b="{safe(text)}">{safe(text)}</a>')
    assert inside.text == (inside.get("b") or None)
    assert not inside.findall("*")


@given(animations(max_frames=40))
def test_page_of_any_animation(animation):
    checked(page(check(animation)))


def test_page_of_a_sound_alone(sample):
    text = page(check(sample))
    checked(text)
    assert "sample rate" in text and "jawOpen" not in text


def test_page_of_hours_is_small():
    """Two hours at 60 frames a second, everything flagged."""
    seconds, fps = 7200, 60
    values = np.random.default_rng(0).random((seconds * fps, 8), dtype=np.float32)
    animation = Animation(fps, ARKIT[14:22], values)
    phones = PhoneTrack(tuple(Phone(i / 10, (i + 1) / 10, "P") for i in range(10 * seconds)))
    spans = tuple(FaultSpan(i / 10, (i + 1) / 10, "P: the lips stay apart") for i in range(10 * seconds))
    line = CheckResult("closure_rate", "lips", "lips closed", 0.0, ranges()["closure_rate"], FAIL, spans)
    card = CheckReport(
        "long.csv", None, float(seconds), (line,), (), {"animation": animation, "phones": phones}
    )
    text = page(card)
    checked(text)
    assert len(text) < 5_000_000
    assert text.count("<svg") == MOST_ROWS + 1


def test_the_worst_stretches_of_a_long_clip_are_drawn():
    spans = (FaultSpan(301.0, 302.0, "here"),)
    line = CheckResult("closure_rate", "lips", "lips closed", 0.0, ranges()["closure_rate"], FAIL, spans)
    text = page(CheckReport("long.csv", None, 600.0, (line,)))
    assert "300.0 to 305.0 s" in text and "Stretches with the most flagged" in text


def test_rows_draw_what_lies_in_them():
    marks = [
        Mark(FaultSpan(1.0, 1.2, "in"), FAIL),
        Mark(FaultSpan(7.0, 8.0, "out"), WARN),
        Mark(FaultSpan(0.0, 5.0, "all"), WARN),
    ]
    svg = draw_row(0, 5, None, PhoneTrack((Phone(1.0, 1.5, "M"), Phone(6.0, 6.5, "ZH"))), [], marks)
    assert "in</text>" in svg and "out</text>" not in svg and ">M<" in svg and ">ZH<" not in svg
    assert svg.count('class="mark') == 1, "a mark over all of the row would tint everything"
    assert draw_overview(8, None, [], marks).count('class="mark') == 3
    assert draw_row(0, 0, None, PhoneTrack(), [Panel("empty", (), 0, 1)], [])


def test_clock():
    assert [clock(t) for t in (0, 7.128, 59, 65, 3725)] == ["0 s", "7.13 s", "59 s", "1:05", "1:02:05"]


def test_pictures_show_the_worst_places(good_or_skip):
    card = good_or_skip
    drawn = worst_frame_pictures(card, 3)
    assert len(drawn) == 3 and [p.at for p in drawn] == sorted(p.at for p in drawn)
    assert all(p.png.startswith(b"\x89PNG") and p.text for p in drawn)
    root = checked(page(card, drawn))
    assert len(list(root.iter("img"))) == 3


@pytest.fixture
def good_or_skip(late) -> CheckReport:
    pytest.importorskip("moderngl")
    if not worst_frame_pictures(late, 1):
        pytest.skip("nothing can be drawn here")
    return late


def test_a_page_without_pictures_where_nothing_can_be_drawn(late, monkeypatch):
    def fails(*_):
        raise MissingSystemError("no OpenGL")

    monkeypatch.setattr(pictures_module, "_draw", fails)
    assert worst_frame_pictures(late) == ()


def test_command(sample, tmp_path, capsys):
    take, html = tmp_path / "a.take", tmp_path / "a.html"
    assert run(["animate", str(sample), "--quiet", "-o", str(take)]) == 0
    assert run(["check", str(take), "--audio", str(sample), "--html", str(html), "--strict"]) == 0
    said = capsys.readouterr()
    assert not said.err and "verdict   pass" in said.out and f"page      {html}" in said.out
    checked(html.read_text("utf-8"))
    assert run(["check", str(take), "--quiet"]) == 0
    assert capsys.readouterr().out == ""


def test_command_of_a_sound_prints_its_phones_nowhere(sample, capsys):
    assert run(["check", str(sample)]) == 0
    out = capsys.readouterr().out
    assert "samples clipped" in out and "lips" not in out


def test_json(late, sample, tmp_path, capsys):
    broken = tmp_path / "late.csv"
    late.drawing["animation"].save(broken)
    assert run(["check", str(broken), "--audio", str(sample), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {e["event"] for e in events[:-1]} <= {"progress"} and events[-1]["event"] == "done"
    done = events[-1]
    assert done["verdict"] == "fail" and done["file"] == str(broken)
    sync = next(line for line in done["lines"] if line["name"] == "sync_offset")
    assert sync["verdict"] == "fail" and sync["value"] == pytest.approx(166.7, abs=10)
    assert sync["unit"] == "ms" and sync["range"] == [-45, 45] and sync["spans"][0][2].endswith("late")


def test_strict_fails_with_one_line(late, tmp_path, capsys):
    broken = tmp_path / "late.csv"
    clipped = replace(late.drawing["animation"], values=np.ones_like(late.drawing["animation"].values))
    clipped.save(broken)
    assert run(["check", str(broken), "--strict"]) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and "clipped_speech" in said.err and "FAIL" in said.out
    assert run(["check", str(broken)]) == 0


@pytest.mark.parametrize(
    "arguments, code, says",
    [
        (["none.take"], 3, "no such file"),
        (["text.csv"], 3, "text.csv"),
        (["none.wav"], 3, "no such file"),
        (["sound.wav", "--audio", "sound.wav"], 2, "goes with an animation"),
        (["sound.wav", "--html", "page.txt"], 2, ".html"),
        (["sound.wav", "--html", "none/page.html"], 4, "does not exist"),
        (["page.html", "--html", "page.html"], 2, "both input and output"),
        (["sound.wav", "--text", "..."], 2, "word"),
    ],
)
def test_failures(arguments, code, says, tmp_path, monkeypatch, capsys):
    import soundfile

    monkeypatch.chdir(tmp_path)
    Path("text.csv").write_text("no curves")
    soundfile.write("sound.wav", np.zeros(1600), 16000)
    Path("page.html").write_text("not a sound")
    before = sorted(tmp_path.iterdir())
    assert run(["check", *arguments]) == code
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_audio_in_memory():
    noise = np.random.default_rng(0).standard_normal(8000).astype(np.float32) * 0.1
    assert check(Audio(noise, 16000)).name == "audio"
