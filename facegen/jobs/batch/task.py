"""One job of a batch as plain values, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from facegen.core.errors import FacegenError

DONE, SKIPPED, FAILED, WAITING = "done", "kept", "failed", "waiting"
"""What a job is in the summary: done now, kept from an earlier run, failed, or not begun."""
CHANGED = "stale"
"""Done before, but what it was made from or what it made has changed since; to be done again."""


@dataclass(frozen=True)
class Task:
    """A job to do: ``command`` on ``sources`` (absolute paths) with ``options`` by name, to ``outputs`` (paths inside
    the output folder, the first of which names the job). ``earlier`` is what the journal says of it."""

    row: int
    place: str
    """Where it is asked for, such as ``lines.csv:4``, for messages."""
    name: str
    command: str
    sources: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    fault: TaskError | None = None
    """Why it can't be done, where that is known before it begins."""
    earlier: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TaskError:
    """A failure as plain values. ``again``: another try may end otherwise; ``halts``: all other jobs would meet it."""

    reason: str
    path: str | None = None
    remedy: str = ""
    exit_code: int = 5
    again: bool = False
    halts: bool = False

    @classmethod
    def of(cls, error: FacegenError, *, again: bool = False, halts: bool = False) -> TaskError:
        return cls(error.reason, error.path, error.remedy, error.exit_code, again, halts)

    def error(self) -> FacegenError:
        error = FacegenError(self.reason, path=self.path, remedy=self.remedy)
        error.exit_code = self.exit_code
        return error

    def __str__(self) -> str:
        return str(self.error())


@dataclass(frozen=True)
class Result:
    """What became of a task. ``outputs`` maps each file's path in the output folder to [sha256, bytes], ``card`` holds
    the verdict of the take's checks and the lines that are not passed."""

    state: str
    fingerprint: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    frames: int = 0
    elapsed: float = 0.0
    notes: tuple[str, ...] = ()
    card: Mapping[str, Any] | None = None
    picture: str | None = None
    fault: TaskError | None = None
    tries: int = 1

    @classmethod
    def failed(cls, fault: TaskError, **more: Any) -> Result:
        return cls(FAILED, fault=fault, **more)

    def plain(self) -> dict[str, Any]:
        """As JSON values."""
        shown = {**self.__dict__, "notes": list(self.notes), "outputs": dict(self.outputs)}
        return {**shown, "fault": dict(self.fault.__dict__) if self.fault else None}

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Result:
        """The result that ``plain`` described; TypeError for anything else."""
        fault = values.get("fault")
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        known |= {"fault": TaskError(**fault) if fault else None, "notes": tuple(values.get("notes") or ())}
        return cls(**known)

    def tried(self, tries: int) -> Result:
        return replace(self, tries=tries)


def canonical(value: Any) -> bytes:
    """JSON of ``value``, the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")
