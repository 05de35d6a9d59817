"""``.json``: an animation as plain JSON that any program can read; Audio2Face's layout is read too."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.errors import AnimationFileError
from facegen.core.files import read_text
from facegen.core.units import as_fps
from facegen.formats.safetensors import plain_json
from facegen.rig import Rig

VERSION = 1
ROWS_AT_ONCE = 1024


class FacegenJson:
    """``{"version", "fps", "controls", "values": [T rows of C], "head": [T rows of 6] or null, "meta"}``.

    ``fps`` is a whole number or a fraction as text (``"30000/1001"``). Numbers have nine significant digits,
    enough to read back the same float32. The schema is ``facegen/data/animation.schema.json``.
    """

    suffix = ".json"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        return {"": _chunks(animation)}

    def read(self, path: str | PathLike) -> Animation:
        text = read_text(path, error=AnimationFileError)
        try:
            data = json.loads(text)
        except ValueError as error:
            raise AnimationFileError(f"is not JSON ({error})", remedy="write the file again") from error
        del text
        if isinstance(data, dict) and "weightMat" in data:
            return _audio2face(data)
        return _animation(data)


def _chunks(animation: Animation) -> Iterator[bytes]:
    fps = animation.fps
    rate = str(fps.numerator) if fps.denominator == 1 else f'"{fps}"'
    controls = json.dumps(animation.controls, ensure_ascii=False)
    meta = plain_json(animation.meta)
    yield f'{{"version": {VERSION},\n"fps": {rate},\n"controls": {controls},\n"meta": {meta},\n"values": ['.encode()
    yield from json_rows(animation.values)
    yield b'],\n"head": '
    if animation.head is None:
        yield b"null"
    else:
        yield b"["
        yield from json_rows(animation.head)
        yield b"]"
    yield b"}\n"


def json_rows(rows: np.ndarray) -> Iterator[bytes]:
    template = "[" + ",".join(["%.9g"] * rows.shape[1]) + "]"
    for start in range(0, len(rows), ROWS_AT_ONCE):
        block = rows[start : start + ROWS_AT_ONCE].tolist()
        yield ((",\n" if start else "\n") + ",\n".join([template % tuple(row) for row in block])).encode()


def _animation(data: Any) -> Animation:
    if not isinstance(data, dict):
        raise AnimationFileError(
            "is JSON but no object", remedy="compare it with the schema of `facegen formats`"
        )
    for name in ("version", "fps", "controls", "values"):
        if name not in data:
            raise AnimationFileError(
                f"lacks {name!r}", remedy="it must hold version, fps, controls and values"
            )
    if data["version"] != VERSION or isinstance(data["version"], bool):
        raise AnimationFileError(
            f"has version {str(data['version'])[:40]!r}; this program reads {VERSION}",
            remedy="update facegen",
        )
    if isinstance(data["fps"], bool) or not isinstance(data["fps"], int | float | str):
        raise AnimationFileError("has an fps that is no number", remedy='use for example 30 or "30000/1001"')
    meta = data.get("meta") or {}
    if not isinstance(meta, dict):
        raise AnimationFileError("has a meta that is no object", remedy="remove it")
    controls = _names(data["controls"], "controls")
    values = _table(data["values"], "values", controls)
    head = None if data.get("head") is None else _table(data["head"], "head", HEAD_CHANNELS)
    return Animation(as_fps(data["fps"]), controls, values, head, meta)


def _audio2face(data: Mapping[str, Any]) -> Animation:
    """Audio2Face's export: ``exportFps`` (30 where it is missing), ``facsNames``, ``weightMat``."""
    names = _names(data.get("facsNames"), "facsNames")
    values = _table(data["weightMat"], "weightMat", names)
    track = data.get("trackPath")
    meta = {"audio": {"name": track.replace("\\", "/").rsplit("/", 1)[-1]}} if isinstance(track, str) else {}
    return Animation(as_fps(data.get("exportFps", 30)), names, values, None, meta)


def _names(names: Any, what: str) -> tuple[str, ...]:
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise AnimationFileError(f"has {what} that are not a list of names", remedy="write the file again")
    return tuple(names)


def _table(rows: Any, what: str, columns: tuple[str, ...]) -> np.ndarray:
    """``rows`` as [T, len(columns)] float32, with an error that names the first bad row and column."""
    if not isinstance(rows, list):
        raise AnimationFileError(f"has {what} that are not a list of rows", remedy="write the file again")
    table = np.empty((len(rows), len(columns)), np.float64)
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            size = f"{len(row)} numbers" if isinstance(row, list) else "no list"
            raise AnimationFileError(
                f"has {size} in row {number} of {what}, expected {len(columns)}",
                remedy="write the file again",
            )
        if not set(map(type, row)) <= {int, float}:
            column = next(i for i, cell in enumerate(row) if type(cell) not in (int, float))
            raise _bad_cell(what, number, columns[column], row[column])
        try:
            table[number] = row
        except OverflowError as error:
            column = next(i for i, cell in enumerate(row) if abs(cell) > sys.float_info.max)
            raise _bad_cell(what, number, columns[column], "a number too large") from error
    with np.errstate(over="ignore"):
        table = table.astype(np.float32)
    if not np.isfinite(table).all():
        number, column = np.argwhere(~np.isfinite(table))[0]
        raise _bad_cell(what, int(number), columns[column], rows[number][column])
    return table


def _bad_cell(what: str, row: int, column: str, cell: Any) -> AnimationFileError:
    return AnimationFileError(
        f"has {str(cell)[:40]!r} in row {row} of {what}, column {column[:80]}, where a finite number is expected",
        remedy="replace it by a number",
    )
