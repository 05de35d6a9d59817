"""``facegen rig import``: a rig of another program, or a mesh without shapes, as a rig folder."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import example, need
from facegen.cli.report import json_line
from facegen.core.errors import OutputError
from facegen.core.files import check_writable, make_folder, write_files

if TYPE_CHECKING:
    from facegen.rig import Rig
    from facegen.rig.importing import Imported


@click.command(
    "import",
    help="A rig of another program as a rig folder: glTF, GLB and VRM with morph targets, ICT-FaceKit, a folder of "
    "OBJ files, USD blend shapes, FLAME-like .safetensors. --transfer gives a mesh without shapes those of aria.",
    epilog=example("facegen rig import avatar.vrm -o my_rig/"),
)
@click.argument("source", metavar="SRC")
@click.option("-o", "--output", required=True, metavar="DIR", help="folder to write the rig to")
@click.option("--name", default=None, help="what to call the rig  [default: as the file says]")
@click.option("--scale", type=float, default=1.0, help="size by which to multiply  [default: 1.0]")
@click.option("--turn", type=float, default=0.0, help="degrees to turn about the vertical  [default: 0.0]")
@click.option(
    "--up", type=click.Choice(["y", "z"]), default="y", help="the file's vertical axis  [default: y]"
)
@click.option("--transfer", is_flag=True, help="give the mesh the shapes of aria, fitted to its face")
@click.option(
    "--landmarks",
    default=None,
    metavar="FILE",
    help="JSON or CSV of landmarks by name: vertex number or x, y, z of the mesh; with --transfer",
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def import_(
    source: str,
    output: str,
    name: str | None,
    transfer: bool,
    landmarks: str | None,
    as_json: bool,
    **how: Any,
) -> None:
    from facegen.rig.rescale import rescaled
    from facegen.rig.save import rig_files

    need(0 < how["scale"] < math.inf, "--scale", f"{how['scale']} is no size", "use a number above 0")
    need(transfer or landmarks is None, "--landmarks", "is used by --transfer only", "add --transfer")
    _check_output(source, output)
    found = _read(source, transfer)
    rig, notes = rescaled(found.rig, **how), list(found.notes)
    if transfer:
        from facegen.rig import load_rig
        from facegen.rig.transfer import transfer_shapes
        from facegen.rig.transfer.transfer_shapes import SOURCE
        from facegen.tracking.head_landmarks import pairs_in_pictures

        rig, more = transfer_shapes(rig, landmarks or pairs_in_pictures(load_rig(SOURCE), rig))
        notes += more
    rig = replace(rig, name=name or rig.name)
    files = rig_files(rig)
    make_folder(output)
    write_files(output, files)
    _report(source, output, rig, tuple(notes), as_json)


def _read(source: str, transfer: bool) -> Imported:
    from facegen.rig.importing import import_mesh, import_rig

    return import_mesh(source) if transfer else import_rig(source)


def _check_output(source: str, output: str) -> None:
    same = os.path.realpath(source) == os.path.realpath(output)
    need(not same, output, "is both input and output", "write to another folder")
    bare = output.rstrip("/" + os.sep) or output
    if os.path.exists(bare) and not os.path.isdir(bare):
        raise OutputError("is a file, not a folder", path=output, remedy="give another name")
    check_writable(os.path.join(bare, "rig.json") if os.path.isdir(bare) else bare)


def _report(source: str, output: str, rig: Rig, notes: tuple[str, ...], as_json: bool) -> None:
    from facegen.rig.load import ARKIT

    assert rig.mesh is not None
    known = sum(name in ARKIT for name in rig.control_names)
    if as_json:
        json_line(
            {
                "event": "done",
                "file": source,
                "output": output,
                "name": rig.name,
                "vertices": len(rig.mesh.vertices),
                "controls": len(rig.controls),
                "arkit": known,
                "licence": rig.licence,
                "notes": list(notes),
            }
        )
        return
    click.echo(
        f"{output}: {rig.name}, {len(rig.controls)} controls ({known} of the 52 ARKit), {len(rig.mesh.vertices)} vertices"
    )
    for note in notes:
        click.echo(f"  {note}")
    if not rig.licence:
        click.echo("  its licence is not known; write it into rig.json")
