"""``facegen edit``: one span of a take solved again, and an animator's changes kept as the take's own layer."""

from __future__ import annotations

from typing import Any

import click

from facegen.cli.options import config_options, example, need, outputs_option, report_options
from facegen.cli.report import Reporter
from facegen.config import CHANGES, Config
from facegen.core.errors import blame
from facegen.jobs.outputs import check_outputs


@click.command(
    help="One span of a take solved again with other settings. All other frames stay as they are, to the bit, and so "
    "does what was changed by hand. --text is what is said within the span.",
    epilog=example("facegen edit talk.take --span 1.5:3 --emotion happy:0.7 -o talk.take"),
)
@click.argument("take", metavar="TAKE")
@click.option("--span", metavar="S:E", help="start and end in seconds")
@click.option("--audio", help="the take's sound  [default: where it was, or beside TAKE]")
@click.option("--hand", metavar="ANIM", help="the take's curves as changed by hand: becomes its hand layer")
def edit(
    take: str,
    span: str | None,
    audio: str | None,
    hand: str | None,
    outputs: tuple[str, ...],
    quiet: bool,
    as_json: bool,
    **values: Any,
) -> None:
    from facegen.emotion import parse_emotion
    from facegen.formats import load_animation, load_take, needs_layers, save
    from facegen.formats.take import flatten
    from facegen.pipeline import edit as editing

    need(bool(span or hand), "--span", "is missing", "give S:E in seconds, or curves with --hand")
    changes = {name: values[name] for name in CHANGES if values[name] is not None}
    need(bool(span or not changes), "--span", "is missing", "say which seconds to solve again, e.g. 1.5:3")
    with blame("--span"):
        part = editing.EditSpan.parse(span) if span else None
    if (emotion := changes.get("emotion", "auto")) != "auto":
        with blame("--emotion"):
            parse_emotion(emotion)
    places = check_outputs(outputs, (audio, hand), ("curves",))
    with Reporter(as_json=as_json, quiet=quiet) as report:
        whole = load_take(take)
        if hand:
            with blame(hand):
                whole = editing.apply_hand_edits(whole, load_animation(hand))
        if part:
            length = whole.frames / float(whole.fps)
            with blame(take):
                sound = audio or editing.find_sound_beside(whole, take)
                whole = editing.edit(
                    whole, part, changes, sound, lambda step, done, _: report.progress(step, done, length)
                )
        for place in places:
            save(whole if needs_layers(place.suffix) else flatten(whole), place.path, audio=audio)
        report.written([place.path for place in places], flatten(whole))


for _add in (outputs_option, config_options(Config, CHANGES, "as before"), report_options):
    edit = _add(edit)
