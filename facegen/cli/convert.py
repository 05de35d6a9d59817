"""``facegen convert``: an animation from one file format to another."""

from __future__ import annotations

from dataclasses import replace

import click

from facegen.cli.options import blame, example, outputs_option, report_options
from facegen.cli.report import Reporter
from facegen.jobs.outputs import check_outputs
from facegen.units import as_fps


@click.command(
    help="Any animation file that can be read to any that can be written (facegen formats lists both).",
    epilog=example("facegen convert take.csv -o take.glb"),
)
@click.argument("animation", metavar="ANIM")
@click.option("--fps", default=None, help="frames a second of the result  [default: those of ANIM]")
def convert(animation: str, outputs: tuple[str, ...], fps: str | None, quiet: bool, as_json: bool) -> None:
    from facegen.exporters import load_animation, load_take, save, wants_take
    from facegen.exporters.take import as_take

    with blame("--fps"):
        rate = None if fps is None else as_fps(fps)
    places = check_outputs(outputs, (animation,), ("curves",))
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves = load_animation(animation)
        take = load_take(animation) if any(wants_take(place.suffix) for place in places) else None
        if rate not in (None, curves.fps):
            curves = curves.resample(rate)
            take = take and replace(as_take(curves), phones=take.phones, emotion=take.emotion)
        for place in places:
            save(take if take and wants_take(place.suffix) else curves, place.path)
        report.written([place.path for place in places], curves)


for _add in (outputs_option, report_options):
    convert = _add(convert)
