"""``facegen keys``: a take as few Bézier keys on the shapes and bones of a character in an editor."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import example, job_options, report_options, run_job


@click.command(
    help="A take or animation as Bézier keys for an editor. FILE lists the character: "
    '{"targets": [{"name", "shapes": [...], "preset", "map"}]}; the answer (safetensors) holds frames, values and '
    "slopes of the keys, and in its metadata which curve has which.",
    epilog=example("facegen keys take.take --targets character.json --reduce 0.005 -o character.keys"),
)
@click.argument("animation", metavar="ANIM")
@click.option("-o", "--output", metavar="OUT.keys", help="file to write the keys to")
@click.option("--hand", metavar="OUT.json", help="write the take's curves as the targets' edits change them")
def keys(
    animation: str, output: str | None, hand: str | None, quiet: bool, as_json: bool, **values: Any
) -> None:
    outputs = [path for path in (output, hand) if path]
    run_job("keys", [animation], outputs, values, quiet=quiet, as_json=as_json)


for _add in (job_options("keys"), report_options):
    keys = _add(keys)
