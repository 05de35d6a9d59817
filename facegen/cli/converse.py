"""``facegen converse``: a conversation to one take a speaker, who listens while others speak."""

from __future__ import annotations

import os
from dataclasses import fields
from typing import Any

import click

from facegen.cli.options import Names, config_options, example, report_options
from facegen.cli.report import Reporter
from facegen.config import Config, RenderConfig
from facegen.core.errors import OutputError, blame
from facegen.core.registry import Registry
from facegen.jobs.animate import LOOK
from facegen.jobs.render import check_look
from facegen.jobs.settings import pick

ONE_VOICE = ("timeline", "text", "alignment", "look_at")
"""Options of ``animate`` that are about a single speaker."""
SETTINGS = tuple(f.name for f in fields(Config) if f.name not in ONE_VOICE)


@click.command(
    help="A table of turns (TURNS.csv or .json: speaker,audio,start,text,emotion,reply_to), or a call with a channel a "
    "speaker, to one take a speaker over the common time: who does not speak looks at who does, nods at pauses and "
    "mirrors what is felt.",
    epilog=example("facegen converse turns.csv -o talk/ --format take,csv,mp4"),
)
@click.argument("source", metavar="TURNS|CALL")
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="folder for a file a speaker")
@click.option(
    "--format", "formats", type=Names(), default="take,csv", help="what to write  [default: take,csv]"
)
@click.option(
    "--apart", type=click.FloatRange(-60, 60), default=0.0,
    help="degrees from ahead at which the other of two sits, to the first one's left  [default: 0]",
)  # fmt: skip
def converse(
    source: str,
    folder: str,
    formats: tuple[str, ...],
    apart: float,
    quiet: bool,
    as_json: bool,
    **values: Any,
) -> None:
    from facegen.pipeline.animate import animate
    from facegen.pipeline.conversation.outputs import check_formats, write_conversation
    from facegen.pipeline.conversation.solve import converse as solve
    from facegen.pipeline.inputs import SolveInputs

    config = pick(Config, values)
    look = pick(RenderConfig, {name: values[name] for name in LOOK})
    with blame("--format"):
        check_formats(formats)
    inputs = SolveInputs.load(config)
    if any(f".{name}" in Registry("videos") for name in formats):
        check_look(look)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise OutputError("is a file, not a folder", path=folder, remedy="give another name")
    with Reporter(as_json=as_json, quiet=quiet) as report:
        talk = solve(source, inputs, apart=apart, progress=report.progress)
        paths = write_conversation(talk, folder, formats, look, config.rig, report.progress)
        report.written(paths, animate(next(iter(talk.takes.values())), config.rig), ())


for _add in (config_options(Config, SETTINGS), config_options(RenderConfig, LOOK), report_options):
    converse = _add(converse)
