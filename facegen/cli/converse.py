"""``facegen converse``: a conversation to one take a speaker, who listens while others speak."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, report_options, run_job


@click.command(
    help="A table of turns (TURNS.csv or .json: speaker,audio,start,text,emotion,reply_to), or a call with a channel a "
    "speaker, to one take a speaker over the common time: who does not speak looks at who does, nods at pauses and "
    "mirrors what is felt.",
    epilog=example("facegen converse turns.csv -o talk/ --format take,csv,mp4"),
)
@click.argument("source", metavar="TURNS|CALL")
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="folder for a file a speaker")
def converse(source: str, folder: str, quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("converse", [source], [folder], values, quiet=quiet, as_json=as_json)


for _add in (job_options("converse"), report_options):
    converse = _add(converse)
