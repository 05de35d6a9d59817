"""Rig maps as CSV files: each row gives the weight of a source control in a target control.

``source,target,weight`` and, where wanted, ``curve`` (``0:0 0.5:0.2 1:1``), ``low`` and ``high`` (the clamp of the
target, the same in all its rows) and ``note``; lines that begin with # are comments. A name that is a target of
some rows and a source of others, and a control of neither rig, stands for the sum of what goes into it.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np

from facegen.core.errors import RigError, nearest
from facegen.core.files import read_text, write_atomic
from facegen.rig.map import Knots, RigMap, check_knots
from facegen.rig.model import Rig

COLUMNS = ("source", "target", "weight", "curve", "low", "high", "note")
MAX_BYTES = 16 * 2**20
MAX_NAMES = 5000


@dataclass(frozen=True)
class _Row:
    line: int
    source: str
    target: str
    weight: float
    curve: Knots
    low: float | None
    high: float | None


def read_map(path: str | PathLike, source: Rig | None = None, target: Rig | None = None) -> RigMap:
    """Read a rig map.

    Parameters
    ----------
    path : str or PathLike
    source, target : Rig or None
        With the rigs, the names in the file must be theirs, the map has all their controls, and a target without a clamp
        has the limits of its control; without, the names are those of the file and the clamp is 0..1.

    Returns
    -------
    RigMap

    Raises
    ------
    RigError
        For unknown names, numbers that are not finite, duplicate rows, clamps that disagree and circular names.
    """
    text = read_text(path, limit=MAX_BYTES, error=RigError)
    try:
        rows = list(_rows(text))
        _once(rows)
        return _built(rows, source, target)
    except RigError as error:
        raise error.at(path) from error


def write_map(rig_map: RigMap, path: str | PathLike, comment: str = "") -> None:
    """Write ``rig_map`` as a CSV file that ``read_map`` reads back equal, given the rigs."""
    write_atomic(path, map_text(rig_map, comment).encode())


def map_text(rig_map: RigMap, comment: str = "") -> str:
    """The CSV text of a map; ``comment`` goes ahead, a # before each of its lines."""
    out = io.StringIO()
    for line in comment.splitlines():
        out.write(f"# {line}".rstrip() + "\n")
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS[:-1])
    written = rig_map.weights != 0
    for s, t, _, _ in rig_map.bends():
        written[s, t] = True
    for s, t in np.argwhere(written).tolist():
        names = rig_map.source[s], rig_map.target[t]
        curve = " ".join(f"{x!r}:{y!r}" for x, y in rig_map.curves.get(names, ()))
        clamp = rig_map.low[t], rig_map.high[t]  # type: ignore[index]
        table.writerow((*names, _number(rig_map.weights[s, t]), curve, *map(_number, clamp)))
    return out.getvalue()


def _number(value: float) -> str:
    """The shortest decimal that float32 reads back as ``value``."""
    return np.format_float_positional(np.float32(value), trim="-") if value else "0"


def _rows(text: str) -> Iterable[_Row]:
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise RigError("is empty", remedy=f"begin it with the line {','.join(COLUMNS[:3])}")
    try:
        cells = list(csv.reader([line for _, line in lines], strict=True))
    except csv.Error as error:
        raise RigError(f"is no CSV ({error})", remedy="mend its quotes") from error
    header = [name.strip().lower() for name in cells[0]]
    for name in header:
        if name not in COLUMNS:
            raise RigError(f"has a column {name!r}", remedy=nearest(name, COLUMNS))
    missing = [name for name in COLUMNS[:2] if name not in header]
    if missing or len(set(header)) != len(header):
        raise RigError(
            f"lacks the column {missing[0]!r}" if missing else "names a column twice",
            remedy=f"begin it with the line {','.join(COLUMNS[:3])}",
        )
    for (number, _), row in zip(lines[1:], cells[1:], strict=False):
        if len(row) > len(header):
            raise RigError(
                f"has {len(row)} cells in line {number}, expected {len(header)}", remedy="mend that line"
            )
        yield _row(number, dict(zip(header, (cell.strip() for cell in row), strict=False)))


def _row(number: int, cells: dict[str, str]) -> _Row:
    if not cells.get("source") or not cells.get("target"):
        raise RigError(f"lacks a name in line {number}", remedy="give both source and target")

    def value(name: str) -> float | None:
        if not cells.get(name):
            return None
        return _finite(cells[name], f"as {name} in line {number}")

    weight = value("weight")
    curve: Knots = ()
    if cells.get("curve"):
        pairs = [pair.split(":") for pair in cells["curve"].split()]
        if any(len(pair) != 2 for pair in pairs):
            raise RigError(
                f"has the curve {cells['curve'][:60]!r} in line {number}",
                remedy="write it as in:out pairs, such as 0:0 0.5:0.2 1:1",
            )
        where = f"in the curve of line {number}"
        try:
            curve = check_knots(tuple((_finite(x, where), _finite(y, where)) for x, y in pairs))
        except RigError as error:
            raise RigError(f"{error.reason} (line {number})", remedy=error.remedy) from error
    return _Row(
        number,
        cells["source"],
        cells["target"],
        1.0 if weight is None else weight,
        curve,
        value("low"),
        value("high"),
    )


