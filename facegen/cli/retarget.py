"""``facegen retarget``: an animation, or a sequence of vertices, on the controls of another rig."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, outputs_option, report_options, run_job


@click.command(
    help="An animation on the controls of another rig. ANIM may also be a sequence of vertices of the rig --from "
    "(.npy, [frames, vertices, 3] cm), which is solved for its controls.",
    epilog=example("facegen retarget take.csv --to metahuman -o take.json --report"),
)
@click.argument("animation", metavar="ANIM")
def retarget(animation: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("retarget", [animation], outputs, values, quiet=quiet, as_json=as_json)


for _add in (job_options("retarget"), outputs_option, report_options):
    retarget = _add(retarget)
