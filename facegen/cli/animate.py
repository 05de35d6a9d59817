"""``facegen animate``: speech to curves, animated mesh and video."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, outputs_option, report_options, run_job


@click.command(
    help="Speech to curves, animated mesh and video; the format of each OUT follows from its suffix.",
    epilog=example("facegen animate speech.wav --emotion happy:0.6 -o take.csv -o take.mp4"),
)
@click.argument("audio")
def animate(audio: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("animate", [audio], outputs, values, quiet=quiet, as_json=as_json)


for _add in (outputs_option, job_options("animate"), report_options):
    animate = _add(animate)
