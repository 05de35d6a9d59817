"""What a command says while it works and when it is done: for people, as JSON lines, or nothing."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from facegen.core.errors import FacegenError
from facegen.jobs.warnings import collect_warnings

if TYPE_CHECKING:
    from facegen.core.animation import Animation

BAR_AFTER_SECONDS = 1.0
EVENT_EVERY_SECONDS = 0.1


class Reporter:
    """Progress and results of one command. Use it as a context manager: leaving it takes the bar away."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet and not as_json
        self.started = time.monotonic()
        self._last_event = 0.0
        self._last_step = ""
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}
        self.notes: list[str] = []
        self._noting = collect_warnings(self.notes)
        self._draws = not as_json and not quiet and sys.stderr.isatty()

    def __enter__(self) -> Reporter:
        self._noting.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._noting.__exit__(None, None, None)
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def progress(self, step: str, done: float, total: float | None = None) -> None:
        """``done`` of ``total`` (seconds of sound; None where it is not known) of the step called ``step``."""
        if self.as_json:
            self._event(step, done, total)
        elif self._draws and self.elapsed > BAR_AFTER_SECONDS:
            self._draw(step, done, total)

    def _event(self, step: str, done: float, total: float | None) -> None:
        now = time.monotonic()
        if step == self._last_step and now - self._last_event < EVENT_EVERY_SECONDS and done != total:
            return
        self._last_event, self._last_step = now, step
        rounded = None if total is None else round(float(total), 3)
        json_line({"event": "progress", "step": step, "done": round(float(done), 3), "total": rounded})

    def _draw(self, step: str, done: float, total: float | None) -> None:
        from rich.console import Console
        from rich.progress import Progress

        if self._bar is None:
            self._bar = Progress(console=Console(file=sys.stderr), transient=True)
            self._bar.start()
        if step not in self._tasks:
            self._tasks[step] = self._bar.add_task(step, total=total)
        self._bar.update(self._tasks[step], completed=done, total=total)

    def line(self, text: str) -> None:
        """A line for people; left out by --json and --quiet."""
        if not self.quiet and not self.as_json:
            click.echo(text)

    def written(
        self,
        paths: Sequence[str],
        animation: Animation,
        notes: Sequence[str] = (),
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """The files that hold ``animation``; ``notes`` are what was odd about its source, beside what was logged,
        ``facts`` what more the JSON line says."""
        notes = [*notes, *self.notes]
        frames = f"{len(animation)} frame{'s' * (len(animation) != 1)}"
        for path in paths:
            self.line(f"{path}: {frames} at {float(animation.fps):.6g} fps")
        for note in notes:
            self.line(f"note: {note}")
        if self.as_json:
            json_line(
                {
                    "event": "done",
                    "outputs": list(paths),
                    "seconds": round(animation.seconds, 6),
                    "frames": len(animation),
                    "fps": str(animation.fps),
                    "notes": notes,
                    "elapsed": round(self.elapsed, 3),
                    **(facts or {}),
                }
            )


def json_line(value: Any) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.write(json.dumps(value, allow_nan=False) + "\n")
    sys.stdout.flush()


def error_event(error: FacegenError, code: int) -> None:
    json_line(
        {
            "event": "error",
            "path": error.path,
            "reason": error.reason,
            "remedy": error.remedy,
            "exit_code": code,
        }
    )


def warn_line(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def own_streams() -> Iterator[None]:
    """Within the block only facegen writes to stderr: what libraries print there (Python warnings, log records,
    messages of C code) goes nowhere, unless FACEGEN_DEBUG is set. Text that the terminal can't show is escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("FACEGEN_DEBUG"):
        yield
        return
    last_resort, logging.lastResort = logging.lastResort, None
    raising, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        with warnings.catch_warnings(), _hidden_stderr():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.lastResort, logging.raiseExceptions = last_resort, raising


@contextmanager
def _hidden_stderr() -> Iterator[None]:
    """Point the process's stderr at nothing and ``sys.stderr`` at where it was; not where a host has its own."""
    if not _is_standard(sys.stderr):
        yield
        return
    mine, visible = sys.stderr, os.dup(2)
    mine.flush()
    hole = os.open(os.devnull, os.O_WRONLY)
    os.dup2(hole, 2)
    os.close(hole)
    sys.stderr = io.TextIOWrapper(
        os.fdopen(visible, "wb", closefd=False),
        encoding=mine.encoding,
        errors="backslashreplace",
        write_through=True,
    )
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = mine
        os.dup2(visible, 2)
        os.close(visible)


def _is_standard(stream: Any) -> bool:
    try:
        return stream.fileno() == 2
    except (AttributeError, OSError, ValueError):
        return False
