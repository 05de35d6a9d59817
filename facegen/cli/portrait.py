"""``facegen portrait``: a photo that speaks."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, outputs_option, report_options, run_job


@click.command(
    help="The face in IMAGE speaks AUDIO, or shows the animation ANIM, in a video.",
    epilog=example("facegen portrait speech.wav face.jpg -o out.mp4 --emotion happy:0.6"),
)
@click.argument("source", metavar="AUDIO|ANIM")
@click.argument("image", metavar="IMAGE")
def portrait(
    source: str, image: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any
) -> None:
    run_job("portrait", [source, image], outputs, values, quiet=quiet, as_json=as_json)


for _add in (outputs_option, job_options("portrait"), report_options):
    portrait = _add(portrait)
