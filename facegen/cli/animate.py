"""``facegen animate``: speech to curves, animated mesh and video."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import (
    blame,
    config_options,
    example,
    outputs_option,
    pick,
    report_options,
)
from facegen.cli.outputs import Output, check_outputs
from facegen.cli.render import check_look, draw
from facegen.cli.report import Reporter
from facegen.config import Config, RenderConfig
from facegen.registry import Registry
from facegen.units import as_fps

LOOK = ("size", "camera", "background", "renderer")
"""Options of videos and pictures that ``animate`` takes too."""


@click.command(
    help="Speech to curves, animated mesh and video; the format of each OUT follows from its suffix.",
    epilog=example("facegen animate speech.wav --emotion happy:0.6 -o take.csv -o take.mp4"),
)
@click.argument("audio")
def animate(audio: str, outputs: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    with blame("--fps"):
        as_fps(values["fps"])
    config = pick(Config, values)
    look = pick(RenderConfig, {name: values[name] for name in LOOK}, rig=config.rig, audio=audio)
    read = (audio, config.text, config.alignment, config.timeline)
    places = check_outputs(outputs, read, ("curves", "pictures"))
    check_names(config, look, places)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        _solve_and_write(audio, config, look, places, report)


for _add in (
    outputs_option,
    config_options(Config),
    config_options(RenderConfig, LOOK),
    report_options,
):
    animate = _add(animate)


def check_names(config: Config, look: RenderConfig, places: list[Output]) -> None:
    """Everything that the settings name exists and can be read: found out before the sound is read."""
    from facegen.decoders import load_decoder
    from facegen.encoders import load_encoder
    from facegen.encoders.alignment import read_alignment
    from facegen.encoders.lexicon import read_transcript, words_of
    from facegen.passes import enabled, finishing
    from facegen.pipeline import emotion_track
    from facegen.rig import load_rig
    from facegen.style import load_style

    with blame("--rig"):
        load_rig(config.rig)
    with blame("--encoder"):
        if config.encoder not in Registry("encoders"):
            load_encoder(config.encoder)
    with blame("--decoder"):
        if config.decoder not in Registry("decoders"):
            load_decoder(config.decoder)
    with blame("--style"):
        load_style(config.style)
    with blame("--passes"):
        enabled(config), finishing(config)
    if any(place.kind == "pictures" for place in places):
        check_look(look)
    if config.text is not None:
        with blame("--text"):
            words_of(read_transcript(config.text))
    if config.alignment is not None:
        read_alignment(config.alignment)
    with blame("--emotion"):
        emotion_track(config)


def _solve_and_write(
    audio: str, config: Config, look: RenderConfig, places: list[Output], report: Reporter
) -> None:
    from facegen import pipeline
    from facegen.audio import open_sound
    from facegen.exporters import save, wants_take

    sound = open_sound(audio, start=config.start, duration=config.duration)
    take = pipeline.solve(
        sound, config, progress=lambda step, done: report.progress(step, done, sound.estimate)
    )
    animation = pipeline.animate(take, config.rig)
    for place in places:
        if place.kind == "pictures":
            draw(animation, [place], look, report, config.start)
        else:
            save(take if wants_take(place.suffix) else animation, place.path, rig=config.rig, audio=audio)
    report.written([place.path for place in places], animation, sound.notes)
