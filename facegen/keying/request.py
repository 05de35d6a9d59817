"""What is asked for, as plain JSON, so that an add-on in another program needs nothing of facegen to ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from facegen.errors import UsageError

AUTO, CUSTOM = "auto", "custom"
WHOLE = ""
"""The name of the layer that is all layers together."""
TURNS, SHIFTS = ("yaw", "pitch", "roll"), ("x", "y", "z")


@dataclass(frozen=True)
class Channel:
    """Something other than a shape: ``name`` is repeated in the answer, its curve is the sum of ``terms``
    (control, or ``head.yaw`` …, and factor)."""

    name: str
    terms: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Turn:
    """A bone: turns in degrees and shifts from ``terms`` by axis (yaw to its left, pitch down, roll to its right, and
    x y z) in a space with +Y up and +Z ahead, given to the axes of ``basis`` [3, 3] (columns are the bone's axes
    there). ``turn`` and ``shift`` name the curves; ``order`` is QUATERNION or an Euler order such as XYZ."""

    turn: str
    shift: str
    order: str
    basis: tuple[tuple[float, ...], ...]
    terms: Mapping[str, tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Target:
    """One thing to key. ``preset`` says whose names ``shapes`` are (``auto``, ``custom`` with ``map``, or a rig);
    ``edits`` are curves [T] that an animator changed, by layer (``WHOLE`` for all of them) and shape. One that is
    ``optional`` is passed over where none of its shapes is known."""

    name: str
    shapes: tuple[str, ...] = ()
    preset: str = AUTO
    map: str | None = None
    channels: tuple[Channel, ...] = ()
    turns: tuple[Turn, ...] = ()
    edits: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    optional: bool = False


def read_request(data: Any) -> tuple[Target, ...]:
    """The targets of a request as JSON gives it. Raises UsageError for what is none."""
    try:
        return tuple(_target(row) for row in data["targets"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"is no list of targets ({type(error).__name__}: {error})", remedy="see facegen keys --help"
        ) from error


def _target(row: Mapping[str, Any]) -> Target:
    def terms(rows: Any) -> tuple[tuple[str, float], ...]:
        return tuple((str(name), float(factor)) for name, factor in rows)

    return Target(
        str(row["name"]),
        tuple(str(s) for s in row.get("shapes", ())),
        str(row.get("preset", AUTO)),
        row.get("map"),
        tuple(Channel(str(c["name"]), terms(c["terms"])) for c in row.get("channels", ())),
        tuple(
            Turn(
                str(t["turn"]),
                str(t["shift"]),
                str(t["order"]),
                tuple(tuple(float(x) for x in axis) for axis in t["basis"]),
                {axis: terms(t["terms"].get(axis, ())) for axis in (*TURNS, *SHIFTS)},
            )
            for t in row.get("turns", ())
        ),
        row.get("edits", {}),
        bool(row.get("optional", False)),
    )
