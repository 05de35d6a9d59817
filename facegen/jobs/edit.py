"""One span of a take solved again, and an animator's changes kept: the job of ``facegen edit``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from facegen.config import CHANGES, Config, EditConfig
from facegen.core.errors import blame
from facegen.core.progress import Progress
from facegen.jobs.job import JobResult
from facegen.jobs.outputs import check_outputs
from facegen.jobs.settings import need, pick


class EditJob:
    sources: ClassVar[tuple[str, ...]] = ("take",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (EditConfig, None),
        (Config, CHANGES),
    )
    kinds: ClassVar[tuple[str, ...]] = ("curves",)

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.take,) = sources
        config = self.config = pick(EditConfig, values)
        self.changes = {name: values[name] for name in CHANGES if values.get(name) is not None}
        need(
            bool(config.span or config.hand),
            "--span",
            "is missing",
            "give S:E in seconds, or curves with --hand",
        )
        spanless = not config.span and bool(self.changes)
        need(not spanless, "--span", "is missing", "say which seconds to solve again, e.g. 1.5:3")
        self.places = check_outputs(outputs, (config.audio, config.hand), self.kinds)

    def check(self) -> None:
        from facegen.emotion import parse_emotion
        from facegen.pipeline.edit import EditSpan

        with blame("--span"):
            self.span = EditSpan.parse(self.config.span) if self.config.span else None
        if (emotion := self.changes.get("emotion", "auto")) != "auto":
            with blame("--emotion"):
                parse_emotion(emotion)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import load_animation, load_take, needs_layers, save
        from facegen.formats.take import flatten
        from facegen.pipeline import edit as editing

        whole, config = load_take(self.take), self.config
        if config.hand:
            with blame(config.hand):
                whole = editing.apply_hand_edits(whole, load_animation(config.hand))
        if self.span:
            with blame(self.take):
                sound = config.audio or editing.find_sound_beside(whole, self.take)
                whole = editing.edit(whole, self.span, self.changes, sound, progress)
        curves = flatten(whole)
        for place in self.places:
            save(whole if needs_layers(place.suffix) else curves, place.path, audio=config.audio)
        return JobResult(curves, whole)
