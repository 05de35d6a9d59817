"""How far a batch is."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from facegen.jobs.batch.task import DONE, Result, Task, TaskError


@dataclass
class BatchProgress:
    """How far a batch is. ``results`` holds what became of each task by its row."""

    tasks: list[Task]
    results: dict[int, Result] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    halted: TaskError | None = None
    damaged: int = 0
    """Lines of the journal that could not be read."""

    def count(self, state: str) -> int:
        return sum(result.state == state for result in self.results.values())

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    @property
    def seconds(self) -> float:
        """Of animation made now."""
        return sum(result.seconds for result in self.results.values() if result.state == DONE)

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at the speed so far."""
        done = len(self.results)
        return None if not done else self.elapsed / done * (len(self.tasks) - done)
