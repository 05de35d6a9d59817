"""Readers of given phone (or word) times: Praat TextGrid, JSON of aligners, and .align lines."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import Any

from facegen.core.errors import AlignmentError, FacegenError
from facegen.core.files import read_text
from facegen.speech.phone_symbols import SILENT, is_phone, translate
from facegen.speech.phones import SILENCE, Phone, PhoneTrack
from facegen.speech.textgrid import textgrid_tiers

MAX_ALIGNMENT_BYTES = 64 * 2**20
SLACK = 0.002  # seconds: neighbours that overlap by less were only rounded
GRID_TICKS = 25_000  # a second in the .align files of the GRID corpus
_PHONE_TIERS = ("phones", "phone", "phonemes", "phoneme", "segments", "phon", "mau", "kan-mau")
_WORD_TIERS = ("words", "word", "ort-mau", "orthography")
_FORMS = ".TextGrid, .json or .align"

Row = tuple[float, float, str]


@dataclass(frozen=True)
class Spans:
    """Labelled times ``(start s, end s, label)`` in order; ``kind`` is "phones" or "words", ``path`` the file that
    they come from, for messages."""

    rows: tuple[Row, ...]
    kind: str
    path: str | None = field(default=None, compare=False)

    @property
    def end(self) -> float:
        """Where the last label that is not silence ends, seconds."""
        return max((end for _, end, label in self.rows if label.lower() not in SILENT), default=0.0)


def read_alignment(path: str | PathLike) -> Spans:
    """The phone times in a file (word times where it holds no phones).

    Raises AlignmentError, naming the row, for what is none of the known forms, for labels that are no phones,
    for times that are reversed, negative or not numbers, and for rows that overlap.
    """
    name = fspath(path).lower()
    text = read_text(path, limit=MAX_ALIGNMENT_BYTES, error=AlignmentError)
    reader = next((r for suffix, r in _READERS.items() if name.endswith(suffix)), None)
    try:
        if reader is None:
            raise AlignmentError("is of no known form of alignment", remedy=f"use {_FORMS}")
        if not text.strip():
            raise AlignmentError("is empty", remedy=f"give {_FORMS} with the times of phones or words")
        rows, kind = reader(text)
        return Spans(_checked(rows), kind or _kind(rows), fspath(path))
    except FacegenError as error:
        raise error.at(path) from error


def phone_track(spans: Spans, seconds: float) -> PhoneTrack:
    """The spans as ARPAbet phones within a sound of ``seconds``; a label of two phones is halved."""
    labels = translate([label for _, _, label in spans.rows])
    phones = []
    for (start, end, _), names in zip(spans.rows, labels, strict=True):
        step = (end - start) / len(names)
        for i, name in enumerate(names):
            first, last = start + i * step, min(start + (i + 1) * step, seconds)
            if name != SILENCE and first < last:
                phones.append(Phone(first, last, name))
    return PhoneTrack(tuple(phones))


def _checked(rows: list[Row]) -> tuple[Row, ...]:
    """The rows that last, in order and end to end; AlignmentError where times make no sense."""
    done: list[Row] = []
    for number, (start, end, label) in enumerate(rows, 1):
        what = f"row {number} ({label or 'silence'!r} from {start} s to {end} s)"
        if not (math.isfinite(start) and math.isfinite(end)):
            raise AlignmentError(f"{what} has a time that is not a number", remedy="export it again")
        if start < 0 or end < start:
            raise AlignmentError(
                f"{what} is reversed or before the start", remedy="let each start before its end"
            )
        if done and start < done[-1][1] - SLACK:
            raise AlignmentError(
                f"{what} overlaps the row before, which ends at {done[-1][1]} s",
                remedy="let each row start where the one before ends, or later",
            )
        start = max(start, done[-1][1]) if done else start
        if end > start:
            done.append((start, end, label))
    if all(label.lower() in SILENT for _, _, label in done):
        raise AlignmentError("holds no phones", remedy=f"give {_FORMS} with the times of phones or words")
    return tuple(done)


def _kind(rows: list[Row]) -> str:
    """Words where most labels can be no phones."""
    labels = [label for _, _, label in rows if label.lower() not in SILENT]
    known = sum(map(is_phone, labels))
    return "phones" if 2 * known >= len(labels) else "words"


def _from_textgrid(text: str) -> tuple[list[Row], str]:
    tiers = textgrid_tiers(text)
    for names, kind in ((_PHONE_TIERS, "phones"), (_WORD_TIERS, "words")):
        for tier, rows in tiers:
            last = re.split(r"\s+-\s+|[/:]", tier.strip().lower())[-1]  # "speaker - phones"
            if last in names and rows:
                return rows, kind
    filled = [(tier, rows) for tier, rows in tiers if any(label.strip() for _, _, label in rows)]
    if not filled:
        raise AlignmentError("has no interval tier with labels", remedy='name the tier of phones "phones"')
    best = max(filled, key=lambda item: sum(is_phone(label) for _, _, label in item[1]) / len(item[1]))
    return best[1], ""


def _from_lines(text: str) -> tuple[list[Row], str]:
    """``start end label`` a line, in seconds, or in ticks of 1/25000 s as GRID writes them."""
    rows, whole = [], True
    for number, line in enumerate(text.splitlines(), 1):
        cells = line.split()
        if not cells or cells[0].startswith("#"):
            continue
        try:
            rows.append((float(cells[0]), float(cells[1]), " ".join(cells[2:])))
        except (IndexError, ValueError) as error:
            raise AlignmentError(
                f"line {number} is not start, end, label: {line.strip()[:60]!r}",
                remedy="use lines such as 0.12 0.20 AH",
            ) from error
        whole = whole and cells[0].isdecimal() and cells[1].isdecimal()
    if whole and rows and rows[-1][1] >= 1000:
        rows = [(start / GRID_TICKS, end / GRID_TICKS, label) for start, end, label in rows]
    return rows, ""


def _from_json(text: str) -> tuple[list[Row], str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AlignmentError(f"is not JSON ({error})", remedy="export it again") from error
    try:
        rows, kind = _json_rows(data)
        return [(float(start), float(end), str(label).strip()) for start, end, label in rows], kind
    except (KeyError, TypeError, ValueError, OverflowError, IndexError, AttributeError) as error:
        raise AlignmentError(
            f"is not a JSON alignment ({type(error).__name__}: {error})",
            remedy='use {"phones": [{"start": 0.1, "end": 0.2, "phone": "AH"}]}',
        ) from error


def _json_rows(data: Any) -> tuple[list[tuple[Any, Any, Any]], str]:
    """Rows of our own form, and of those that MFA, Gentle and WhisperX write."""
    if isinstance(data, list):
        return [_json_row(entry) for entry in data], "phones" if "phone" in data[0] else ""
    if "phones" in data:
        return [_json_row(entry) for entry in data["phones"]], "phones"
    if "tiers" in data:  # Montreal Forced Aligner
        for kind in ("phones", "words"):
            for name, tier in data["tiers"].items():
                if name.split(" - ")[-1] == kind:
                    return [_json_row(entry) for entry in tier["entries"]], kind
        raise KeyError("tier phones")
    if "segments" in data:  # WhisperX, Whisper
        words = [word for segment in data["segments"] for word in segment["words"]]
        return [_json_row(word) for word in words if "start" in word], "words"
    words = data["words"]
    if any("phones" in word for word in words):  # Gentle
        return _gentle_rows(words), "phones"
    return [_json_row(word) for word in words if "start" in word], "words"


def _json_row(entry: Any) -> tuple[Any, Any, Any]:
    if isinstance(entry, list):
        start, end, label = entry
        return start, end, label
    label = next(entry[key] for key in ("phone", "label", "word", "text", "mark") if key in entry)
    end = entry["end"] if "end" in entry else float(entry["start"]) + float(entry["duration"])
    return entry["start"], end, label


def _gentle_rows(words: list[dict]) -> list[tuple[float, float, str]]:
    rows = []
    for word in words:
        at = float(word["start"]) if word.get("case", "success") == "success" else 0.0
        for phone in word.get("phones", ()):
            rows.append((at, at + float(phone["duration"]), phone["phone"]))
            at = rows[-1][1]
    return rows


_READERS = {".textgrid": _from_textgrid, ".json": _from_json, ".align": _from_lines, ".lab": _from_lines}
