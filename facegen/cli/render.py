"""``facegen render``: an animation to a video or pictures."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import blame, config_options, example, outputs_option, pick, report_options
from facegen.cli.outputs import check_outputs
from facegen.cli.report import Reporter
from facegen.config import RenderConfig
from facegen.registry import Registry


@click.command(
    help="Draw an animation on a head: OUT.mp4 is a video, OUT.png its middle frame, a folder (OUT/) all frames.",
    epilog=example("facegen render take.csv --rig aria --audio speech.wav -o take.mp4"),
)
@click.argument("animation", metavar="ANIM")
def render(animation: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    from facegen.exporters import load_animation
    from facegen.rig import load_rig

    look = pick(RenderConfig, values)
    places = check_outputs(outputs, (animation, look.audio), ("pictures",))
    with blame("--rig"):
        load_rig(look.rig)
    with blame("--renderer"):
        Registry("renderers").get(look.renderer)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves = load_animation(animation)
        from facegen.renderers import render_file

        for place in places:
            render_file(curves, place.path, look)
            report.line(f"{place.path}: {len(curves)} frames at {float(curves.fps):.6g} fps")
        report.done(
            outputs=[place.path for place in places], seconds=round(curves.seconds, 6), frames=len(curves)
        )


for _add in (outputs_option, config_options(RenderConfig), report_options):
    render = _add(render)
