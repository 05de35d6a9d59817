"""Reading a request for keyframes from its JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facegen.core.errors import UsageError
from facegen.formats.keyframes.bone_map import parts_of
from facegen.formats.keyframes.targets import AUTO, Target


def read_request(data: Any) -> tuple[Target, ...]:
    """The targets of a request. Raises UsageError for what is none, RigError for a broken bone map."""
    try:
        objects = frozenset(str(row["name"]) for row in data["targets"])
        return tuple(_target(row, objects) for row in data["targets"])
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise UsageError(
            f"is no list of targets ({type(error).__name__}: {error})", remedy="see facegen keys --help"
        ) from error


def _target(row: Mapping[str, Any], objects: frozenset[str]) -> Target:
    channels, turns = parts_of(row, objects) if row.get("bone_map") else ((), ())
    return Target(
        str(row["name"]),
        tuple(str(s) for s in row.get("shapes", ())),
        str(row.get("preset", AUTO)),
        row.get("map"),
        channels,
        turns,
        row.get("edits", {}),
        bool(row.get("optional", False)),
    )
