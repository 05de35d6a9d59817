"""Options as fields of dataclasses: their help, range and choices stand in one place for every way to give them."""

from __future__ import annotations

from dataclasses import MISSING, field, fields
from typing import Any

from facegen.core.errors import UsageError, nearest

REQUIRED: Any = MISSING
"""The default of an option that has to be given."""


def option(
    default: Any,
    help: str,
    *,
    file: bool = False,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    name: str = "",
    metavar: str | None = None,
) -> Any:
    """A dataclass field that is an option of a command, a column of a batch and a parameter of the service.

    Parameters
    ----------
    default
        Its one default, or REQUIRED.
    help
        What the command line shows; ``low`` and ``high`` are added to it.
    file
        Whether its text may name a file or folder that is read, which a batch holds to the allowed folders.
    low, high
        The range of a number, both ends included.
    choices
        The only texts that are allowed.
    name
        What users call it where that is another name than the field's.
    metavar
        What stands for its value in ``--help``.
    """
    if low is not None and high is not None:
        help = f"{help}, {_bound(low)} to {_bound(high)}" if high < _UNBOUNDED else help
    facts = {"file": file, "low": low, "high": high, "choices": choices, "name": name, "metavar": metavar}
    return field(default=default, metadata={"help": help, **facts})


_UNBOUNDED = 1e6
"""Ranges up to here and further only keep out mistakes, and help does not mention them."""


def _bound(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def flag_of(name: str) -> str:
    """The option of the command line for a field or a name: ``upper_face`` is ``--upper-face``."""
    return "--" + name.replace("_", "-")


def check_options(settings: Any) -> None:
    """Hold each field of ``settings`` to its range or choices. Raises UsageError for the first that leaves them."""
    for known in fields(settings):
        value, facts = getattr(settings, known.name), known.metadata
        flag = flag_of(facts["name"] or known.name)
        if value is None:
            continue
        if facts["choices"] and value not in facts["choices"]:
            name, remedy = flag[2:], nearest(str(value), facts["choices"])
            raise UsageError(f"no {name} is called {value!r}", path=flag, remedy=remedy)
        low, high = facts["low"], facts["high"]
        if low is None:
            continue
        whole = str(known.type).startswith("int")
        right = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        if right and low <= value <= high:
            continue
        number = "whole number" if whole else "number"
        if high >= 2**53:
            raise UsageError(f"{flag} {value} is not a {number} of at least {low}", remedy="use e.g. 1")
        span = f"{_bound(low)}..{_bound(high)}"
        raise UsageError(f"{flag} {value} is not in {span}", remedy=f"use a {number} in {span}")


def defaults(kind: type) -> dict[str, Any]:
    """Option name to default of a config class."""
    return {f.name: f.default for f in fields(kind)}
