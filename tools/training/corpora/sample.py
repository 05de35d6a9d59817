"""What every corpus gives: a recording with what is known about it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import InputError
from facegen.core.files import read_text

Span = tuple[float, float, str]
"""Start s, end s, label."""

_LINES_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True)
class Sample:
    """One recording. Times are seconds from its start; what a corpus does not know is None.

    ``audio`` is a sound file, or a video whose sound is meant (then ``video`` is the same path). ``seconds`` is None
    where only opening the file would tell. ``canonical`` holds the ARPAbet phones of each word as the dictionary has
    them, ``phones`` what was heard, with times. ``emotion`` is the corpus' own word, ``coarse`` a wider group of it,
    ``intensity`` a share of the corpus' strongest level (0 to 1), ``view`` the camera. ``controls`` and ``vertices``
    read what was captured when they are called: curves of controls, and positions [T, V, 3] float32 in the corpus' own
    unit at ``vertices_fps``; both raise InputError for a broken file.
    """

    corpus: str
    utt: str
    audio: Path | None
    speaker: str
    seconds: float | None
    language: str
    text: str | None = None
    sex: str | None = None
    age: int | None = None
    emotion: str | None = None
    canonical: tuple[tuple[str, tuple[str, ...]], ...] | None = None
    words: tuple[Span, ...] | None = None
    phones: tuple[Span, ...] | None = None
    video: Path | None = None
    coarse: str | None = None
    intensity: float | None = None
    view: str | None = None
    controls: Callable[[], Animation] | None = None
    vertices: Callable[[], np.ndarray] | None = None
    vertices_fps: float | None = None


def data_folder(explicit: str | os.PathLike | None = None) -> Path:
    """The folder of all corpora: the argument, else the environment's FACEGEN_DATA. Raises InputError if absent."""
    chosen = explicit or os.environ.get("FACEGEN_DATA")
    if not chosen:
        raise InputError("no data folder is named", remedy="set FACEGEN_DATA to the folder of the corpora")
    folder = Path(chosen)
    if not folder.is_dir():
        raise InputError("is no folder", path=folder, remedy="set FACEGEN_DATA to the folder of the corpora")
    return folder


def read_jsonl(path: Path, source: str, make: Callable[[dict], Sample]) -> Iterator[Sample]:
    """What ``make`` gives for each object of a JSON-lines file.

    Raises InputError: where the file is absent it says that ``source`` (place and licence) gives the corpus, and for
    a row that is malformed or lacks something it names the line.
    """
    if not path.is_file():
        raise absent(path, source)
    for number, line in enumerate(read_text(path, limit=_LINES_LIMIT_BYTES).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("is no JSON object")
            sample = make(row)
        except json.JSONDecodeError as error:
            raise _bad_line(path, number, f"is no JSON: {error.msg}", source) from error
        except KeyError as error:
            raise _bad_line(path, number, f"lacks {error}", source) from error
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise _bad_line(path, number, str(error), source) from error
        yield sample


def absent(path: Path, source: str) -> InputError:
    """The error for a corpus that is not there: ``source`` says where it comes from and under which licence."""
    return InputError("is not there", path=path, remedy=f"get the corpus: {source}")


def _bad_line(path: Path, number: int, reason: str, source: str) -> InputError:
    return InputError(f"line {number} {reason}", path=path, remedy=f"get it again: {source}")
