"""The pages made of templates are the stored ones to the byte, and nothing in them is left unescaped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jinja2
import pytest

from facegen import __version__
from facegen.evaluation.metrics.spans import FaultSpan
from facegen.evaluation.report import CheckReport, CheckResult
from facegen.evaluation.report.html_page import page
from facegen.evaluation.report.templates import Drawing, render_template
from facegen.evaluation.report.thresholds import FAIL, PASS, SKIPPED, WARN, ranges
from facegen.evaluation.report.worst_frames import FramePicture
from facegen.jobs.batch.progress import BatchProgress
from facegen.jobs.batch.summary_html import summary_page
from facegen.jobs.batch.task import Result, Task, TaskError

PAGES = Path(__file__).parent / "pages"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;\u202e\x00\x1b[31m\ud800"


def report() -> CheckReport:
    allowed = ranges()
    spans = tuple(FaultSpan(i * 9.0, i * 9.0 + 1, f"{EVIL} {i}") for i in range(10))
    rows = (
        CheckResult("sync_offset", "sync", "lips late by", 151.25, allowed["sync_offset"], FAIL, spans),
        CheckResult("closure_rate", "lips & <teeth>", '"p"', 71.0, allowed["closure_rate"], WARN, spans[:1]),
        CheckResult("blinks_a_minute", "eyes", "blinks", 20.0, allowed["blinks_a_minute"], PASS),
        CheckResult("gaze_spread", "eyes", "gaze", None, allowed["gaze_spread"], SKIPPED, (), EVIL),
    )
    return CheckReport(EVIL, "sound's.wav", 95.0, rows, ("odd <note>", EVIL))


def batch() -> BatchProgress:
    names = ("<script>alert(1)</script>\"'><img src=x>&amp;", "b.csv", "c & d.csv", "e.csv")
    tasks = [Task(row, f"m.csv:{row}", name, "animate") for row, name in enumerate(names, 1)]
    card = {"verdict": "warn", "lines": [["lips <late>", "151 ms", "warn"], ["jitter", "9 %", "fail"]]}
    results = {
        1: Result("failed", fault=TaskError("no such <file>", path="gone.wav", remedy='check "it"')),
        2: Result("done", seconds=2.5, notes=("odd <note>",), card=card, picture="faces/b&c.png"),
        3: Result("kept", seconds=1.0),
    }
    progress = BatchProgress(tasks, results, halted=TaskError("disk <full>"))
    return progress


def pages() -> dict[str, str]:
    whole = report()
    pictures = [FramePicture(1.5, EVIL, b"\x89PNG\r\n"), FramePicture(70.0, "b", b"")]
    brief = replace(whole, seconds=4.0, notes=(), sound=None, lines=whole.lines[2:3])
    return {
        "check_long": page(whole, pictures),
        "check_short": page(brief),
        "check_empty": page(replace(brief, sound=whole.name, lines=())),
    }


def comparable(text: str) -> str:
    return text.replace(f"facegen {__version__}", "facegen VERSION")


@pytest.mark.parametrize("name", ["check_long", "check_short", "check_empty"])
def test_pages_are_the_stored_ones(name):
    assert comparable(pages()[name]) == (PAGES / f"{name}.html").read_text("utf-8")


def test_batch_page_is_the_stored_one(monkeypatch):
    monkeypatch.setattr(BatchProgress, "elapsed", property(lambda self: 1.25))
    assert comparable(summary_page(batch())) == (PAGES / "batch.html").read_text("utf-8")
    assert "<script" not in summary_page(batch())
    for empty in (BatchProgress([]), BatchProgress(batch().tasks[1:2])):
        assert "Failed" not in summary_page(empty) and "Stopped" not in summary_page(empty)


def test_a_template_escapes_all_but_drawings_and_misses_no_value():
    values = {"halted": EVIL, "pace": Drawing("<b>1</b>"), "rows": [], "counts": [], "failed": []}
    text = render_template("batch_summary.html", **values)
    assert "Stopped: &lt;script&gt;" in text and "<b>1</b>" in text and "\x1b" not in text
    with pytest.raises(jinja2.UndefinedError, match="pace"):
        render_template("batch_summary.html", **{k: v for k, v in values.items() if k != "pace"})
