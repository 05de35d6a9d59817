"""``facegen render``: an animation to a video or pictures."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, outputs_option, report_options, run_job


@click.command(
    help="Draw an animation on a head: OUT.mp4 is a video, OUT.png its first frame, a folder (OUT/) all frames.",
    epilog=example("facegen render take.csv --rig aria --audio speech.wav -o take.mp4"),
)
@click.argument("animation", metavar="ANIM")
def render(animation: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("render", [animation], outputs, values, quiet=quiet, as_json=as_json)


for _add in (outputs_option, job_options("render"), report_options):
    render = _add(render)
