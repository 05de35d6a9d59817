"""``facegen convert``: an animation from one file format to another."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, outputs_option, report_options, run_job


@click.command(
    help="Any animation file that can be read to any that can be written (facegen formats lists both).",
    epilog=example("facegen convert take.csv -o take.glb"),
)
@click.argument("animation", metavar="ANIM")
def convert(animation: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("convert", [animation], outputs, values, quiet=quiet, as_json=as_json)


for _add in (job_options("convert"), outputs_option, report_options):
    convert = _add(convert)
