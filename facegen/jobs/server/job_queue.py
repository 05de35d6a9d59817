"""Where requests become tasks of a batch that never ends: uploads, the thread that has them done, and their results."""

from __future__ import annotations

import json
import os
import platform
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from facegen.config import BatchConfig, ServeConfig
from facegen.core.errors import FacegenError
from facegen.core.files import locked, make_folder, read_bytes, remove_tree, write_atomic
from facegen.jobs.batch.journal import Journal
from facegen.jobs.batch.local_workers import LocalEngine, cores
from facegen.jobs.batch.manifest import ManifestRow
from facegen.jobs.batch.plan import Planner
from facegen.jobs.batch.run_task import run_task
from facegen.jobs.batch.scheduler import Scheduler
from facegen.jobs.batch.storage import STATE, FolderStorage
from facegen.jobs.batch.task import FAILED, Result, Task

IDLE_SECONDS = 0.05
SWEEP_SECONDS = 60.0
UPLOADS, REQUEST = "uploads", "request.json"
MAX_REQUEST_BYTES = 2**20


class QueueFull(FacegenError):
    """More jobs wait than may."""

    exit_code = 1


@dataclass
class Entry:
    """One job: its task, since when, and its result once there is one. ``tell`` is called then, in another thread."""

    task: Task
    since: float = field(default_factory=time.time)
    result: Result | None = None
    tell: list[Callable[[], None]] = field(default_factory=list)


class JobQueue:
    """Takes jobs with outputs in ``folder``; what was taken and not done when it last ended is done now.

    Raises OutputError where the folder can't be written or another service or batch works in it.
    """

    def __init__(self, folder: str, config: ServeConfig) -> None:
        self.config, self.folder = config, os.path.abspath(folder)
        self.entries: dict[str, Entry] = {}
        self.counts = {"done": 0, "failed": 0, "refused": 0}
        self.seconds_made = self.seconds_worked = 0.0
        self._lock = threading.Lock()
        self._fresh: list[Task] = []
        self._numbers = 0
        self._stack = ExitStack()
        state = make_folder(os.path.join(self.folder, STATE))
        holder = f"a service (process {os.getpid()} on {platform.node()})"
        self._stack.enter_context(locked(state / "lock", holder, folder))
        self.uploads = make_folder(state / UPLOADS)
        remove_tree(state / "parts")
        self._journal = Journal(state / "journal.jsonl")
        self._stack.callback(self._journal.close)
        work = partial(run_task, place=FolderStorage(self.folder), check=False)
        self._engine = LocalEngine(
            work, config.workers or cores(), timeout=config.timeout, memory=config.memory
        )
        self._stack.callback(self._engine.stop)
        self._dispatch = Scheduler(self._journal, self._engine, self._settled, retries=1)
        self._take_up()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="facegen-desk", daemon=True)
        self._thread.start()

    def new_upload(self) -> tuple[str, Path]:
        """A fresh job's name and the file that its sound is to be written to. Raises QueueFull."""
        if self.waiting >= self.config.waiting:
            self.counts["refused"] += 1
            raise QueueFull("too many jobs wait", remedy="try again in a while")
        name = uuid.uuid4().hex
        return name, make_folder(self.uploads / name) / "sound"

    @property
    def waiting(self) -> int:
        """Jobs that are not done yet, less those being worked on."""
        with self._lock:
            return len(self._fresh) + self._dispatch.waiting

    def take(self, name: str, command: str, asked: Mapping[str, Any]) -> Entry:
        """Queue the job ``name``, whose upload is written. Raises the error of a request that can't be done."""
        task = self._task(name, command, asked)
        if task.fault is not None:
            remove_tree(self.uploads / name)
            raise task.fault.error()
        request = {"command": command, "asked": dict(asked)}
        write_atomic(self.uploads / name / REQUEST, json.dumps(request).encode("utf-8"))
        return self._queue(name, task)

    def _task(self, name: str, command: str, asked: Mapping[str, Any]) -> Task:
        """The task of a request; options of requests name no files but their own upload."""
        self._numbers += 1
        values = {**asked, "command": command, "name": name}
        if command == "animate":
            values["audio"] = "sound"
        values.pop("output", None)
        planner = Planner(str(self.uploads / name), BatchConfig(format="take"))
        (task,) = planner.tasks([ManifestRow(self._numbers, "request", values)])
        return task

    def _queue(self, name: str, task: Task) -> Entry:
        entry = self.entries[name] = Entry(task)
        with self._lock:
            self._fresh.append(task)
        return entry

    def _take_up(self) -> None:
        """Queue what an earlier service left undone, and remember what it has done."""
        for folder in sorted(self.uploads.iterdir()):
            try:
                request = json.loads(read_bytes(folder / REQUEST, limit=MAX_REQUEST_BYTES))
                task = self._task(folder.name, request["command"], request["asked"])
            except (FacegenError, ValueError, OverflowError, KeyError, TypeError):
                remove_tree(folder)  # an upload that was cut off
                continue
            known = self._journal.known.get(task.name)
            if known is None:
                self._queue(folder.name, task)
            else:
                since = folder.stat().st_mtime
                self.entries[folder.name] = Entry(task, since, Result.from_plain(known))

    def _work(self) -> None:
        swept = time.monotonic()
        while not self._over.is_set():
            with self._lock:
                fresh, self._fresh = self._fresh, []
                for task in fresh:
                    self._dispatch.add(task)
            try:
                self._dispatch.step(IDLE_SECONDS)
            except FacegenError as error:  # the journal can't be written
                self.failing = str(error)
            if self._dispatch.idle:
                self._over.wait(IDLE_SECONDS)
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                self.sweep()

    failing = ""
    """Why the service can't work on, if it can't."""

    @property
    def trouble(self) -> str:
        halted = self._dispatch.halted
        return self.failing or (str(halted) if halted else "")

    def _settled(self, task: Task, result: Result) -> None:
        name = Path(task.name).name.split(".")[0]
        entry = self.entries[name]
        entry.result = result
        self.counts["failed" if result.state == FAILED else "done"] += 1
        self.seconds_made += result.seconds
        self.seconds_worked += result.elapsed
        for tell in entry.tell:
            tell()

    def outputs(self, entry: Entry) -> Iterator[tuple[str, Path]]:
        """The files of a job that is done: name and place."""
        for name in entry.result.outputs if entry.result else ():
            yield name, Path(self.folder) / name

    def forget(self, name: str) -> None:
        """Remove a job that has ended, and its files."""
        entry = self.entries.pop(name)
        for _, path in self.outputs(entry):
            path.unlink(missing_ok=True)
        remove_tree(self.uploads / name)
        self._journal.known.pop(entry.task.name, None)

    def sweep(self) -> None:
        """Forget what is older than may be kept."""
        oldest = time.time() - 3600 * self.config.keep
        for name in [n for n, e in self.entries.items() if e.result is not None and e.since < oldest]:
            self.forget(name)

    def close(self) -> None:
        """Stop at once; what is not done is done by the next service. May be called again."""
        self._over.set()
        self._thread.join(2.0)
        self._stack.close()
