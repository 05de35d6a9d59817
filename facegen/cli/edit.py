"""``facegen edit``: one span of a take solved again, and an animator's changes kept as the take's own layer."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import config_options, example, outputs_option, report_options, run_job
from facegen.config import CHANGES, Config, EditConfig


@click.command(
    help="One span of a take solved again with other settings. All other frames stay as they are, to the bit, and so "
    "does what was changed by hand. --text is what is said within the span.",
    epilog=example("facegen edit talk.take --span 1.5:3 --emotion happy:0.7 -o talk.take"),
)
@click.argument("take", metavar="TAKE")
def edit(take: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    run_job("edit", [take], outputs, values, quiet=quiet, as_json=as_json)


for _add in (
    config_options(EditConfig),
    outputs_option,
    config_options(Config, CHANGES, "as before"),
    report_options,
):
    edit = _add(edit)
