"""Reading emotion timelines: CSV or JSON rows of start s, end s, emotion, and if wanted fades and a style."""

from __future__ import annotations

import csv
import json
from os import PathLike
from typing import Any

from facegen.core.errors import ConfigError, FacegenError, nearest
from facegen.core.files import read_text
from facegen.emotion import Emotion, EmotionSpan, EmotionTrack, parse_emotion
from facegen.emotion.style import load_style

MAX_TIMELINE_BYTES = 16 * 2**20
NEEDED = ("start", "end", "emotion")
KEYS = (*NEEDED, "fade", "fade_in", "fade_out", "style")
"""Of a row: ``fade`` s stands for both fades where they are not given; one with a style may leave the emotion empty."""

Row = dict[str, Any]


def read_timeline(path: str | PathLike) -> tuple[EmotionSpan, ...]:
    """The spans of a timeline file, in order.

    CSV columns ``start,end,emotion``, or those that a header row names of KEYS; JSON a list of objects with those
    keys. Raises ConfigError for what is neither, for spans that overlap, are reversed or name no emotion or style.
    """
    text = read_text(path, limit=MAX_TIMELINE_BYTES, error=ConfigError)
    rows = _json_rows(text, path) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, path)
    if not rows:
        raise ConfigError("holds no spans", path=path, remedy="write rows of start,end,emotion")
    spans = tuple(_span(number, row, path) for number, row in rows)
    try:
        EmotionTrack(spans=spans)
    except FacegenError as error:
        raise error.at(path) from error
    return spans


def _csv_rows(text: str, path: str | PathLike) -> list[tuple[int, Row]]:
    lines = [(n, [cell.strip() for cell in row]) for n, row in enumerate(csv.reader(text.splitlines()), 1)]
    lines = [(n, row) for n, row in lines if any(row) and not row[0].startswith("#")]
    header = list(NEEDED)
    if lines and lines[0][1][0].lower() in KEYS:
        header = [cell.lower() for cell in lines[0][1]]
        _known(header, 1, path)
        lines = lines[1:]
    return [(number, _cells(row, header)) for number, row in lines]


def _cells(row: list[str], header: list[str]) -> Row:
    """The row by column; an emotion may hold commas of its own."""
    more = len(row) - len(header)
    if more > 0 and "emotion" in header:
        at = header.index("emotion")
        row = [*row[:at], ",".join(row[at : at + more + 1]), *row[at + more + 1 :]]
    return {name: cell for name, cell in zip(header, row, strict=False) if cell or name in NEEDED}


def _json_rows(text: str, path: str | PathLike) -> list[tuple[int, Row]]:
    try:
        data = json.loads(text)
        entries = data["spans"] if isinstance(data, dict) else data
        rows = [(n, {**{k: e[k] for k in NEEDED}, **e}) for n, e in enumerate(entries, 1)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"is not a JSON timeline ({error})",
            path=path,
            remedy='use [{"start": 0, "end": 2, "emotion": "happy"}]',
        ) from error
    for number, row in rows:
        _known(list(row), number, path)
    return rows


def _known(names: list[str], number: int, path: str | PathLike) -> None:
    for name in names:
        if name not in KEYS:
            raise ConfigError(f"row {number} has an unknown {name!r}", path=path, remedy=nearest(name, KEYS))


def _span(number: int, row: Row, path: str | PathLike) -> EmotionSpan:
    try:
        fades = [row.get(name, row.get("fade")) for name in ("fade_in", "fade_out")]
        rise, fall = (None if value is None else float(value) for value in fades)
        style = str(row.get("style", ""))
        if style:
            load_style(style)
        leaves = bool(style) and row["emotion"] in ("", None)
        emotion = Emotion() if leaves else parse_emotion(str(row["emotion"]))
        return EmotionSpan(float(row["start"]), float(row["end"]), emotion, rise, fall, style, leaves)
    except FacegenError as error:
        raise ConfigError(f"row {number}: {error.reason}", path=path, remedy=error.remedy) from error
    except (ValueError, OverflowError, KeyError, TypeError) as error:
        shown = ",".join(str(value) for value in row.values())
        raise ConfigError(
            f"row {number} is not {','.join(NEEDED)}: {shown[:60]}",
            path=path,
            remedy="use rows such as 0.0,2.5,happy:0.6",
        ) from error
