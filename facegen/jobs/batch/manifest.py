"""What a batch is asked to do: rows of a CSV or JSON-lines file, or the sounds in a folder."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from facegen.core.errors import ConfigError, FacegenError, InputError
from facegen.core.files import read_text

MAX_BYTES = 256 * 2**20
MAX_ROWS = 1_000_000
MAX_CELL = 2**20
MAX_COLUMNS = 500


class ManifestRow(NamedTuple):
    """One line: its number from 1 on, where it stands, its values by name, or why it can't be read."""

    number: int
    place: str
    values: dict[str, Any]
    error: FacegenError | None = None


def read_manifest(path: str, skip: str | None = None) -> list[ManifestRow]:
    """The rows of a manifest (.csv, .tsv, .jsonl, .json), or a row a sound of the folder ``path``, in a fixed order.

    The folder ``skip`` inside it is left out. A line of JSON that can't be read becomes a row with an error. Raises
    ConfigError for a file that is no manifest and InputError for a folder without sounds.
    """
    if os.path.isdir(path):
        return _folder_rows(path, skip)
    lower = path.lower()
    if lower.endswith((".jsonl", ".ndjson", ".json")):
        read = _json_rows
    elif lower.endswith((".csv", ".tsv")):
        read = _csv_rows
    else:
        what = "is neither a folder nor named as a manifest"
        if not os.path.exists(path):
            what = "no such file or folder"
        raise ConfigError(what, path=path, remedy="give a folder, a .csv or a .jsonl file")
    rows: list[ManifestRow] = []
    try:
        for row in read(path, read_text(path, limit=MAX_BYTES, error=ConfigError)):
            rows.append(row)
            if len(rows) > MAX_ROWS:
                raise ConfigError(f"has more than {MAX_ROWS} rows", path=path, remedy="split it")
    except csv.Error as error:
        raise ConfigError(f"is no CSV ({error})", path=path, remedy="write it again as CSV") from error
    if not rows:
        raise ConfigError("has no rows", path=path, remedy="write a line of names, then a line a clip")
    return rows


def _folder_rows(path: str, skip: str | None) -> list[ManifestRow]:
    suffixes = tuple(
        json.loads((resources.files("facegen") / "data" / "formats.json").read_text("utf-8"))["sounds"]
    )
    left_out = None if skip is None else os.path.realpath(skip)
    found: list[str] = []
    for folder, inner, files in os.walk(path):
        inner[:] = sorted(
            name
            for name in inner
            if not name.startswith(".") and os.path.realpath(os.path.join(folder, name)) != left_out
        )
        found += [
            os.path.relpath(os.path.join(folder, name), path)
            for name in files
            if name.lower().endswith(suffixes) and not name.startswith(".")
        ]
        if len(found) > MAX_ROWS:
            raise InputError(f"holds more than {MAX_ROWS} sounds", path=path, remedy="split it")
    if not found:
        raise InputError("holds no sound", path=path, remedy="facegen formats lists the sounds that are read")
    return [ManifestRow(n, name, {"audio": name}) for n, name in enumerate(sorted(found), 1)]


def _csv_rows(path: str, text: str) -> Iterator[ManifestRow]:
    csv.field_size_limit(MAX_CELL)
    lines = text.splitlines(keepends=True)
    head = next((line for line in lines if line.strip()), "")
    mark = max(",;\t", key=head.count)
    reader = csv.reader(lines, delimiter=mark, strict=True)
    names: list[str] | None = None
    count = 0
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if names is None:
            names = _column_names([cell.strip() for cell in cells], path)
            continue
        count += 1
        place, error = f"{Path(path).name}:{reader.line_num}", None
        if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
            error = ConfigError(
                f"has {len(cells)} cells for {len(names)} columns", path=place, remedy="quote commas"
            )
        yield ManifestRow(
            count, place, dict(zip(names, (cell.strip() for cell in cells), strict=False)), error
        )


def _column_names(names: list[str], path: str) -> list[str]:
    if len(names) > MAX_COLUMNS:
        raise ConfigError(f"has {len(names)} columns", path=path, remedy=f"use at most {MAX_COLUMNS}")
    for name in names:
        if not name or names.count(name) > 1:
            what = f"names the column {name!r} twice" if name else "has a column without a name"
            raise ConfigError(what, path=path, remedy="name each column once")
    return names


def _json_rows(path: str, text: str) -> Iterator[ManifestRow]:
    if text.lstrip()[:1] == "[":
        yield from _listed(path, text)
        return
    count = 0
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            count += 1
            place = f"{Path(path).name}:{number}"
            value, fault = _parsed(line)
            yield _row(count, place, value, fault)


def _listed(path: str, text: str) -> Iterator[ManifestRow]:
    values, fault = _parsed(text)
    if fault:
        raise ConfigError(fault, path=path, remedy="write a JSON list of objects, or an object a line")
    for count, value in enumerate(values, 1):
        yield _row(count, f"{Path(path).name}[{count - 1}]", value, "")


def _parsed(text: str) -> tuple[Any, str]:
    try:
        return json.loads(text), ""
    except RecursionError:
        return None, "is nested too deeply"
    except ValueError as error:
        return None, f"is no JSON ({str(error)[:120]})"


def _row(number: int, place: str, value: Any, fault: str) -> ManifestRow:
    if not fault and not isinstance(value, dict):
        fault = "is no JSON object"
    if not fault and len(value) > MAX_COLUMNS:
        fault = f"has {len(value)} entries"
    if fault:
        remedy = 'write e.g. {"audio": "line.wav", "emotion": "happy"}'
        return ManifestRow(number, place, {}, ConfigError(fault, path=place, remedy=remedy))
    return ManifestRow(number, place, value)
