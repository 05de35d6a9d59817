"""``facegen check``: is an animation fit to be used, and the sound fit to be animated?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import example, job_options, report_options
from facegen.cli.report import Reporter, json_line
from facegen.core.errors import printable
from facegen.jobs import load_job

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
    "--html", default=None, metavar="OUT", help="page to write: the table and the curves over the sound"
)
def check(file: str, html: str | None, quiet: bool, as_json: bool, **values: Any) -> None:
    outputs = [html] if html is not None else []
    job = load_job("check")([file], outputs, values)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        job.check()
        done = job.run(report.progress)
        card = done.card
        assert card is not None
        for line in card_lines(card, html, report.notes):
            report.line(line)
    if as_json:
        named = {"file": file, "audio": values["audio"]}
        json_line({"event": "done", **named, **facts(card), "outputs": outputs,
                   "notes": [*card.notes, *report.notes], "elapsed": round(report.elapsed, 3)})  # fmt: skip
    if done.failure:
        raise done.failure


for _add in (job_options("check"), report_options):
    check = _add(check)


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
