"""``facegen rig check``: what a rig's controls move, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from facegen.cli.options import blame, example, need
from facegen.cli.report import json_line
from facegen.core.errors import RigError
from facegen.core.files import check_writable, write_atomic

if TYPE_CHECKING:
    from facegen.rig import Rig


@click.command(
    help="What the controls of a rig move, and what is wrong with them, one finding a line; the exit code is 3 where "
    "one is an error. MODEL is a rig's name or folder, or a file that can be imported.",
    epilog=example("facegen rig check avatar.vrm --sheet controls.png"),
)
@click.argument("name", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object a line")
@click.option(
    "--sheet", default=None, metavar="OUT", help="PNG to draw: the head with each control at its full"
)
def check(name: str, as_json: bool, sheet: str | None) -> None:
    from facegen.rig import load_rig
    from facegen.rig.audit import as_json as objects
    from facegen.rig.audit import audit

    if sheet is not None:
        need(sheet.lower().endswith(".png"), sheet, "is no picture that can be drawn", "use .png")
        check_writable(sheet)
    with blame(name):
        rig = load_rig(name)
        findings = audit(rig)
    if as_json:
        for row in objects(rig, findings):
            json_line(row)
    else:
        click.echo("\n".join(_table(rig)))
        for finding in findings:
            where = f"{finding.control}: " if finding.control else ""
            click.echo(f"{finding.severity:8} {where}{finding.message}")
    if sheet is not None:
        _draw(rig, sheet)
    faults = sum(finding.severity == "error" for finding in findings)
    if faults:
        raise RigError(f"has {faults} fault{'s' * (faults > 1)}", path=name, remedy="mend those listed")
    if not as_json:
        click.echo(f"{name}: no faults")


def _table(rig: Rig) -> list[str]:
    """The rig in a line or two, then its controls: range, furthest displacement, vertices and parts."""
    import numpy as np

    from facegen.rig.audit import audit_controls, missing

    rows = audit_controls(rig)
    lacking = missing(rig.control_names)
    lines = [f"{rig.name}: {len(rows)} controls, {52 - len(lacking)} of the 52 ARKit"]
    if rig.mesh is not None:
        size = " x ".join(f"{x:.1f}" for x in np.ptp(rig.mesh.vertices, axis=0))
        lines.append(
            f"{len(rig.mesh.vertices)} vertices, {size} cm, parts: {', '.join(p.name for p in rig.parts)}"
        )
        lines.append(f"{'control':24} {'range':>9} {'cm':>7} {'vertices':>8}  parts")
        for row in rows:
            span = f"{row.low:g}..{row.high:g}"
            parts = ", ".join(row.parts[:4]) + (" …" if len(row.parts) > 4 else "")
            lines.append(
                f"{row.control[:24]:24} {span:>9} {row.furthest_cm:7.3f} {row.vertices:8}  {parts}".rstrip()
            )
    return lines


def _draw(rig: Rig, path: str) -> None:
    from facegen.renderers.contact_sheet import all_controls, contact_sheet
    from facegen.renderers.images import png_bytes
    from facegen.rig import default_head

    write_atomic(path, png_bytes(contact_sheet(default_head(rig), all_controls(rig))))
