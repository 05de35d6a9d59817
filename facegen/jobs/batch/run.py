"""One batch from beginning to end: which jobs are left, who does them, and what became of each."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

from facegen.config import BatchConfig
from facegen.core.errors import OutputError, UsageError, nearest
from facegen.core.files import drop_unfinished, locked, make_folder, remove_tree
from facegen.jobs.batch.journal import Journal
from facegen.jobs.batch.local_workers import LocalEngine, cores
from facegen.jobs.batch.manifest import read_manifest
from facegen.jobs.batch.plan import SUMMARIES, Planner, check_columns
from facegen.jobs.batch.progress import BatchProgress
from facegen.jobs.batch.run_task import run_task
from facegen.jobs.batch.scheduler import BatchEngine, Scheduler
from facegen.jobs.batch.storage import STATE, FolderStorage, Storage, is_url, storage_for
from facegen.jobs.batch.summary import write_summary
from facegen.jobs.batch.task import Result, Task

ENGINES = ("local", "ray")
POLL_SECONDS = 0.5
Watch = Callable[["Task", "Result", "BatchProgress"], None]
"""Called after each job that has ended."""


def plan(source: str, target: str, config: BatchConfig, given: Mapping[str, Any] | None = None) -> list[Task]:
    """The tasks of a manifest or folder. Raises ConfigError, InputError and UsageError for what is no manifest."""
    rows = read_manifest(source, None if is_url(target) else target)
    folder = os.path.isdir(source)
    if source.lower().endswith((".csv", ".tsv")) and not folder:
        check_columns(rows, source)
    base = source if folder else os.path.dirname(os.path.abspath(source))
    return Planner(base, config, given or {}).tasks(rows)


def run_batch(
    tasks: Sequence[Task], target: str, config: BatchConfig | None = None, watch: Watch | None = None
) -> BatchProgress:
    """Do ``tasks`` with outputs in ``target`` (a folder or a URL) and write the summary there.

    With ``config.resume`` those that the journal and the files show to be done and unchanged are kept. Failed jobs are
    results. A KeyboardInterrupt ends the workers and passes on; what is done stays done. Raises OutputError where the
    folder can't be written or another batch works in it.
    """
    config = config or BatchConfig()
    place = storage_for(target)
    state = state_folder(target, config)
    with ExitStack() as stack:
        holder = f"a batch (process {os.getpid()} on {platform.node()})"
        stack.enter_context(locked(state / "lock", holder, target))
        remove_tree(state / "parts")
        summaries = place.path if isinstance(place, FolderStorage) else state
        for name in SUMMARIES:
            drop_unfinished(Path(summaries) / name)
        stack.callback(remove_tree, state / "parts")
        journal = Journal(state / "journal.jsonl", fresh=not config.resume)
        stack.callback(journal.close)
        engine = start_engine(config, place)
        stack.callback(engine.stop)
        progress = BatchProgress(list(tasks), damaged=journal.damaged)

        def settled(task: Task, result: Result) -> None:
            progress.results[task.row] = result
            if watch is not None:
                watch(task, result, progress)

        dispatch = Scheduler(journal, engine, settled, config.retries, tasks, fail_fast=config.fail_fast)
        while not dispatch.idle and not dispatch.over:
            dispatch.step(POLL_SECONDS)
        progress.halted = dispatch.halted
        with suppress(OutputError) if progress.halted else nullcontext():
            write_summary(progress, summaries)
    return progress


def state_folder(target: str, config: BatchConfig) -> Any:
    """The folder of journal and lock."""
    if config.state:
        return make_folder(config.state)
    if is_url(target):
        raise UsageError("needs a folder for the journal", path=target, remedy="give --state DIR")
    return make_folder(os.path.join(target, STATE))


def start_engine(config: BatchConfig, place: Storage) -> BatchEngine:
    work = partial(run_task, place=place, check=config.check, thumbnail=config.thumbnails)
    if config.engine == "local":
        return LocalEngine(work, config.workers or cores(), timeout=config.timeout, memory=config.memory)
    if config.engine == "ray":
        from facegen.jobs.batch.ray_workers import RayEngine

        return RayEngine(work, config)
    raise UsageError(
        f"no engine is called {config.engine!r}", path="--engine", remedy=nearest(config.engine, ENGINES)
    )
