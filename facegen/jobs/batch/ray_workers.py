"""Workers in a Ray cluster: the same tasks, as Ray tasks on as many machines as there are.

Only tasks and results pass through Ray; outputs go straight from a worker to the shared folder or the store.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from facegen.config import BatchConfig
from facegen.core.errors import MissingExtraError, UsageError
from facegen.jobs.batch.local_workers import WORKER, limit_memory
from facegen.jobs.batch.task import Result, Task, TaskError

AHEAD = 2
"""Tasks handed over for each that the cluster can run at once: enough that no worker waits, few enough to stop soon."""


class RayEngine:
    """Calls ``perform`` in the cluster at ``config.address``, or in a Ray of its own on this machine.

    The outputs' folder must be one that all machines share, or a URL. Raises MissingExtraError without Ray and
    UsageError where no cluster answers.
    """

    def __init__(self, perform: Callable[[Task], Result], config: BatchConfig) -> None:
        try:
            import ray
        except ImportError as error:
            raise MissingExtraError("ray", "batch", "--engine ray") from error
        self._ray, self._config = ray, config
        self._ours = not ray.is_initialized()
        if self._ours:
            self._connect()
        options = {"num_cpus": config.cpus, "num_gpus": config.gpus, "max_retries": 0}
        if config.memory is not None:
            options["memory"] = config.memory << 20
        self._remote = ray.remote(_work).options(**options)
        self._perform = ray.put(perform)
        self._flying: dict[Any, _Flight] = {}

    def _connect(self) -> None:
        settings: dict[str, Any] = {
            "log_to_driver": False,
            "logging_level": "ERROR",
            "include_dashboard": False,
        }
        if self._config.address:
            settings = {"address": self._config.address, "log_to_driver": False, "logging_level": "ERROR"}
        elif self._config.workers:
            settings["num_cpus"] = max(1, round(self._config.workers * self._config.cpus))
        try:
            self._ray.init(**settings, runtime_env={"env_vars": WORKER})
        except (ConnectionError, ValueError, RuntimeError, OSError) as error:
            reason = f"no Ray cluster answers ({str(error).splitlines()[0][:200]})"
            raise UsageError(reason, path="--address", remedy="start one with: ray start --head") from error

    @property
    def free(self) -> bool:
        return len(self._flying) < AHEAD * self._slots()

    @property
    def busy(self) -> bool:
        return bool(self._flying)

    def _slots(self) -> int:
        """Tasks that the cluster as it stands now can run at once."""
        there = self._ray.cluster_resources()
        shares = [there.get("CPU", 0) / self._config.cpus] if self._config.cpus else []
        shares += [there.get("GPU", 0) / self._config.gpus] if self._config.gpus else []
        at_once = int(min(shares, default=1))
        return max(1, min(at_once, self._config.workers or at_once))

    def submit(self, task: Task) -> None:
        reference = self._remote.remote(self._perform, task, self._config.memory)
        self._flying[reference] = _Flight(task, time.monotonic())

    def wait(self, seconds: float) -> list[tuple[Task, Result]]:
        if not self._flying:
            return []
        ready, _ = self._ray.wait(list(self._flying), num_returns=1, timeout=seconds)
        more, _ = self._ray.wait(list(self._flying), num_returns=len(self._flying), timeout=0)
        ended = [(self._flying.pop(ref).task, self._result(ref)) for ref in dict.fromkeys([*ready, *more])]
        return ended + self._overdue()

    def _result(self, reference: Any) -> Result:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:  # a worker, its node or its memory is gone
            reason = f"its process died ({type(error).__name__})"
            remedy = "see the logs of Ray on that machine"
            return Result.failed(TaskError(reason, remedy=remedy, exit_code=1, again=True))

    def _overdue(self) -> list[tuple[Task, Result]]:
        """Tasks that have had their time, twice over where they waited for a place to run."""
        limit = self._config.timeout
        if limit is None:
            return []
        late = [ref for ref, f in self._flying.items() if time.monotonic() - f.since > AHEAD * limit]
        fault = TaskError(
            f"took longer than {limit:g} s and was stopped", remedy="raise --timeout", exit_code=1, again=True
        )
        ended = []
        for reference in late:
            self._ray.cancel(reference, force=True)
            ended.append((self._flying.pop(reference).task, Result.failed(fault)))
        return ended

    def stop(self) -> None:
        for reference in self._flying:
            self._ray.cancel(reference, force=True)
        self._flying.clear()
        if self._ours:
            self._ray.shutdown()


@dataclass(frozen=True)
class _Flight:
    task: Task
    since: float


def _work(perform: Callable[[Task], Result], task: Task, memory: int | None) -> Result:
    if memory is not None:
        limit_memory(memory)
    return perform(task)
