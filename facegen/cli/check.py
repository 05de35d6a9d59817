"""``facegen check``: is an animation fit to be used, and the sound fit to be animated?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import config_options, example, need, report_options
from facegen.cli.report import Reporter, json_line
from facegen.config import Config
from facegen.core.errors import JobError, printable
from facegen.core.files import check_writable, write_atomic

if TYPE_CHECKING:
    from facegen.evaluation.report import CheckReport, CheckResult

MOST_SPANS = 5


@click.command(
    help="""What is wrong with an animation or a sound: sync, lip contacts, motion in silence, jitter, blinks,
    clipped and frozen curves, faults of the sound. FILE is an animation, held against --audio where that is given,
    or a sound alone. Each line: value, the range it should be in, pass, warn or FAIL, and where.""",
    epilog=example("facegen check take.take --audio speech.wav --html check.html"),
)
@click.argument("file")
@click.option(
    "--audio", default=None, help="sound of the animation: for sync, silence and the sound's own faults"
)
@click.option(
    "--html", default=None, metavar="OUT", help="page to write: the table and the curves over the sound"
)
@click.option("--strict", is_flag=True, help="exit code 1 where a line fails")
def check(
    file: str, audio: str | None, html: str | None, strict: bool, quiet: bool, as_json: bool, **said: Any
) -> None:
    from facegen.evaluation import report as qa

    _check_options(file, audio, html)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        card = qa.check(file, audio, **said, progress=report.progress)
        if html is not None:
            from facegen.evaluation.report.html_page import page
            from facegen.evaluation.report.worst_frames import worst_frame_pictures

            write_atomic(html, page(card, worst_frame_pictures(card)).encode("utf-8"))
        for line in card_lines(card, html, report.notes):
            report.line(line)
    if as_json:
        named = {"file": file, "audio": audio}
        json_line({"event": "done", **named, **facts(card), "outputs": [html] if html else [],
                   "notes": [*card.notes, *report.notes], "elapsed": round(report.elapsed, 3)})  # fmt: skip
    if strict and card.failed:
        names = ", ".join(line.name for line in card.lines if line.verdict == "fail")
        raise JobError(f"fails {names}", path=file, remedy="see the lines that are flagged")


for _add in (config_options(Config, ("text", "alignment")), report_options):
    check = _add(check)


def _check_options(file: str, audio: str | None, html: str | None) -> None:
    from facegen.evaluation.report.run_checks import is_animation

    if audio is not None:
        need(is_animation(file), "--audio", "goes with an animation, not with a sound", "leave it out")
    if html is not None:
        need(html.lower().endswith((".html", ".htm")), html, "is no page", "use a name that ends in .html")
        read = {os.path.realpath(path) for path in (file, audio) if path}
        other = "write to a file of another name"
        need(os.path.realpath(html) not in read, html, "is both input and output", other)
        check_writable(html)


def card_lines(card: CheckReport, html: str | None, more_notes: list[str]) -> list[str]:
    """The card for people."""
    counts = ", ".join(f"{card.count(v)} {v}" for v in ("fail", "warn", "pass", "skipped") if card.count(v))
    held = f" against {card.sound}" if card.sound and card.sound != card.name else ""
    lines = [
        f"check     {printable(card.name)}{printable(held)}, {card.seconds:.3f} s",
        f"verdict   {card.verdict} ({counts})",
    ]
    lines += [f"note      {note}" for note in (*card.notes, *more_notes)]
    group = ""
    for line in card.lines:
        if line.group != group:
            group = line.group
            lines.append(group)
        lines += line_rows(line)
    return lines + ([f"page      {html}"] if html is not None else [])


def line_rows(line: CheckResult) -> list[str]:
    if line.value is None:
        return [f"  skip  {line.label:32} {line.reason}"]
    word = "FAIL" if line.verdict == "fail" else line.verdict
    rows = [f"  {word:5} {line.label:32} {line.formatted:>15}   {line.range}"]
    for span in line.spans[:MOST_SPANS]:
        rows.append(f"          {span.start:8.2f} .. {span.end:.2f} s  {printable(span.text)}")
    if len(line.spans) > MOST_SPANS:
        rows.append(f"                   and {len(line.spans) - MOST_SPANS} more")
    return rows


def facts(card: CheckReport) -> dict[str, Any]:
    """The card as JSON values."""
    return {
        "seconds": round(card.seconds, 6),
        "verdict": card.verdict,
        "lines": [line.plain() for line in card.lines],
    }
