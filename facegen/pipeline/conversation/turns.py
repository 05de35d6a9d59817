"""Turns of a conversation, read from a table: who says what from when on, how, and in reply to what."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any

from facegen.core.errors import ConfigError, FacegenError, nearest
from facegen.core.files import read_text
from facegen.emotion import Emotion, parse_emotion

MAX_MANIFEST_BYTES = 16 * 2**20
MOST_SPEAKERS, MOST_LETTERS = 16, 80
KEYS = ("speaker", "audio", "start", "text", "emotion", "reply_to", "id")
NEEDED = ("speaker", "audio")
ALIASES = {"reply-to": "reply_to", "replyto": "reply_to", "file": "audio", "at": "start"}


@dataclass(frozen=True)
class Turn:
    """One turn: ``speaker`` says what is in the sound file ``audio``.

    It begins at ``start`` s (None: after the turn before). ``text`` is its English transcript and ``emotion`` how it is
    said, where they are known; ``reply_to`` is the place of the turn that it answers.
    """

    speaker: str
    audio: str
    start: float | None = None
    text: str | None = None
    emotion: Emotion | None = None
    reply_to: int | None = None

    def __post_init__(self) -> None:
        name = self.speaker
        if not name or len(name) > MOST_LETTERS or any(ord(c) < 32 for c in name):
            raise ConfigError(f"{name[:40]!r} is no speaker's name", remedy="give each turn a speaker")
        if self.start is not None and not (0 <= self.start < 1e6):
            raise ConfigError(f"the start {self.start} is not a time from 0 s up", remedy="use e.g. 2.5")


def read_turns(path: str | PathLike) -> tuple[Turn, ...]:
    """The turns of a CSV file with a header row of KEYS, or of a JSON list of objects with them.

    Files are named relative to the table. Raises ConfigError, naming the row, for what is no such table.
    """
    text = read_text(path, limit=MAX_MANIFEST_BYTES, error=ConfigError)
    return turns_of(
        _json_rows(text, path) if text.lstrip()[:1] in ("[", "{") else _csv_rows(text, path), path
    )


def turns_of(rows: Sequence[Mapping[str, Any]], path: str | PathLike = "") -> tuple[Turn, ...]:
    """The turns of mappings with KEYS. Raises ConfigError, naming the turn, for what makes no sense."""
    rows = [{_key(name, path): value for name, value in row.items()} for row in rows]
    if not rows:
        raise ConfigError(
            "holds no turns", path=path, remedy="write rows of speaker,audio,start,text,emotion"
        )
    names = {str(row.get("id") or number): number - 1 for number, row in enumerate(rows, 1)}
    turns = tuple(_turn(number, row, names, path) for number, row in enumerate(rows, 1))
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    if len(speakers) > MOST_SPEAKERS:
        raise ConfigError(
            f"has {len(speakers)} speakers, more than {MOST_SPEAKERS}", path=path, remedy="split it"
        )
    return turns


def _csv_rows(text: str, path: str | PathLike) -> list[dict[str, Any]]:
    lines = [row for row in csv.reader(text.splitlines()) if any(cell.strip() for cell in row)]
    if not lines:
        return []
    header = [_key(cell, path) for cell in lines[0]]
    missing = [name for name in NEEDED if name not in header]
    if missing:
        raise ConfigError(
            f"has no column {missing[0]}", path=path, remedy="begin with speaker,audio,start,text,emotion"
        )
    for number, row in enumerate(lines[1:], 1):
        if len(row) > len(header):
            remedy = 'put text with commas in quotes: "well, yes"'
            raise ConfigError(
                f"row {number} has {len(row)} cells, not {len(header)}", path=path, remedy=remedy
            )
    return [dict(zip(header, (cell.strip() for cell in row), strict=False)) for row in lines[1:]]


def _json_rows(text: str, path: str | PathLike) -> list[dict[str, Any]]:
    remedy = 'use [{"speaker": "A", "audio": "a.wav", "start": 0}]'
    try:
        data = json.loads(text)
        entries = data["turns"] if isinstance(data, dict) else data
        rows = [dict(entry.items()) for entry in entries]
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"is no JSON list of turns ({error})", path=path, remedy=remedy) from error
    return rows


def _key(name: str, path: str | PathLike) -> str:
    plain = name.strip().lower().replace(" ", "_").lstrip("\ufeff")
    plain = ALIASES.get(plain, plain)
    if plain not in KEYS:
        raise ConfigError(f"has an unknown column {name!r}", path=path, remedy=nearest(plain, KEYS))
    return plain


def _turn(number: int, row: Mapping[str, Any], names: Mapping[str, int], path: str | PathLike) -> Turn:
    cells = {key: value for key, value in row.items() if value not in (None, "")}
    try:
        for name in NEEDED:
            if name not in cells:
                raise ConfigError(f"has no {name}", remedy="give each turn a speaker and a sound file")
        audio = os.path.join(os.path.dirname(fspath(path)), str(cells["audio"]))
        emotion = parse_emotion(str(cells["emotion"])) if "emotion" in cells else None
        text = str(cells["text"]) if "text" in cells else None
        return Turn(
            str(cells["speaker"]).strip(),
            audio,
            _number(cells.get("start")),
            text,
            emotion,
            _reply(cells, names),
        )
    except FacegenError as error:
        raise ConfigError(f"turn {number}: {error.reason}", path=path, remedy=error.remedy) from error


def _number(value: Any) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise ConfigError(f"the start {value!r} is not a number of seconds", remedy="use e.g. 2.5")
    return number


def _reply(cells: Mapping[str, Any], names: Mapping[str, int]) -> int | None:
    if "reply_to" not in cells:
        return None
    wanted = str(cells["reply_to"])
    if wanted not in names:
        raise ConfigError(f"replies to turn {wanted!r}, which is none", remedy=nearest(wanted, list(names)))
    return names[wanted]
