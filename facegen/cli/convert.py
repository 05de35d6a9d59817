"""``facegen convert``: an animation from one file format to another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from facegen.cli.options import blame, config_options, example, outputs_option, pick, report_options
from facegen.cli.report import Reporter
from facegen.config import ExportConfig
from facegen.core.units import as_fps
from facegen.jobs.outputs import check_outputs


@click.command(
    help="Any animation file that can be read to any that can be written (facegen formats lists both).",
    epilog=example("facegen convert take.csv -o take.glb"),
)
@click.argument("animation", metavar="ANIM")
@click.option("--fps", default=None, help="frames a second of the result  [default: those of ANIM]")
@click.option(
    "--rig", metavar="RIG", help="head or model that formats with a mesh show it on  [default: aria]"
)
def convert(
    animation: str,
    outputs: tuple[str, ...],
    fps: str | None,
    rig: str | None,
    quiet: bool,
    as_json: bool,
    **values: Any,
) -> None:
    from facegen.formats import load_animation, load_take, needs_layers, save
    from facegen.formats.export_report import export_report
    from facegen.formats.gltf.vrm import model_path
    from facegen.formats.take import to_take
    from facegen.rig import load_rig

    with blame("--fps"):
        rate = None if fps is None else as_fps(fps)
    export = pick(ExportConfig, values)
    with blame("--rig"):
        shown = None if rig is None else load_rig(rig)
    places = check_outputs(outputs, (animation,), ("curves",))
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves = load_animation(animation)
        take = load_take(animation) if any(needs_layers(place.suffix) for place in places) else None
        if rate not in (None, curves.fps):
            curves = curves.resample(rate)
            take = take and replace(to_take(curves), phones=take.phones, emotion=take.emotion)
        for place in places:
            thing = take if take and needs_layers(place.suffix) else curves
            save(thing, place.path, **({"rig": rig} if rig else {}), **export.given())
        facts = {}
        if export.report:
            found = export_report(curves, rig if model_path(rig) else shown)
            facts["report"] = found.plain()
            for line in found.lines():
                report.line(line)
        report.written([place.path for place in places], curves, facts=facts)


for _add in (outputs_option, config_options(ExportConfig), report_options):
    convert = _add(convert)
