"""Workers on this machine: processes that each do one task at a time, are watched, and replaced when they die."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from facegen.core.threads import REPRODUCIBLE_ENVIRONMENT
from facegen.jobs.batch.task import Result, Task, TaskError

RunTask = Callable[[Task], Result]
ENDED_SECONDS = 0.5
WORKER = {"FACEGEN_THREADS": "1", **REPRODUCIBLE_ENVIRONMENT}
"""The environment of a worker: one core each."""


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class LocalEngine:
    """``workers`` processes that call ``perform`` (a function or partial that can be sent to them).

    ``timeout`` seconds end a task and its process, ``memory`` MB is the most that a process may hold. A process keeps
    what it has loaded for the tasks that follow.
    """

    def __init__(
        self, perform: RunTask, workers: int, *, timeout: float | None = None, memory: int | None = None
    ) -> None:
        self._perform, self._timeout, self._memory = perform, timeout, memory
        self._workers: list[_Worker | None] = [None] * max(1, workers)

    @property
    def free(self) -> bool:
        """Whether another task can begin."""
        return any(worker is None or worker.task is None for worker in self._workers)

    @property
    def busy(self) -> bool:
        return any(worker is not None and worker.task is not None for worker in self._workers)

    def submit(self, task: Task) -> None:
        """Begin ``task``; only while ``free``."""
        place = next(i for i, w in enumerate(self._workers) if w is None or w.task is None)
        worker = self._workers[place]
        if worker is None or not worker.process.is_alive():
            worker = self._workers[place] = _start(self._perform, self._memory)
        worker.begin(task, self._timeout)

    def wait(self, seconds: float) -> list[tuple[Task, Result]]:
        """The tasks that end within ``seconds``, as soon as there is one."""
        working = [w for w in self._workers if w is not None and w.task is not None]
        if not working:
            return []
        left = min([seconds, *(w.ends - time.monotonic() for w in working)])
        ready = wait([thing for w in working for thing in (w.channel, w.process.sentinel)], max(0.0, left))
        ended = []
        for worker in working:
            task, result = worker.task, worker.result(ready)
            if task is not None and result is not None:
                ended.append((task, result))
                if not worker.process.is_alive():
                    self._workers[self._workers.index(worker)] = None
        return ended

    def stop(self) -> None:
        """End all processes at once; what they were doing is not done."""
        for worker in self._workers:
            if worker is not None:
                worker.kill()
        self._workers = [None] * len(self._workers)


@dataclass
class _Worker:
    process: Any
    channel: Connection
    task: Task | None = None
    ends: float = float("inf")

    def begin(self, task: Task, timeout: float | None) -> None:
        self.task, self.limit = task, timeout
        self.ends = float("inf") if timeout is None else time.monotonic() + timeout
        try:
            self.channel.send(task)
        except OSError:
            pass  # it has just died, which ``result`` will tell

    def result(self, ready: list[Any]) -> Result | None:
        """What the task came to, if it has ended."""
        if self.channel in ready or self.process.sentinel in ready:
            try:
                result = self.channel.recv() if self.channel.poll(ENDED_SECONDS) else None
            except (EOFError, OSError):
                result = None
            self.task = None
            if result is not None and result.fault and result.fault.again:
                self.kill()  # what went wrong, such as memory that ran out, must not be the next one's
            return result or self._died()
        if time.monotonic() >= self.ends:
            self.task = None
            self.kill()
            reason = f"took longer than {self.limit:g} s and was stopped"
            return Result.failed(TaskError(reason, remedy="raise --timeout", exit_code=1, again=True))
        return None

    def _died(self) -> Result:
        self.kill()
        code = self.process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        if code == -signal.SIGKILL:
            how += ", as when the memory runs out"
        remedy = "try it alone with --workers 1, and look at the machine's memory"
        return Result.failed(TaskError(f"its process died ({how})", remedy=remedy, exit_code=1, again=True))

    def kill(self) -> None:
        self.process.kill()
        self.process.join(1.0)
        self.channel.close()


def _start(perform: RunTask, memory: int | None) -> _Worker:
    # A fresh process holds no locks, threads or GPU contexts of ours.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, perform, memory), daemon=True)
    with _environment(WORKER):
        process.start()
    theirs.close()
    return _Worker(process, ours)


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Within the block processes that are started see ``values``."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(channel: Connection, perform: RunTask, memory: int | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; who started us decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if memory is not None:
        limit_memory(memory)
    while True:
        try:
            task = channel.recv()
            channel.send(perform(task))
        except (EOFError, OSError):
            return


def limit_memory(megabytes: int) -> None:
    """Let this process hold no more data than that, where the system can hold it to it (Linux)."""
    take_scratch_memory()
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
    except (ImportError, OSError, ValueError):
        pass


def take_scratch_memory() -> None:
    """Let OpenBLAS take what it works in, which it keeps: where there is none, it asks for it again and again for ever."""
    import numpy as np
    from scipy.linalg.blas import sgemm  # SciPy has an OpenBLAS of its own

    square = np.ones((512, 512), np.float32)
    np.matmul(square, square)
    sgemm(1.0, square, square)


def _end_with_parent() -> None:
    """A worker whose batch was killed must not go on writing."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
