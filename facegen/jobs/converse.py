"""A conversation to one take a speaker: the job of ``facegen converse``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import Config, ConverseConfig, RenderConfig
from facegen.core.errors import OutputError, blame
from facegen.core.progress import Progress
from facegen.core.registry import Registry
from facegen.jobs.animate import LOOK
from facegen.jobs.job import JobResult
from facegen.jobs.render import check_look
from facegen.jobs.settings import pick

if TYPE_CHECKING:
    from facegen.pipeline.inputs import SolveInputs

ONE_VOICE = ("timeline", "text", "alignment", "look_at")
"""Options of ``animate`` that are about a single speaker."""
SETTINGS = tuple(f.name for f in fields(Config) if f.name not in ONE_VOICE)


class ConverseJob:
    sources: ClassVar[tuple[str, ...]] = ("turns",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (ConverseConfig, None),
        (Config, SETTINGS),
        (RenderConfig, LOOK),
    )
    kinds: ClassVar[tuple[str, ...]] = ("folder",)
    inputs: SolveInputs

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.turns,), (self.folder,) = sources, outputs
        self.talk = pick(ConverseConfig, values)
        self.config = pick(Config, values)
        self.look = pick(RenderConfig, {name: values[name] for name in LOOK if name in values})
        folder = self.folder.rstrip("/" + os.sep) or self.folder
        if os.path.exists(folder) and not os.path.isdir(folder):
            raise OutputError("is a file, not a folder", path=self.folder, remedy="give another name")

    @staticmethod
    def reads(sources: Sequence[str]) -> list[str]:
        """The files that a table of turns names, which a batch holds to the allowed folders as well."""
        from facegen.pipeline.conversation.solve import TABLES
        from facegen.pipeline.conversation.turns import read_turns

        (table,) = sources
        if not table.lower().endswith(TABLES):
            return []
        turns = read_turns(table)
        texts = [turn.text for turn in turns if turn.text and "\0" not in turn.text and len(turn.text) < 4096]
        return [*(turn.audio for turn in turns), *filter(os.path.isfile, texts)]

    def check(self) -> None:
        from facegen.pipeline.conversation.outputs import check_formats
        from facegen.pipeline.inputs import SolveInputs

        with blame("--format"):
            check_formats(self.talk.format)
        self.inputs = SolveInputs.load(self.config)
        if any(f".{name}" in Registry("videos") for name in self.talk.format):
            check_look(self.look)

    def run(self, progress: Progress) -> JobResult:
        from facegen.pipeline.animate import animate
        from facegen.pipeline.conversation.outputs import write_conversation
        from facegen.pipeline.conversation.solve import converse

        talk = converse(self.turns, self.inputs, apart=self.talk.apart, progress=progress)
        paths = write_conversation(talk, self.folder, self.talk.format, self.look, self.config.rig, progress)
        curves = animate(next(iter(talk.takes.values())), self.inputs.rig)
        return JobResult(curves, outputs=tuple(paths))
