"""Long renders in parts that outlast a stop: ``OUT.parts/`` beside the video, gone once it is whole."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.errors import OutputError
from facegen.core.files import make_folder, read_text, write_atomic
from facegen.renderers.clip import Clip

PART_S = 4.0
"""Seconds a part; the same whether a render is stopped or not, so that the video is."""
NOTE = "render.json"


def render_fingerprint(*things: Any) -> str:
    """A name for what a render depends on: arrays, and anything that ``repr`` tells."""
    digest = hashlib.sha256()
    for thing in things:
        if isinstance(thing, np.ndarray):
            digest.update(f"{thing.dtype}{thing.shape}".encode())
            digest.update(np.ascontiguousarray(thing).tobytes())
        else:
            digest.update(repr(thing).encode())
    return digest.hexdigest()


def write_resumable(
    path: str | PathLike,
    writer: Any,
    clip: Clip,
    frames: Callable[[int, int], Iterator[np.ndarray]],
    key: str,
    resume: bool,
    notes: dict[str, str],
    seconds: float = PART_S,
) -> None:
    """Write the clip to ``path``; ``frames(first, last)`` draws those of one part. Parts of a render with the same
    ``key`` that was stopped are used again where ``resume`` says so. Raises OutputError for a folder that is in the
    way."""
    folder = Path(f"{os.fspath(path)}.parts")
    _settle(folder, key, resume)
    length = max(1, round(seconds * clip.fps))
    parts = []
    for first in range(0, clip.count, length):
        last = min(clip.count, first + length)
        part = folder / f"{first:08d}{writer.suffix}"
        if not part.exists():

            def told(step: str, done: float, total: float | None, start: int = first) -> None:
                if clip.progress is not None:
                    clip.progress(step, float(start / clip.fps) + done, float(clip.seconds))

            own = replace(clip, count=last - first, audio=None, progress=told)
            writer.write(part, frames(first, last), own)
        parts.append(part)
    writer.join(path, parts, clip, notes)
    shutil.rmtree(folder)


def _settle(folder: Path, key: str, resume: bool) -> None:
    """An empty folder with a note of ``key``, or the one of the stopped render."""
    note = folder / NOTE
    if folder.exists():
        if not note.is_file():
            raise OutputError("is in the way of this render's parts", path=folder, remedy="move it away")
        try:
            same = json.loads(read_text(note))["key"] == key
        except (ValueError, OverflowError, KeyError, TypeError):
            same = False
        if resume and same:
            return
        shutil.rmtree(folder)
    make_folder(folder)
    write_atomic(note, json.dumps({"key": key}).encode())
