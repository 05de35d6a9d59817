"""Reading emotion timelines: CSV or JSON rows of start s, end s, emotion."""

from __future__ import annotations

import csv
import json
from os import PathLike

from facegen.emotion import EmotionSpan, EmotionTrack, parse_emotion
from facegen.errors import ConfigError, FacegenError
from facegen.files import read_text

MAX_TIMELINE_BYTES = 16 * 2**20


def read_timeline(path: str | PathLike) -> tuple[EmotionSpan, ...]:
    """The spans of a timeline file, in order.

    CSV columns ``start,end,emotion`` (a header row is optional); JSON a list of objects with those keys.
    Raises ConfigError for what is neither, for spans that overlap, are reversed or name no emotion.
    """
    text = read_text(path, limit=MAX_TIMELINE_BYTES, error=ConfigError)
    rows = _json_rows(text, path) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text)
    if not rows:
        raise ConfigError("holds no spans", path=path, remedy="write rows of start,end,emotion")
    spans = tuple(_span(number, row, path) for number, row in rows)
    try:
        EmotionTrack(spans=spans)
    except FacegenError as error:
        raise error.at(path) from error
    return spans


def _csv_rows(text: str) -> list[tuple[int, list[str]]]:
    rows = [(n, [cell.strip() for cell in row]) for n, row in enumerate(csv.reader(text.splitlines()), 1)]
    rows = [(n, row) for n, row in rows if any(row) and not row[0].startswith("#")]
    return rows[1:] if rows and rows[0][1][0].lower() == "start" else rows


def _json_rows(text: str, path: str | PathLike) -> list[tuple[int, list[str]]]:
    try:
        data = json.loads(text)
        entries = data["spans"] if isinstance(data, dict) else data
        return [(n, [str(e["start"]), str(e["end"]), str(e["emotion"])]) for n, e in enumerate(entries, 1)]
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"is not a JSON timeline ({error})",
            path=path,
            remedy='use [{"start": 0, "end": 2, "emotion": "happy"}]',
        ) from error


def _span(number: int, row: list[str], path: str | PathLike) -> EmotionSpan:
    try:
        start, end = float(row[0]), float(row[1])
        emotion = ",".join(row[2:])
        return EmotionSpan(start, end, parse_emotion(emotion))
    except FacegenError as error:
        raise ConfigError(f"row {number}: {error.reason}", path=path, remedy=error.remedy) from error
    except (ValueError, IndexError) as error:
        raise ConfigError(
            f"row {number} is not start,end,emotion: {row}",
            path=path,
            remedy="use rows such as 0.0,2.5,happy:0.6",
        ) from error
