"""An animation to video and pictures: the job of ``facegen render``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import RenderConfig
from facegen.core.errors import blame
from facegen.core.registry import Registry
from facegen.jobs.job import JobResult, Progress
from facegen.jobs.outputs import Output, check_outputs
from facegen.jobs.settings import pick

if TYPE_CHECKING:
    from facegen.core.animation import Animation


class RenderJob:
    sources: ClassVar[tuple[str, ...]] = ("animation",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = ((RenderConfig, None),)
    kinds: ClassVar[tuple[str, ...]] = ("pictures",)

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.animation,) = sources
        self.look = pick(RenderConfig, values)
        self.places = check_outputs(outputs, (self.animation, self.look.audio), self.kinds)

    def check(self) -> None:
        from facegen.speech.audio import open_audio

        check_look(self.look)
        if self.look.audio:
            open_audio(self.look.audio)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import load_animation

        curves = load_animation(self.animation)
        for place in self.places:
            draw(curves, place, self.look, progress)
        return JobResult(curves)


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
    curves: Animation, place: Output, look: RenderConfig, progress: Progress, start: float = 0.0
) -> None:
    """Draw to ``place``; ``start`` is the second of the sound at which the curves begin."""
    from facegen.renderers import render_file

    render_file(curves, place.path, look, progress, audio_start=start)
