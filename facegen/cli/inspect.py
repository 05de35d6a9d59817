"""``facegen inspect``: what is in a sound, an animation or a rig."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, plot_outputs
from facegen.cli.report import json_line
from facegen.jobs import load_job


@click.command(
    help="What is in a sound, an animation or a rig. --plot draws the curves, over waveform and phones.",
    epilog=example("facegen inspect speech.wav --plot speech.png"),
)
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.option("--plot", default=None, metavar="OUT", help="picture to draw: .png, .svg or .pdf")
def inspect(file: str, as_json: bool, plot: str | None, **values: Any) -> None:
    job = load_job("inspect")([file], plot_outputs(plot), values)
    job.check()
    done = job.run(lambda *_: None)
    if as_json:
        json_line(done.facts)
    else:
        click.echo("\n".join(done.lines))


inspect = job_options("inspect")(inspect)
