"""``facegen emotion``: the emotion in a sound, a text or a video, over time."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, plot_outputs
from facegen.cli.report import Reporter, json_line
from facegen.jobs import load_job


@click.command(
    help="The emotion heard in a sound, told by a text (a .txt file, or words in quotes), or heard and seen in a video: "
    "a row a second, and a summary.",
    epilog=example("facegen emotion speech.wav --plot emotion.png"),
)
@click.argument("source", metavar="AUDIO|TEXT|VIDEO")
@click.option("--plot", default=None, metavar="OUT", help="picture to draw: .png, .svg or .pdf")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object: the summary and the curves")
def emotion(source: str, plot: str | None, as_json: bool, **values: Any) -> None:
    job = load_job("emotion")([source], plot_outputs(plot), values)
    job.check()
    with Reporter(as_json=as_json, quiet=as_json) as report:
        done = job.run((lambda *_: None) if as_json else report.progress)
    if as_json:
        json_line(done.facts)
    else:
        click.echo("\n".join(done.lines))


emotion = job_options("emotion")(emotion)
