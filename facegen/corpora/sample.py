"""What every corpus gives: a recording with what is known about it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from facegen.errors import InputError
from facegen.files import read_text

Span = tuple[float, float, str]
"""Start s, end s, label."""

_LINES_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True)
class Sample:
    """One recording. Times are seconds from its start; what a corpus does not know is None.

    ``audio`` is a sound file, or a video whose sound is meant (then ``video`` is the same path). ``canonical`` holds
    the ARPAbet phones of each word as the dictionary has them, ``phones`` what was heard, with times.
    """

    corpus: str
    utt: str
    audio: Path
    speaker: str
    seconds: float
    language: str
    text: str | None = None
    sex: str | None = None
    age: int | None = None
    emotion: str | None = None
    canonical: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    words: tuple[Span, ...] | None = None
    phones: tuple[Span, ...] | None = None
    video: Path | None = None


def data_folder(explicit: str | os.PathLike | None = None) -> Path:
    """The folder of all corpora: the argument, else the environment's FACEGEN_DATA. Raises InputError if absent."""
    chosen = explicit or os.environ.get("FACEGEN_DATA")
    if not chosen:
        raise InputError("no data folder is named", remedy="set FACEGEN_DATA to the folder of the corpora")
    folder = Path(chosen)
    if not folder.is_dir():
        raise InputError("is no folder", path=folder, remedy="set FACEGEN_DATA to the folder of the corpora")
    return folder


def read_jsonl(path: Path, source: str) -> Iterator[dict]:
    """The objects of a JSON-lines file. Raises InputError, which says that ``source`` gives the corpus."""
    if not path.is_file():
        raise InputError("is not there", path=path, remedy=f"get the corpus: {source}")
    for number, line in enumerate(read_text(path, limit=_LINES_LIMIT_BYTES).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(
                f"line {number} is no JSON: {error.msg}", path=path, remedy=f"get it again: {source}"
            ) from error
        if not isinstance(row, dict):
            raise InputError(f"line {number} is no JSON object", path=path, remedy=f"get it again: {source}")
        yield row
