"""``facegen track``: the face in a video to curves."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, outputs_option, report_options, run_job


@click.command(
    help="The face in a video to the 52 ARKit controls and the pose of the head. Of several faces the largest is "
    "followed, unless --face or --box names another.",
    epilog=example("facegen track actor.mp4 -o take.csv"),
)
@click.argument("video", metavar="VIDEO")
def track(video: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("track", [video], outputs, values, quiet=quiet, as_json=as_json)


for _add in (job_options("track"), outputs_option, report_options):
    track = _add(track)
