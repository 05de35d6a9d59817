"""The face in a video to curves: the job of ``facegen track``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from facegen.config import TrackConfig
from facegen.core.errors import blame
from facegen.core.progress import Progress
from facegen.jobs.job import JobResult
from facegen.jobs.outputs import check_outputs
from facegen.jobs.settings import pick


class TrackJob:
    sources: ClassVar[tuple[str, ...]] = ("video",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = ((TrackConfig, None),)
    kinds: ClassVar[tuple[str, ...]] = ("curves",)

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        from facegen.tracking import FaceSelector

        (self.video,) = sources
        config = self.config = pick(TrackConfig, values)
        self.choice = FaceSelector(config.face, config.box)
        self.places = check_outputs(outputs, (self.video, config.model), self.kinds)

    def check(self) -> None:
        from facegen.tracking.rig_landmarks import load_rig_landmarks

        with blame("--rig"):
            load_rig_landmarks(self.config.rig)

    def run(self, progress: Progress) -> JobResult:
        from facegen.formats import save
        from facegen.tracking import track

        config = self.config
        curves = track(self.video, rig=config.rig, model=config.model, choice=self.choice, progress=progress)
        for place in self.places:
            save(curves, place.path)
        return JobResult(curves)
