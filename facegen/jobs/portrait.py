"""A photo that speaks: the job of ``facegen portrait``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import Config, PortraitConfig
from facegen.core.errors import blame
from facegen.core.registry import Registry, suffix_of
from facegen.core.units import as_fps
from facegen.jobs.job import JobResult, Progress
from facegen.jobs.outputs import check_outputs
from facegen.jobs.settings import pick

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.motion.take import Take
    from facegen.pipeline.inputs import SolveInputs

SETTINGS = tuple(f.name for f in fields(Config) if f.name != "rig")
"""Options of ``animate``; the rig is the photo's own face."""


class PortraitJob:
    sources: ClassVar[tuple[str, ...]] = ("source", "image")
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (Config, SETTINGS),
        (PortraitConfig, None),
    )
    kinds: ClassVar[tuple[str, ...]] = ("pictures",)
    inputs: SolveInputs

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        self.source, self.image = sources
        with blame("--fps"):
            as_fps(values.get("fps", Config.fps))
        self.config = pick(Config, {k: v for k, v in values.items() if k in SETTINGS})
        self.look = pick(PortraitConfig, values)
        config = self.config
        read = (self.source, self.image, self.look.audio, config.text, config.alignment, config.timeline)
        self.places = check_outputs(outputs, read, self.kinds)

    def check(self) -> None:
        from facegen.pipeline.inputs import SolveInputs
        from facegen.portrait import check_portrait
        from facegen.speech.audio import open_audio

        self.inputs = SolveInputs.load(self.config)
        check_portrait(self.look)
        if self.look.audio:
            open_audio(self.look.audio)

    def run(self, progress: Progress) -> JobResult:
        from facegen.portrait import PortraitAudio, write_portrait

        curves, take, sound, notes = self._curves(progress)
        start = self.config.start if sound == self.source else 0.0
        speech = PortraitAudio(sound, start, take.emotion if take else None, self.config.seed)

        for place in self.places:
            write_portrait(curves, self.image, place.path, self.look, speech, progress)
        return JobResult(curves, take, notes)

    def _curves(self, progress: Progress) -> tuple[Animation, Take | None, str | None, tuple[str, ...]]:
        """The animation on ARKit's controls, its take, the file with its sound, and notes on it."""
        from facegen.formats import load_animation
        from facegen.pipeline import animate as pipeline
        from facegen.rig import ARKIT
        from facegen.speech.audio import open_audio

        if suffix_of(self.source, Registry("importers").names()):
            curves = load_animation(self.source)
            if not set(curves.controls) & set(ARKIT):
                curves = pipeline.retarget(curves, "arkit")
            return curves, None, self.look.audio, ()
        sound = open_audio(self.source, start=self.config.start, duration=self.config.duration)
        take = pipeline.solve(sound, self.inputs, progress=progress)
        return pipeline.animate(take), take, self.look.audio or self.source, tuple(sound.notes)
