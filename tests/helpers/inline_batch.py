"""An engine that does tasks in this process, and short sounds to do them with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from facegen.config import BatchConfig
from facegen.jobs.batch import run
from facegen.jobs.batch.run_task import run_task
from facegen.jobs.batch.storage import storage_for
from facegen.jobs.batch.task import Result, Task


class Inline:
    """Does each task when it is waited for; ``before`` is called with it first."""

    def __init__(self, target: str, before: Callable[[Task], None] = lambda task: None) -> None:
        self.place, self.before, self.task, self.done = storage_for(target), before, None, []

    @property
    def free(self) -> bool:
        return self.task is None

    @property
    def busy(self) -> bool:
        return self.task is not None

    def submit(self, task: Task) -> None:
        self.task = task

    def wait(self, seconds: float) -> list[tuple[Task, Result]]:
        task, self.task = self.task, None
        if task is None:
            return []
        self.before(task)
        self.done.append(task.name)
        return [(task, run_task(task, self.place, check=False))]

    def stop(self) -> None:
        pass


def run_inline(monkeypatch, source: Path, target: Path, before=lambda task: None, given=None, **settings):
    """Run a batch in this process; returns its tally."""
    config = BatchConfig(**settings)
    engine = Inline(str(target), before)
    monkeypatch.setattr(run, "start_engine", lambda config, place: engine)
    return run.run_batch(run.plan(str(source), str(target), config, given), str(target), config)


def short_sounds(folder: Path, count: int, seconds: float = 0.3) -> Path:
    """``count`` WAV files of different voiced sounds in ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    time = np.arange(int(16000 * seconds)) / 16000
    for number in range(count):
        pitch = 110 + 12 * number
        voice = sum(np.sin(2 * np.pi * pitch * k * time + k) / k for k in range(1, 12))
        swell = 0.5 + 0.5 * np.sin(2 * np.pi * 4 * time + number)
        soundfile.write(folder / f"clip{number:03}.wav", 0.1 * voice * swell, 16000)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """Every output in ``folder`` with its bytes; the batch's own files left out, which come and go."""
    found: dict[str, bytes] = {}
    for place, inner, files in os.walk(folder):
        inner[:] = [name for name in inner if name != ".facegen"]
        for path in (Path(place) / name for name in files if not name.startswith(("summary.", ".summary-"))):
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return dict(sorted(found.items()))
