"""``facegen rig``: list, show, check and import rigs."""

from __future__ import annotations

import click

from facegen.cli.maps import maps
from facegen.cli.options import NamedGroup, blame, example
from facegen.cli.report import json_line
from facegen.cli.rig_check import check
from facegen.cli.rig_import import import_
from facegen.jobs.rig_facts import rig_facts, rig_lines


@click.group(
    cls=NamedGroup,
    help="List, show, check and import rigs.",
    epilog=example("facegen rig show aria"),
)
def rig() -> None:
    """Its commands do the work."""


rig.add_command(check)
rig.add_command(import_)
rig.add_command(maps)


@rig.command("list", help="The rigs that ship with facegen, one a line.", epilog=example("facegen rig list"))
@click.option("--json", "as_json", is_flag=True, help="print one JSON object a line")
def list_(as_json: bool) -> None:
    from facegen.rig import built_in_rigs, load_rig

    for name in built_in_rigs():
        facts = rig_facts(load_rig(name))
        if as_json:
            json_line(facts)
        else:
            mesh = f"{facts['vertices']} vertices" if facts["vertices"] else "no mesh"
            click.echo(f"{name:14} {len(facts['controls'])} controls, {mesh}, {facts['licence']}")


@rig.command(
    "show",
    help="A rig's controls with their limits, its mesh and licence.",
    epilog=example("facegen rig show arkit"),
)
@click.argument("name", metavar="RIG")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def show(name: str, as_json: bool) -> None:
    from facegen.rig import load_rig

    with blame("RIG"):
        shown = load_rig(name)
    if as_json:
        json_line(rig_facts(shown))
    else:
        click.echo("\n".join(rig_lines(shown)))
