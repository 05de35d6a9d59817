"""``facegen evaluate``: the measures of an animation against a reference."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, report_options
from facegen.cli.report import Reporter, json_line
from facegen.jobs import load_job


@click.command(
    help="How PRED compares with REFERENCE: measures by name, each with its unit. With --audio, also those of lips "
    "and head against the sound.",
    epilog=example("facegen evaluate take.csv captured.csv --audio speech.wav"),
)
@click.argument("pred", metavar="PRED")
@click.argument("reference", metavar="REFERENCE")
def evaluate(pred: str, reference: str, quiet: bool, as_json: bool, **values: Any) -> None:
    job = load_job("evaluate")([pred, reference], [], values)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        job.check()
        done = job.run(report.progress)
        facts = {**done.facts, "notes": report.notes}
        if as_json:
            if values["image"] is None:
                shown = {"emotion": facts.pop("emotion")} if "emotion" in facts else {}
                facts |= {"elapsed": round(report.elapsed, 3), **shown}
            json_line(facts)
        else:
            for line in [*done.lines, *(f"note: {note}" for note in report.notes)]:
                report.line(line)


def _repeatable(option: click.Parameter) -> click.Parameter:
    """An option of several files, given once for each where a table lists them in one cell."""
    if option.name != "other":
        return option
    assert isinstance(option, click.Option)
    text = f"{(option.help or '').split('  [')[0]}; repeatable"
    return click.Option(["--other", "other"], multiple=True, metavar=option.metavar, help=text)


for _add in (job_options("evaluate"), report_options):
    evaluate = _add(evaluate)
evaluate.params = [_repeatable(option) for option in evaluate.params]
