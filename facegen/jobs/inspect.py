"""What is in a sound, an animation or a rig: the job of ``facegen inspect``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import Config, InspectConfig
from facegen.core.errors import RigError, blame
from facegen.core.progress import Progress
from facegen.core.registry import Registry, suffix_of
from facegen.jobs.job import JobResult
from facegen.jobs.reports import PLOTS, REPORT, check_reports, write_report
from facegen.jobs.settings import need, pick

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.speech.audio import AudioStream
    from facegen.speech.phones import PhoneTrack

Facts = tuple[dict[str, Any], list[str]]
"""The facts as JSON values, and as lines for people."""


class InspectJob:
    sources: ClassVar[tuple[str, ...]] = ("file",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = ((InspectConfig, None),)
    kinds: ClassVar[tuple[str, ...]] = (REPORT, *PLOTS)

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.file,) = sources
        self.audio = pick(InspectConfig, values).audio
        self.reports, self.plots = check_reports(outputs, (self.file, self.audio), self.kinds)

    def check(self) -> None:
        """The file itself is all that is read."""

    def run(self, progress: Progress) -> JobResult:
        suffix = suffix_of(self.file, Registry("importers").names())
        if _is_rig(self.file):
            facts, lines = self._rig()
        else:
            facts, lines = self._animation(suffix) if suffix else self._sound()
        facts = {"file": self.file, **facts}
        for path in self.reports:
            write_report(path, facts, (self.file,))
        return JobResult(None, facts=facts, lines=tuple(lines))

    def _rig(self) -> Facts:
        from facegen.jobs.rig_facts import rig_facts, rig_lines
        from facegen.rig import load_rig

        need(not self.plots, "--plot", "a rig has no curves to draw", "leave it out")
        with blame(self.file):
            rig = load_rig(self.file)
        return rig_facts(rig), rig_lines(rig)

    def _animation(self, suffix: str) -> Facts:
        from facegen.formats import load_take
        from facegen.formats.take import flatten
        from facegen.jobs.facts import animation_facts, animation_lines
        from facegen.speech.audio import open_audio

        take = load_take(self.file)
        animation = flatten(take)
        if self.plots:
            self._draw(animation, take.phones, open_audio(self.audio) if self.audio else None)
        facts = animation_facts(animation, take, suffix)
        return facts, animation_lines(self.file, facts)

    def _sound(self) -> Facts:
        from facegen.jobs.facts import sound_facts, sound_lines
        from facegen.pipeline import animate as pipeline
        from facegen.speech.audio import open_audio
        from facegen.speech.phone_timing import refine_alignment

        need(self.audio is None, "--audio", "goes with an animation, not with a sound", "leave it out")
        sound = open_audio(self.file)
        recognized = Registry("encoders").get(Config().encoder)().encode(sound)
        features, phones = refine_alignment(recognized)[:2]
        facts = sound_facts(sound, features, phones)
        if self.plots:
            self._draw(pipeline.animate(pipeline.solve(sound)), phones, sound)
        return facts, sound_lines(self.file, facts)

    def _draw(self, animation: Animation, phones: PhoneTrack, sound: AudioStream | None) -> None:
        from facegen.jobs.plot import draw

        for path in self.plots:
            draw(path, animation, phones, sound, os.path.basename(self.file))


def _is_rig(file: str) -> bool:
    from facegen.rig import built_in_rigs

    if os.path.isdir(file):
        if not os.path.isfile(os.path.join(file, "rig.json")):
            raise RigError(
                "is a folder without a rig.json", path=file, remedy="give a file or a rig's folder"
            )
        return True
    return os.path.basename(file) == "rig.json" or (file in built_in_rigs() and not os.path.exists(file))
