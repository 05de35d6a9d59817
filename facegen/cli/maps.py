"""``facegen rig maps``: the maps that ship, and learning one from two meshes."""

from __future__ import annotations

import click

from facegen.cli.options import NamedGroup, blame, example
from facegen.cli.report import json_line


@click.group(
    cls=NamedGroup,
    help="The maps between rigs that ship with facegen, one a line; each leads back as well.",
    epilog=example("facegen rig maps"),
    invoke_without_command=True,
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object a line")
@click.pass_context
def maps(ctx: click.Context, as_json: bool) -> None:
    if ctx.invoked_subcommand is not None:
        return
    from facegen.rig import load_rig
    from facegen.rig.map_csv import read_map
    from facegen.rig.retarget import shipped_maps

    for (source, target), path in shipped_maps().items():
        rows = int((read_map(path, load_rig(source), load_rig(target)).weights != 0).sum())
        if as_json:
            json_line({"source": source, "target": target, "file": path.name, "rows": rows})
        else:
            click.echo(f"{source:14} to {target:14} {rows:4} rows  {path.name}")


@maps.command(
    "learn",
    help="A map from the controls of rig A to those of rig B, learnt from what they do to the two meshes, as a CSV "
    "file to read and edit. Heads of different meshes need six common landmarks.",
    epilog=example("facegen rig maps learn aria my_rig/ -o aria-mine.csv"),
)
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option("-o", "--output", required=True, metavar="FILE.csv", help="file to write")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object a control, and one in the end")
def learn(a: str, b: str, output: str, as_json: bool) -> None:
    from facegen.core.files import check_writable
    from facegen.rig import load_rig
    from facegen.rig.learn_map import learn_map
    from facegen.rig.map_csv import write_map

    with blame("A"):
        source = load_rig(a)
    with blame("B"):
        target = load_rig(b)
    check_writable(output)
    learnt, rows = learn_map(source, target)
    for row in rows:
        if as_json:
            json_line({"control": row.control, "moved_mm": row.moved, "residual_mm": row.residual})
        else:
            click.echo(f"{row.control:22} moves {row.moved:6.2f} mm, {row.residual:5.2f} mm of it left")
    moved, left = (sum(getattr(row, n) for row in rows) / max(1, len(rows)) for n in ("moved", "residual"))
    summary = f"{len(rows)} of {len(source.controls)} controls learnt: {left:.2f} mm left of {moved:.2f} mm"
    write_map(learnt, output, f"{source.name} to {target.name}, learnt from their meshes.\n{summary}")
    if as_json:
        json_line({"event": "done", "outputs": [output], "moved_mm": moved, "residual_mm": left})
    else:
        click.echo(f"{output}: {summary}")
