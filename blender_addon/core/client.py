"""``python -m facegen … --json`` as a generator: it yields progress while the program works and returns its answer."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Generator, Sequence
from typing import Any

from .trouble import Trouble

Progress = tuple[str, float]
"""What is being done, and how much of it, 0..1."""
Steps = Generator[Progress, None, Any]
SETTING = "set the Python that has facegen in the add-on's preferences, or make an environment there"


def facegen(python: str, *arguments: str) -> Steps:
    """Run one command of facegen; returns its ``done`` event. Closing the generator ends the program."""
    events: dict[str, Any] = {}
    command = [python, "-m", "facegen", *arguments, "--json"]
    try:
        for line in (lines := Lines(command)):
            event = _event(line)
            kind = event.get("event")
            if kind == "progress":
                total = event.get("total") or 0
                yield event["step"], min(1.0, event["done"] / total) if total else 0.0
            elif kind:
                events[kind] = event
            else:
                yield "", 0.0
    finally:
        lines.close()
    return _answer(events, lines)


class Lines:
    """The lines that a program prints, ``""`` while there is none; at its end ``code`` and ``errors`` are set."""

    def __init__(self, command: Sequence[str]) -> None:
        self.command, self.errors = list(command), ""
        self.code: int | None = None
        hidden = {"creationflags": subprocess.CREATE_NO_WINDOW} if os.name == "nt" else {}  # type: ignore[attr-defined]
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONHOME"}
        try:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**environment, "PYTHONUTF8": "1"},
                **hidden,
            )
        except OSError as error:
            raise Trouble(f"{self.command[0]} can't be run ({error.strerror})", SETTING) from error
        self.waiting: queue.Queue[str | None] = queue.Queue()
        self.readers = [
            threading.Thread(target=self._read, daemon=True),
            threading.Thread(target=self._listen, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.waiting.put(line.rstrip("\n"))
        self.waiting.put(None)

    def _listen(self) -> None:
        self.errors = self.process.stderr.read() if self.process.stderr else ""

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        try:
            line = self.waiting.get(timeout=0.005)
        except queue.Empty:
            return ""
        if line is None:
            self.code = self.process.wait()
            self.readers[1].join(timeout=5)
            raise StopIteration
        return line

    def close(self) -> None:
        """End the program where it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _answer(events: dict[str, Any], lines: Lines) -> dict[str, Any]:
    if "error" in events:
        error = events["error"]
        name = f"{error['path']}: " if error.get("path") else ""
        raise Trouble(f"{name}{error['reason']}", error.get("remedy", ""))
    if lines.code == 0 and "done" in events:
        return events["done"]
    if "No module named facegen" in lines.errors or "No module named 'facegen'" in lines.errors:
        raise Trouble(f"{lines.command[0]} has no facegen", SETTING)
    last = (lines.errors.strip().splitlines() or ["it said nothing"])[-1]
    if lines.code is not None and lines.code < 0:
        raise Trouble(f"facegen was ended from outside (signal {-lines.code})", "try again")
    raise Trouble(f"facegen stopped with code {lines.code} ({last})", "update facegen, or report it")