def _finite(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= np.finfo(np.float32).max:
        raise RigError(
            f"has {text[:40]!r} {where}, where a finite number is expected", remedy="give a number"
        )
    return number


def _once(rows: Sequence[_Row]) -> None:
    if not rows:
        raise RigError("has no rows", remedy="give at least one source and target")
    seen: dict[tuple[str, str], int] = {}
    clamps: dict[str, _Row] = {}
    for row in rows:
        before = seen.setdefault((row.source, row.target), row.line)
        if before != row.line:
            raise RigError(
                f"leads twice from {row.source} to {row.target}, in lines {before} and {row.line}",
                remedy="remove one of them",
            )
        first = clamps.setdefault(row.target, row)
        if (first.low, first.high) != (row.low, row.high):
            raise RigError(
                f"gives {row.target} different clamps in lines {first.line} and {row.line}",
                remedy="make them the same",
            )


def _built(rows: Sequence[_Row], source: Rig | None, target: Rig | None) -> RigMap:
    froms = {row.source: None for row in rows}
    tos = {row.target: None for row in rows}
    itself = {row.source for row in rows if row.source == row.target}
    inner = [
        n
        for n in tos
        if n in froms and n not in itself and not (_has(source, n, froms, tos) or _has(target, n, tos, froms))
    ]
    names_in = source.control_names if source else tuple(n for n in froms if n not in inner)
    names_out = target.control_names if target else tuple(n for n in tos if n not in inner)
    if max(len(names_in), len(names_out), len(inner)) > MAX_NAMES:
        raise RigError(f"names more than {MAX_NAMES} controls", remedy="split it")
    for row in rows:
        _known(row, row.source, (*names_in, *inner), source)
        _known(row, row.target, (*names_out, *inner), target)
    low, high = _clamps(rows, names_out, target)
    weights, curves = _summed(rows, names_in, names_out, inner)
    return RigMap(names_in, names_out, weights, low, high, curves)


def _has(rig: Rig | None, name: str, own: dict, other: dict) -> bool:
    """Whether ``name`` is a control of the rig; without a rig, whether ``own`` and ``other`` are one set of names."""
    return name in rig.control_names if rig else own.keys() == other.keys()


def _known(row: _Row, name: str, known: tuple[str, ...], rig: Rig | None) -> None:
    if rig and name not in known:
        raise RigError(
            f"names {name!r} in line {row.line}, which is no control of {rig.name}",
            remedy=nearest(name, known),
        )


def _clamps(
    rows: Sequence[_Row], names: tuple[str, ...], target: Rig | None
) -> tuple[np.ndarray, np.ndarray]:
    controls = target.controls if target else ()
    limits = {c.name: (c.low, c.high) for c in controls}
    row_of = {row.target: row for row in rows}
    pairs = []
    for name in names:
        low, high = limits.get(name, (0.0, 1.0))
        row = row_of.get(name)
        if row and row.low is not None:
            low = row.low
        if row and row.high is not None:
            high = row.high
        if low > high:
            raise RigError(f"clamps {name} to {low:g}..{high:g}", remedy="give low below high")
        pairs.append((low, high))
    return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])


def _summed(
    rows: Sequence[_Row], names_in: tuple[str, ...], names_out: tuple[str, ...], inner: list[str]
) -> tuple[np.ndarray, dict[tuple[str, str], Knots]]:
    """Weights [S, T] and curves of the rows, with the sums of ``inner`` names put in their place."""
    graph: dict[str, list[_Row]] = {}
    for row in rows:
        if row.curve and (row.source in inner or row.target in inner):
            raise RigError(
                f"bends {row.source} to {row.target} in line {row.line}, where one is no control",
                remedy="give curves only to rows from a control to a control",
            )
        graph.setdefault(row.target, []).append(row)
    place = {name: i for i, name in enumerate(names_in)}
    sums: dict[str, np.ndarray] = {}
    for name in _in_order(inner, graph):
        sums[name] = _sum(graph.get(name, []), place, inner, sums)
    weights = np.zeros((len(names_in), len(names_out)))
    for column, name in enumerate(names_out):
        weights[:, column] = _sum(graph.get(name, []), place, inner, sums)
    return weights, {(row.source, row.target): row.curve for row in rows if row.curve}


def _sum(rows: list[_Row], place: dict[str, int], inner: list[str], sums: dict) -> np.ndarray:
    total = np.zeros(len(place))
    for row in rows:
        if row.source in inner:
            total += row.weight * sums[row.source]
        else:
            total[place[row.source]] += row.weight
    return total


def _in_order(inner: list[str], graph: dict[str, list[_Row]]) -> list[str]:
    """``inner`` with each name after those that go into it."""
    done: list[str] = []
    rest = list(inner)
    while rest:
        ready = [n for n in rest if all(r.source not in rest for r in graph.get(n, []))]
        if not ready:
            raise RigError(
                f"goes in a circle: {' > '.join(_circle(rest, graph))}",
                remedy="remove one of those rows",
            )
        done += ready
        rest = [n for n in rest if n not in ready]
    return done


def _circle(rest: list[str], graph: dict[str, list[_Row]]) -> list[str]:
    path = [rest[0]]
    while path.count(path[-1]) < 2:
        path.append(next(row.source for row in graph[path[-1]] if row.source in rest))
    return path[path.index(path[-1]) :][::-1]
