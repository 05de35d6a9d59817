"""What every job has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from facegen.core.errors import FacegenError
from facegen.core.progress import Progress
from facegen.core.registry import Registry

if TYPE_CHECKING:
    from facegen.core.animation import Animation
    from facegen.evaluation.report import CheckReport
    from facegen.motion.take import Take


@dataclass(frozen=True)
class JobResult:
    """What a job made: the curves it wrote or drew, the take behind them, and what was odd about its source.

    ``facts`` is what the JSON line says beside, ``lines`` what is told to people; ``outputs`` the files that were
    written where the job names them itself; ``card`` the report of a check; ``failure`` an error to end with although
    all was written.
    """

    animation: Animation | None
    take: Take | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    outputs: tuple[str, ...] | None = None
    card: CheckReport | None = None
    failure: FacegenError | None = None


class Job(Protocol):
    """One piece of work. A new kind is a class with these and a row of the registry ``jobs``.

    ``sources`` names the files that it is about, in the order of its command's arguments; ``settings`` the config
    classes whose fields are its options, each with the names of those it takes (None: all); ``kinds`` what it
    writes: "curves" (any exporter's format), "pictures", "folder", or a format of its own by its suffix (".html").
    """

    sources: ClassVar[tuple[str, ...]]
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]]
    kinds: ClassVar[tuple[str, ...]]

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        """Settle what is written where; raises UsageError and OutputError. ``values`` are options by name."""
        ...

    def check(self) -> None:
        """Open what the settings name, before the work and before ``run``. Raises the error of what can't be used."""
        ...

    def run(self, progress: Progress) -> JobResult:
        """Do the work and write the outputs, each whole or not at all."""
        ...


def load_job(command: str) -> type[Job]:
    """The job behind ``command``. Raises UsageError for a command that has none."""
    return Registry("jobs").get(command)
