"""``facegen inspect``: what is in a sound, an animation or a rig."""

from __future__ import annotations

import click

from facegen.cli.options import example, need
from facegen.cli.report import json_line
from facegen.core.files import check_writable

PLOTS = (".png", ".svg", ".pdf")


@click.command(
    help="What is in a sound, an animation or a rig. --plot draws the curves, over waveform and phones.",
    epilog=example("facegen inspect speech.wav --plot speech.png"),
)
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
@click.option("--plot", default=None, metavar="OUT", help="picture to draw: .png, .svg or .pdf")
@click.option("--audio", default=None, help="sound of an animation, drawn over its curves")
def inspect(file: str, as_json: bool, plot: str | None, audio: str | None) -> None:
    from facegen.cli.facts import look_at

    if plot is not None:
        need(
            plot.lower().endswith(PLOTS), plot, "is no picture that can be drawn", "use " + " or ".join(PLOTS)
        )
        check_writable(plot)
    facts, lines = look_at(file, plot, audio)
    if as_json:
        json_line({"file": file, **facts})
    else:
        click.echo("\n".join(lines))
