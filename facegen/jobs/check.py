"""Is an animation fit to be used, and the sound fit to be animated: the job of ``facegen check``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from facegen.config import CheckConfig, Config
from facegen.core.errors import JobError
from facegen.core.files import check_writable, write_atomic
from facegen.core.progress import Progress
from facegen.jobs.job import JobResult
from facegen.jobs.settings import need, pick

SPEECH = ("text", "alignment")


class CheckJob:
    sources: ClassVar[tuple[str, ...]] = ("file",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (CheckConfig, None),
        (Config, SPEECH),
    )
    kinds: ClassVar[tuple[str, ...]] = (".html",)

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        from facegen.evaluation.report.run_checks import is_animation

        (self.file,) = sources
        self.config, self.pages = pick(CheckConfig, values), list(outputs)
        self.speech = {name: values.get(name) for name in SPEECH}
        audio = self.config.audio
        if audio is not None:
            need(
                is_animation(self.file), "--audio", "goes with an animation, not with a sound", "leave it out"
            )
        read = {os.path.realpath(path) for path in (self.file, audio) if path}
        other = "write to a file of another name"
        for page in self.pages:
            need(
                page.lower().endswith((".html", ".htm")), page, "is no page", "use a name that ends in .html"
            )
            need(os.path.realpath(page) not in read, page, "is both input and output", other)
            check_writable(page)

    def check(self) -> None:
        """All that the settings name is read by the check itself."""

    def run(self, progress: Progress) -> JobResult:
        from facegen.evaluation.report import check

        card = check(self.file, self.config.audio, **self.speech, progress=progress)
        if self.pages:
            from facegen.evaluation.report.html_page import page
            from facegen.evaluation.report.worst_frames import worst_frame_pictures

            text = page(card, worst_frame_pictures(card)).encode("utf-8")
            for place in self.pages:
                write_atomic(place, text)
        failure = None
        if self.config.strict and card.failed:
            names = ", ".join(line.name for line in card.lines if line.verdict == "fail")
            failure = JobError(f"fails {names}", path=self.file, remedy="see the lines that are flagged")
        return JobResult(None, notes=tuple(card.notes), card=card, failure=failure)
