"""Doing one task, in whatever process: check what was done before, work in a folder aside, then hand over."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from typing import Any

from facegen import __version__
from facegen.core.errors import FacegenError, InputError, OutputError
from facegen.core.files import checksum, make_folder, tree_files
from facegen.jobs import load_job
from facegen.jobs.batch.storage import Storage
from facegen.jobs.batch.task import CHANGED, DONE, SKIPPED, Result, Task, TaskError, canonical
from facegen.jobs.batch.thumbnails import card_of, picture_of
from facegen.jobs.settings import known_fields
from facegen.jobs.warnings import collect_warnings

HALTING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE)
"""Faults of the output folder that every other job would meet as well."""


def run_task(task: Task, place: Storage, *, check: bool = True, thumbnail: bool = False) -> Result:
    """The result of ``task``; failures are results too, never exceptions. Only a finished job's files get names in
    ``place``."""
    began = time.monotonic()
    try:
        result = _perform(task, place, check, thumbnail)
    except FacegenError as error:
        # What ONNX Runtime says when the memory ends, whichever network it ran.
        starved = "bad_alloc" in error.reason
        result = Result.failed(_no_memory(task) if starved else _fault(error, place))
    except MemoryError:
        result = Result.failed(_no_memory(task))
    except Exception as error:  # a fault of ours in one job must not end the others
        reason = f"internal error ({type(error).__name__}: {str(error)[:300]})"
        result = Result.failed(TaskError(reason, task.name, "please report it", 5))
    return replace(result, elapsed=round(time.monotonic() - began, 3))


def _perform(task: Task, place: Storage, check: bool, thumbnail: bool) -> Result:
    if task.fault is not None:
        return Result.failed(task.fault)
    mark = task_fingerprint(task)
    if task.earlier is not None:
        same = task.earlier.get("fingerprint") == mark and place.holds(task.earlier["outputs"])
        return replace(Result.from_plain(task.earlier), state=SKIPPED) if same else Result(CHANGED)
    with place.aside(f"{task.row}-{os.getpid()}") as folder:
        for name in task.outputs:
            make_folder((folder / name.rstrip("/")).parent)
        paths = [os.path.join(folder, name) for name in task.outputs]
        job = load_job(task.command)(task.sources, paths, _options(task))
        job.check()
        with collect_warnings([]) as notes:
            done = job.run(lambda *_: None)
        if done.failure:
            raise done.failure
        outputs = {
            f.relative_to(folder).as_posix(): [checksum(f), f.stat().st_size] for f in tree_files(folder)
        }
        card = card_of(done) if check or done.card is not None else None
        picture = picture_of(done) if thumbnail and done.animation is not None else None
        place.receive(folder)
    curves = done.animation
    seconds, frames = (0.0, 0) if curves is None else (round(curves.seconds, 6), len(curves))
    return Result(
        DONE, mark, outputs, seconds, frames, notes=(*done.notes, *notes), card=card, picture=picture
    )


def _options(task: Task) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in task.options.items()}


def _fault(error: FacegenError, place: Storage) -> TaskError:
    numbers = {fault.errno for fault in _causes(error) if isinstance(fault, OSError)}
    failing = isinstance(error, OutputError)
    halts = failing and (bool(numbers & set(HALTING)) or not place.exists())
    return TaskError.of(place.plainly(error), again=failing and not halts, halts=halts)


def _no_memory(task: Task) -> TaskError:
    return TaskError("the memory is not enough", task.name, "raise --memory, or use fewer --workers", 3, True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    met: set[int] = set()  # an error raised again from itself is its own cause
    while error is not None and id(error) not in met:
        met.add(id(error))
        yield error
        error = error.__cause__


def task_fingerprint(task: Task) -> str:
    """What the outputs of a task depend on: command, options, contents of the files that it reads, and facegen itself."""
    known = known_fields(load_job(task.command).settings)
    files = [*task.sources, *_named_files(task, known)]
    read = {path: checksum(path) for path in files}
    options = {name: _with_contents(value, read) for name, value in task.options.items()}
    about = [task.command, options, [read[path] for path in task.sources], list(task.outputs), engine_mark()]
    return sha256(canonical(about)).hexdigest()


def _with_contents(value: Any, read: dict[str, str]) -> Any:
    """An option's value with the checksum of a file in place of its path, in a list too."""
    if isinstance(value, list | tuple):
        return [_with_contents(part, read) for part in value]
    return read.get(value, value) if isinstance(value, str) else value


def _named_files(task: Task, known: dict[str, Any]) -> Iterator[str]:
    for name, value in task.options.items():
        if name not in known or not known[name].metadata.get("file"):
            continue
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, str) and os.path.isabs(part) and os.path.exists(part):
                yield part


@lru_cache(maxsize=1)
def engine_mark() -> str:
    """The version of facegen and of the weights that it ships."""
    try:
        return f"{__version__} {checksum(str(resources.files('facegen') / 'models'))}"
    except InputError:
        return __version__
