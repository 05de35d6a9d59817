"""Bone maps: which controls turn and shift which bones, and drive which properties, as CSV that a rigger can edit.

``object,bone,channel,source,scale``: ``channel`` is an axis (yaw to its left, pitch down, roll to its right, in degrees;
x y z in metres, +Y up and +Z ahead) or the path of a property such as ``["mouth"]``; ``source`` is a control or
``head.yaw`` …; ``scale`` what one of it makes. ``object`` may be missing: then it is the character's armature. Lines that
begin with # are comments.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from typing import Any

from facegen.errors import RigError, nearest
from facegen.keying.request import SHIFTS, TURNS, Channel, Turn

AXES = (*TURNS, *SHIFTS)


def read_bone_map(text: str, name: str) -> list[dict[str, Any]]:
    """The rows of a bone map; ``name`` is the file's, for errors. Raises RigError for what is none."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    rows: list[dict[str, Any]] = []
    for row in csv.DictReader(lines):
        cells: dict[str, Any] = {k: (v or "").strip() for k, v in row.items() if isinstance(k, str)}
        try:
            cells["scale"] = float(cells.get("scale") or 1)
        except ValueError:
            cells["scale"] = math.nan
        axis = cells.get("channel") in AXES and cells.get("bone")
        if not (
            cells.get("source")
            and math.isfinite(cells["scale"])
            and (axis or "[" in cells.get("channel", ""))
        ):
            raise RigError(
                f"the row {','.join(lines[len(rows) + 1].split(','))!r} is no bone,channel,source,scale",
                path=name,
                remedy=f'channel is one of {" ".join(AXES)} of a bone, or a property such as ["mouth"]',
            )
        rows.append(cells)
    if not rows:
        raise RigError("has no rows", path=name, remedy="give bone,channel,source,scale and a row a motion")
    return rows


def parts_of(row: Mapping[str, Any], objects: frozenset[str]) -> tuple[tuple[Channel, ...], tuple[Turn, ...]]:
    """Channels and bones of one target whose request holds a ``bone_map`` (its text), ``bones`` (what each is called:
    ``turn``, ``shift``, ``path``, ``order`` and ``basis``) and ``owner`` (rows without an object are its own).

    Raises RigError for rows whose object is not in ``objects`` and for bones that it lacks.
    """
    name = str(row.get("map_name", "the bone map"))
    channels: dict[str, list[tuple[str, float]]] = {}
    turns: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for cells in read_bone_map(row["bone_map"], name):
        owner, bone = cells.get("object", ""), cells.get("bone", "")
        if owner and owner not in objects:
            raise RigError(
                f"no object is called {owner!r}", path=name, remedy=nearest(owner, sorted(objects))
            )
        if owner != row["name"] and (owner or not row.get("owner")):
            continue
        if bone and bone not in row["bones"]:
            reason = f"{row['name']} has no bone {bone!r}"
            raise RigError(reason, path=name, remedy=nearest(bone, sorted(row["bones"])))
        term = (cells["source"], cells["scale"])
        if cells["channel"] in AXES:
            turns.setdefault(bone, {}).setdefault(cells["channel"], []).append(term)
        else:
            path = row["bones"][bone]["path"] if bone else ""
            channels.setdefault(path + cells["channel"], []).append(term)
    return (
        tuple(Channel(path, tuple(terms)) for path, terms in channels.items()),
        tuple(_turn(row["bones"][bone], terms, bone, name) for bone, terms in turns.items()),
    )


def _turn(
    about: Mapping[str, Any], terms: Mapping[str, list[tuple[str, float]]], bone: str, name: str
) -> Turn:
    order = str(about["order"])
    if order != "QUATERNION" and sorted(order) != ["X", "Y", "Z"]:
        raise RigError(
            f"the bone {bone!r} turns by {order}", path=name, remedy="set its rotation to Quaternion or Euler"
        )
    basis = tuple(tuple(float(x) for x in axis) for axis in about["basis"])
    every = {axis: tuple(terms.get(axis, ())) for axis in AXES}
    return Turn(str(about["turn"]), str(about["shift"]), order, basis, every)
