"""Handing tasks to whoever does them, and writing down what became of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from facegen.jobs.batch.journal import Journal
from facegen.jobs.batch.task import CHANGED, FAILED, SKIPPED, Result, Task, TaskError


class BatchEngine(Protocol):
    """Who does tasks: ``submit`` while ``free``, ``wait`` for those that end, ``stop`` at once."""

    @property
    def free(self) -> bool: ...
    @property
    def busy(self) -> bool: ...
    def submit(self, task: Task) -> None: ...
    def wait(self, seconds: float) -> list[tuple[Task, Result]]: ...
    def stop(self) -> None: ...


class Scheduler:
    """Tasks that wait, in order, and the engine that does them. ``settled`` is called with each task's last word, once
    the journal has it. ``halted`` is a fault that every other task would meet too; then nothing more is begun."""

    def __init__(
        self,
        journal: Journal,
        engine: BatchEngine,
        settled: Callable[[Task, Result], None],
        retries: int,
        tasks: Iterable[Task] = (),
        *,
        fail_fast: bool = False,
    ) -> None:
        self._journal, self._engine, self._settled, self._retries = journal, engine, settled, retries
        self._waiting = deque(tasks)
        self._tries: dict[int, int] = {}
        self._fail_fast, self._failed = fail_fast, False
        self.halted: TaskError | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to be begun, whatever waits."""
        return self.halted is not None or (self._fail_fast and self._failed)

    @property
    def idle(self) -> bool:
        return not self._waiting and not self._engine.busy

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, task: Task) -> None:
        self._waiting.append(task)

    def step(self, seconds: float) -> None:
        """Begin what can begin, and take in what ends within ``seconds``."""
        while self._waiting and self._engine.free and not self.over:
            self._begin(self._waiting.popleft())
        for task, result in self._engine.wait(seconds):
            self._end(task, result)

    def _begin(self, task: Task) -> None:
        if task.fault is not None:
            self._settle(task, Result.failed(task.fault))
            return
        earlier = self._journal.earlier(task.name)
        if earlier is None:
            self._journal.begin(task.name)
        self._engine.submit(replace(task, earlier=earlier))

    def _end(self, task: Task, result: Result) -> None:
        if result.state == CHANGED:
            self._waiting.appendleft(replace(task, earlier=None))
            self._journal.begin(task.name)
            return
        tries = self._tries[task.row] = self._tries.get(task.row, 0) + 1
        if result.fault and result.fault.halts:
            self.halted = result.fault
        elif result.fault and result.fault.again and tries <= self._retries:
            self._waiting.appendleft(replace(task, earlier=None))
        else:
            self._settle(task, result.tried(tries))

    def _settle(self, task: Task, result: Result) -> None:
        self._tries.pop(task.row, None)
        self._failed |= result.state == FAILED
        if result.state != SKIPPED:
            self._journal.end(task.name, result)
        self._settled(task, result)
