"""Speech to curves, animated mesh and video: the job of ``facegen animate``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import Config, ExportConfig, RenderConfig
from facegen.core.errors import blame
from facegen.core.units import as_fps
from facegen.jobs.job import JobResult, Progress
from facegen.jobs.outputs import check_outputs
from facegen.jobs.render import check_look, draw
from facegen.jobs.settings import pick

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.pipeline.inputs import SolveInputs

LOOK = ("size", "camera", "background", "renderer", "resume")
"""Options of videos and pictures that it takes too."""


class AnimateJob:
    sources: ClassVar[tuple[str, ...]] = ("audio",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (Config, None),
        (RenderConfig, LOOK),
        (ExportConfig, None),
    )
    kinds: ClassVar[tuple[str, ...]] = ("curves", "pictures")
    inputs: SolveInputs

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.audio,) = sources
        with blame("--fps"):
            as_fps(values.get("fps", Config.fps))
        config = self.config = pick(Config, values)
        look = {name: values[name] for name in LOOK if name in values}
        self.look = pick(RenderConfig, look, rig=config.rig, audio=self.audio)
        self.export = pick(ExportConfig, values)
        read = (self.audio, config.text, config.alignment, config.timeline)
        self.places = check_outputs(outputs, read, self.kinds)

    def check(self) -> None:
        from facegen.pipeline.inputs import SolveInputs

        self.inputs = SolveInputs.load(self.config)
        if any(place.kind == "pictures" for place in self.places):
            check_look(self.look)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import needs_layers, save
        from facegen.pipeline import animate as pipeline
        from facegen.speech.audio import open_audio

        config = self.config
        sound = open_audio(self.audio, start=config.start, duration=config.duration)
        take = pipeline.solve(sound, self.inputs, progress=progress)
        animation = pipeline.animate(take, self.inputs.rig)
        for place in self.places:
            if place.kind == "pictures":
                draw(animation, place, self.look, progress, config.start)
            else:
                thing = take if needs_layers(place.suffix) else animation
                save(thing, place.path, rig=config.rig, audio=self.audio, **self.export.given())
        return JobResult(animation, take, (*sound.notes, *self._report(animation)))

    def _report(self, animation: Animation) -> tuple[str, ...]:
        if not self.export.report:
            return ()
        from facegen.formats.export_report import export_report  # it reads models, so it loads glTF

        return tuple(export_report(animation, self.config.rig).lines())
