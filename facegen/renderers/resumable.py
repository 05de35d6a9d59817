"""Resumable renders: parts are kept in ``OUT.parts/`` beside the video until it is complete."""

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
"""Seconds per part; the same for interrupted and uninterrupted renders, so that the videos are identical."""
NOTE = "render.json"


def render_fingerprint(*values: Any) -> str:
    """Return a hash of what a render depends on: arrays, and the ``repr`` of anything else."""
    digest = hashlib.sha256()
    for value in values:
        if isinstance(value, np.ndarray):
            digest.update(f"{value.dtype}{value.shape}".encode())
            digest.update(np.ascontiguousarray(value).tobytes())
        else:
            digest.update(repr(value).encode())
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
    """Write a clip in parts, so that an interrupted render can be resumed.

    Parameters
    ----------
    path : str or PathLike
        The output video.
    writer : ClipWriter
        One that can ``join`` parts.
    clip : Clip
        Rate, size and length of the whole.
    frames : callable
        ``frames(first, last)`` draws the frames of one part.
    key : str
        Fingerprint of the render; parts with another one are discarded.
    resume : bool
        Reuse the parts of an interrupted render.
    notes : dict
        Metadata of the joined file.
    seconds : float
        Length of a part, s.

    Raises
    ------
    OutputError
        Where a foreign folder has the name of the parts' folder.
    """
    folder = Path(f"{os.fspath(path)}.parts")
    _prepare_folder(folder, key, resume)
    length = max(1, round(seconds * clip.fps))
    parts = []
    for first in range(0, clip.count, length):
        last = min(clip.count, first + length)
        part = folder / f"{first:08d}{writer.suffix}"
        if not part.exists():

            def report_part(step: str, done: float, total: float | None, start: int = first) -> None:
                if clip.progress is not None:
                    clip.progress(step, float(start / clip.fps) + done, float(clip.seconds))

            own = replace(clip, count=last - first, audio=None, progress=report_part)
            writer.write(part, frames(first, last), own)
        parts.append(part)
    writer.join(path, parts, clip, notes)
    shutil.rmtree(folder)


def _prepare_folder(folder: Path, key: str, resume: bool) -> None:
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
