"""``facegen portrait``: a photo that speaks."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.animate import check_names
from facegen.cli.options import blame, config_options, example, outputs_option, pick, report_options
from facegen.cli.outputs import Output, check_outputs
from facegen.cli.report import Reporter
from facegen.config import Config, PortraitConfig, RenderConfig
from facegen.registry import Registry, suffix_of
from facegen.units import as_fps

if TYPE_CHECKING:
    from facegen.animation import Animation

SETTINGS = tuple(f.name for f in fields(Config) if f.name != "rig")
"""Options of ``animate``; the rig is the photo's own face."""


@click.command(
    help="The face in IMAGE speaks AUDIO, or shows the animation ANIM, in a video.",
    epilog=example("facegen portrait speech.wav face.jpg -o out.mp4 --emotion happy:0.6"),
)
@click.argument("source", metavar="AUDIO|ANIM")
@click.argument("image", metavar="IMAGE")
def portrait(
    source: str, image: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any
) -> None:
    with blame("--fps"):
        as_fps(values["fps"])
    config = pick(Config, {name: values[name] for name in SETTINGS})
    look = pick(PortraitConfig, {f.name: values[f.name] for f in fields(PortraitConfig)})
    read = (source, image, look.audio, config.text, config.alignment, config.timeline)
    places = check_outputs(outputs, read, ("pictures",))
    check_names(config, RenderConfig(), [])
    with Reporter(as_json=as_json, quiet=quiet) as report:
        curves, sound = _curves(source, config, look, report)
        _draw(curves, image, places, look, report, sound, config.start if sound == source else 0.0)
        report.written([place.path for place in places], curves)


for _add in (
    outputs_option,
    config_options(Config, SETTINGS),
    config_options(PortraitConfig),
    report_options,
):
    portrait = _add(portrait)


def _curves(
    source: str, config: Config, look: PortraitConfig, report: Reporter
) -> tuple[Animation, str | None]:
    """The animation on ARKit's controls, and the file with its sound."""
    from facegen import pipeline
    from facegen.audio import open_sound
    from facegen.exporters import load_animation
    from facegen.rig import ARKIT

    if suffix_of(source, Registry("importers").names()):
        animation = load_animation(source)
        if not set(animation.controls) & set(ARKIT):
            animation = pipeline.retarget(animation, "arkit")
        return animation, look.audio
    sound = open_sound(source, start=config.start, duration=config.duration)
    take = pipeline.solve(
        sound, config, progress=lambda step, done: report.progress(step, done, sound.estimate)
    )
    report.notes.extend(sound.notes)
    return pipeline.animate(take), look.audio or source


def _draw(
    curves: Animation,
    image: str,
    places: list[Output],
    look: PortraitConfig,
    report: Reporter,
    sound: str | None,
    start: float,
) -> None:
    from facegen.portrait import portrait_file

    def progress(step: str, done: float) -> None:
        report.progress(step, done, curves.seconds)

    for place in places:
        portrait_file(curves, image, place.path, look, progress, audio=sound, audio_start=start)
