"""``facegen render``: an animation to a video or pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import blame, config_options, example, outputs_option, pick, report_options
from facegen.cli.outputs import Output, check_outputs
from facegen.cli.report import Reporter
from facegen.config import RenderConfig
from facegen.registry import Registry

if TYPE_CHECKING:
    from facegen.animation import Animation


@click.command(
    help="Draw an animation on a head: OUT.mp4 is a video, OUT.png its first frame, a folder (OUT/) all frames.",
    epilog=example("facegen render take.csv --rig aria --audio speech.wav -o take.mp4"),
)
@click.argument("animation", metavar="ANIM")
def render(animation: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    from facegen.audio import open_sound
    from facegen.exporters import load_animation

    look = pick(RenderConfig, values)
    places = check_outputs(outputs, (animation, look.audio), ("pictures",))
    check_look(look)
    if look.audio:
        open_sound(look.audio)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves = load_animation(animation)
        draw(curves, places, look, report)
        report.written([place.path for place in places], curves)


def check_look(look: RenderConfig) -> None:
    """The rig has a head, and renderer, camera and background exist: found out before the work."""
    from facegen.renderers import camera_for, make_background
    from facegen.rig import default_head, load_rig

    with blame("--rig"):
        head = default_head(load_rig(look.rig))
    with blame("--renderer"):
        Registry("renderers").get(look.renderer)
    with blame("--camera"):
        camera_for(head, look.camera, look.pixels)
    with blame("--background"):
        make_background(look.background, look.pixels)


def draw(
    curves: Animation, places: list[Output], look: RenderConfig, report: Reporter, start: float = 0.0
) -> None:
    """Draw to each of ``places``; ``start`` is the second of the sound at which the curves begin."""
    from facegen.renderers import render_file

    def progress(step: str, done: float) -> None:
        report.progress(step, done, curves.seconds)

    for place in places:
        render_file(curves, place.path, look, progress, audio_start=start)


for _add in (outputs_option, config_options(RenderConfig), report_options):
    render = _add(render)
