"""Recognising ARKit controls under other spellings, sides and regions of names: by ``data/control_aliases.csv``."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import numpy as np

from facegen.rig.default_materials import table
from facegen.rig.load import ARKIT

PREFIXES = re.compile(
    r"^(?:[at]\d\d|blendshapes?\d*|bs\d*|arkit|face|head|shapes?|morpher|fac|ctrl(?:expressions)?|wolf3dhead)"
)
"""What programs put before the name: Maya's node, Character Creator's number, the mesh."""
REGIONS = (("brow", "brows"), ("eye", "eyes"), ("blink", "eyes"), ("jaw", "jaw"), ("cheek", "cheeks"),
           ("nose", "nose"), ("tongue", "tongue"), ("mouth", "mouth"), ("lip", "mouth"), ("viseme", "mouth"))  # fmt: skip
SIDE = re.compile(
    r"(?:(?P<left>Left|[_. ]l(?:eft)?|[_. ]L|(?<=[a-z])L)|(?:Right|[_. ]r(?:ight)?|[_. ]R|(?<=[a-z])R))$"
)


def plain(name: str) -> str:
    """Only letters and digits, lower case."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


def side_of(name: str) -> str:
    """left, right or middle, by how the name ends: ``Left``, ``_L``, ``.l`` …"""
    found = SIDE.search(name)
    return "middle" if not found else "left" if found["left"] else "right"


def other_side(name: str) -> str:
    """The name with its side exchanged, in the same spelling; the same name where it has none."""
    found = SIDE.search(name)
    if not found:
        return name
    pairs = {"Left": "Right", "left": "right", "L": "R", "l": "r"}
    pairs |= {b: a for a, b in pairs.items()}
    end = found[0]
    word = next(w for w in sorted(pairs, key=len, reverse=True) if end.endswith(w))
    return name[: len(name) - len(word)] + pairs[word]


def region_of(name: str) -> str:
    return next((region for word, region in REGIONS if word in name.lower()), "")


@lru_cache(maxsize=1)
def _known() -> dict[str, str]:
    """Plain spelling to ARKit name: each control itself and its aliases, sides at the end or in front."""
    rows = [(name, name) for name in ARKIT] + [
        (r["control"], r["alias"]) for r in table("control_aliases.csv")
    ]
    known: dict[str, str] = {}
    for control, alias in rows:
        for name, spelling in _spellings(control, alias):
            known.setdefault(plain(spelling), name)
    return known


def _spellings(control: str, alias: str) -> Iterator[tuple[str, str]]:
    for side in ("Left", "Right"):
        if control.endswith("*"):
            stem = alias.removesuffix("*")
            yield from (
                (control[:-1] + side, s)
                for s in (stem + side, stem + side[0], side + stem, side[0] + "_" + stem)
            )
        elif control.endswith(side):
            stem = alias.removesuffix(side)
            yield from ((control, s) for s in (alias, stem + side[0], side + stem))
    if control in ARKIT:
        yield control, alias


def arkit_name(name: str) -> str:
    """ARKit's name for a shape, or ``name`` itself where none is known to mean the same."""
    if name in ARKIT:
        return name
    for candidate in (name, name.rpartition(".")[2], name.rpartition(":")[2], name.rpartition("__")[2]):
        spelling = plain(candidate)
        for form in (spelling, PREFIXES.sub("", spelling)):
            if form in _known():
                return _known()[form]
    return name


def arkit_names(names: Sequence[str]) -> dict[str, str]:
    """Each of ``names`` in ARKit's spelling; where two would get the same, the first that is nearest keeps it."""
    arkit = {name: arkit_name(name) for name in names}
    taken = {name for name in names if arkit[name] == name}
    result = {}
    for name in names:
        new = arkit[name]
        if new != name and new in taken:
            new = name
        taken.add(new)
        result[name] = new
    return result


def add_pairs(shapes: dict[str, tuple[np.ndarray, np.ndarray]]) -> list[str]:
    """Puts in ARKit's middle controls (browInnerUp, cheekPuff …) that ``shapes`` has as two sides: their sum takes
    the place of both. Returns what was joined, a line each."""
    notes = []
    by_plain = {plain(arkit_stem(n)): n for n in shapes}
    for name in ARKIT:
        if name in shapes or side_of(name) != "middle":
            continue
        sides = [
            next((by_plain[plain(name + e)] for e in ends if plain(name + e) in by_plain), "")
            for ends in (("Left", "L"), ("Right", "R"))
        ]
        if all(sides):
            rows = [shapes.pop(side) for side in sides]
            shapes[name] = _sum(rows)
            notes.append(f"{name} is {sides[0]} and {sides[1]} together")
    ordered = sorted(shapes, key=lambda n: ARKIT.index(n) if n in ARKIT else len(ARKIT))
    items = [(n, shapes[n]) for n in ordered]
    shapes.clear()
    shapes.update(items)
    return notes


def combined(name: str, names: Collection[str]) -> tuple[str, ...]:
    """The shapes whose sum ``name`` corrects: it is theirs, joined by ``_``, as riggers call it; none for other names."""
    for place in (i for i, letter in enumerate(name) if letter == "_"):
        first, rest = name[:place], name[place + 1 :]
        if first in names and (more := (rest,) if rest in names else combined(rest, names)):
            return (first, *more)
    return ()


def without_combined(names: Sequence[str]) -> list[int]:
    """The places of those of ``names`` that correct no sum of others."""
    known = set(names)
    return [place for place, name in enumerate(names) if not combined(name, known)]


def arkit_stem(name: str) -> str:
    """The name without what programs put before it."""
    last = name.rpartition(".")[2]
    return name if len(last) <= 2 else last


def _sum(rows: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    index, place = np.unique(np.concatenate([i for i, _ in rows]), return_inverse=True)
    value = np.zeros((len(index), 3), np.float32)
    np.add.at(value, place.reshape(-1), np.concatenate([v for _, v in rows]))
    return index, value
