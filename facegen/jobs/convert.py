"""An animation from one file format to another: the job of ``facegen convert``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from facegen.config import ConvertConfig, ExportConfig
from facegen.core.errors import blame
from facegen.core.progress import Progress
from facegen.core.units import as_fps
from facegen.jobs.job import JobResult
from facegen.jobs.outputs import check_outputs
from facegen.jobs.settings import pick

if TYPE_CHECKING:
    from facegen.rig import Rig


class ConvertJob:
    sources: ClassVar[tuple[str, ...]] = ("animation",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (ConvertConfig, None),
        (ExportConfig, None),
    )
    kinds: ClassVar[tuple[str, ...]] = ("curves",)
    rig: Rig | None = None

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.animation,) = sources
        self.config = pick(ConvertConfig, values)
        self.export = pick(ExportConfig, values)
        self.places = check_outputs(outputs, (self.animation,), self.kinds)

    def check(self) -> None:
        from facegen.rig import load_rig

        if self.config.rig is not None:
            with blame("--rig"):
                self.rig = load_rig(self.config.rig)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import load_animation, load_take, needs_layers, save
        from facegen.formats.take import to_take

        curves, rig = load_animation(self.animation), self.config.rig
        take = load_take(self.animation) if any(needs_layers(place.suffix) for place in self.places) else None
        rate = curves.fps if self.config.fps is None else as_fps(self.config.fps)
        if rate != curves.fps:
            curves = curves.resample(rate)
            take = take and replace(to_take(curves), phones=take.phones, emotion=take.emotion)
        for place in self.places:
            thing = take if take and needs_layers(place.suffix) else curves
            save(thing, place.path, **({"rig": rig} if rig else {}), **self.export.given())
        if not self.export.report:
            return JobResult(curves, take)
        from facegen.formats.export_report import export_report
        from facegen.formats.gltf.vrm import model_path

        report = export_report(curves, rig if model_path(rig) else self.rig)
        return JobResult(curves, take, facts={"report": report.plain()}, lines=tuple(report.lines()))
