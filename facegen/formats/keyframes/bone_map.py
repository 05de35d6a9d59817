"""Bone maps: which controls turn and shift which bones, and drive which properties, as CSV that a rigger can edit.

``object,bone,channel,source,scale``: ``channel`` is an axis (yaw to its left, pitch down, roll to its right, in degrees;
x y z in metres, +Y up and +Z ahead) or the path of a property such as ``["mouth"]``; ``source`` is a control or
``head.yaw`` …; ``scale`` what one of it makes. ``object`` may be missing: then it is the character's armature. A row whose
channel is ``unit`` names two bones (``bone`` and ``source``) and how many metres lie between them where the shifts are
right: shifts grow with the character. Lines that begin with # are comments.

``facegen/data/bones`` holds maps of rigs that many characters have; there, bones that a character lacks are skipped.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from facegen.core.errors import RigError, nearest
from facegen.formats.keyframes.targets import AUTO, SHIFTS, TURNS, BoneRotation, Channel

AXES = (*TURNS, *SHIFTS)
UNIT = "unit"


@lru_cache(maxsize=1)
def shipped_maps() -> dict[str, str]:
    """The texts of the maps that come with facegen, by name."""
    folder = files("facegen") / "data" / "bones"
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".csv")), key=lambda f: f.name)
    return {f.name.removesuffix(".csv"): f.read_text(encoding="utf-8") for f in found}


def signature_bones() -> dict[str, str]:
    """Return, for each shipped map, the bone by which a character of that rig is recognized."""
    return {name: _jaw(read_bone_map(text, name)) for name, text in shipped_maps().items()}


def _jaw(rows: Sequence[Mapping[str, Any]]) -> str:
    return str(next(cells["bone"] for cells in rows if cells["source"] == "jawOpen"))


@dataclass(frozen=True)
class _BoneMap:
    """Rows of the map ``name``; ``optional``: bones that the character lacks are skipped silently."""

    name: str
    rows: list[dict[str, Any]]
    optional: bool


def _requested_map(row: Mapping[str, Any]) -> _BoneMap:
    """The map that a request's row names or holds. Raises RigError."""
    text, name, known = str(row["bone_map"]), str(row.get("map_name", "the bone map")), shipped_maps()
    if "\n" in text or "," in text:
        return _BoneMap(name, read_bone_map(text, name), False)
    if text == AUTO:
        text = next((n for n, bone in signature_bones().items() if bone in row["bones"]), "")
        if not text:
            raise RigError(
                "has no bones that facegen knows", path=row["name"], remedy="give a bone map (Bones)"
            )
    if text not in known:
        remedy = nearest(text, list(known))
        raise RigError("is neither a bone map nor the name of one", path=text, remedy=remedy)
    return _BoneMap(text, read_bone_map(known[text], text), True)


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
        axis = cells.get("channel") in (*AXES, UNIT) and cells.get("bone")
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


def parts_of(
    row: Mapping[str, Any], objects: frozenset[str]
) -> tuple[tuple[Channel, ...], tuple[BoneRotation, ...]]:
    """Channels and bones of one target whose request holds a ``bone_map`` (its text, the name of a shipped one, or AUTO:
    that of those shipped whose bones it has),
    ``bones`` (what each is called: ``turn``, ``shift``, ``path``, ``order`` and ``basis``, and where it is, ``at`` [3] m)
    and ``owner`` (rows without an object are its own).

    Raises RigError for rows whose object is not in ``objects`` and for bones that it lacks.
    """
    bone_map = _requested_map(row)
    name, size = bone_map.name, _size(bone_map, row["bones"])
    channels: dict[str, list[tuple[str, float]]] = {}
    turns: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for cells in (cells for cells in bone_map.rows if cells["channel"] != UNIT):
        owner, bone = cells.get("object", ""), cells.get("bone", "")
        if owner and owner not in objects:
            raise RigError(
                f"no object is called {owner!r}", path=name, remedy=nearest(owner, sorted(objects))
            )
        if owner != row["name"] and (owner or not row.get("owner")):
            continue
        if bone and bone not in row["bones"]:
            if bone_map.optional:
                continue
            reason = f"{row['name']} has no bone {bone!r}"
            raise RigError(reason, path=name, remedy=nearest(bone, sorted(row["bones"])))
        term = (cells["source"], cells["scale"] * (size if cells["channel"] in SHIFTS else 1.0))
        if cells["channel"] in AXES:
            turns.setdefault(bone, {}).setdefault(cells["channel"], []).append(term)
        else:
            path = row["bones"][bone]["path"] if bone else ""
            channels.setdefault(path + cells["channel"], []).append(term)
    return (
        tuple(Channel(path, tuple(terms)) for path, terms in channels.items()),
        tuple(_bone_rotation(row["bones"][bone], terms, bone, name) for bone, terms in turns.items()),
    )


def _size(bone_map: _BoneMap, bones: Mapping[str, Any]) -> float:
    """Size of the character's head relative to the map's."""
    for cells in bone_map.rows:
        pair = [bones.get(cells[key], {}).get("at") for key in ("bone", "source")]
        if cells["channel"] == UNIT and all(pair) and cells["scale"] > 0:
            return math.dist(*pair) / float(cells["scale"])
    return 1.0


def _bone_rotation(
    about: Mapping[str, Any], terms: Mapping[str, list[tuple[str, float]]], bone: str, name: str
) -> BoneRotation:
    order = str(about["order"])
    if order != "QUATERNION" and sorted(order) != ["X", "Y", "Z"]:
        raise RigError(
            f"the bone {bone!r} turns by {order}", path=name, remedy="set its rotation to Quaternion or Euler"
        )
    basis = tuple(tuple(float(x) for x in axis) for axis in about["basis"])
    every = {axis: tuple(terms.get(axis, ())) for axis in AXES}
    return BoneRotation(str(about["turn"]), str(about["shift"]), order, basis, every)
