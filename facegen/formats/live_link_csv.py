"""``.csv``: the take files of Apple's Live Link Face app, as Unreal imports them."""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, UsageError
from facegen.core.files import MAX_TEXT_BYTES, read_bytes
from facegen.core.units import as_fps
from facegen.formats.timecode import frame_rate, parse_timecode, timecode
from facegen.rig import ARKIT, Rig
from facegen.rig.head_pose import eye_angles

HEAD_COLUMNS = ("HeadYaw", "HeadPitch", "HeadRoll")
EYE_COLUMNS = tuple(side + "Eye" + turn for side in ("Left", "Right") for turn in ("Yaw", "Pitch", "Roll"))
HEADER = (
    "Timecode",
    "BlendshapeCount",
    *(name[0].upper() + name[1:] for name in ARKIT),
    *HEAD_COLUMNS,
    *EYE_COLUMNS,
)
ROWS_AT_ONCE = 512

# Columns that other writers add and that are no face controls.
_EMOTIONS = {"angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised"}
_IGNORED = {"blendshapecount", *(name.lower() for name in EYE_COLUMNS), *_EMOTIONS}
_CONTROLS = {name.lower(): name for name in ARKIT}


class LiveLinkCsv:
    """61 columns in the app's order: the 52 ARKit controls, then head and eye angles in radians.

    Held: the 52 controls, and yaw, pitch and roll of the head (its shift has no column; a head that never
    turns reads back as None). Eye angles follow from the look controls and are not read back. Timecodes
    start at zero and count sixtieths of a second whatever the frame rate, as Unreal reads them. A file of a
    single row has no rate; it reads as 60.
    """

    suffix = ".csv"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        if not set(animation.controls) & set(ARKIT):
            raise UsageError(
                "the animation has none of the 52 ARKit controls that a Live Link file holds",
                remedy="retarget it to the rig arkit first",
            )
        return {"": _chunks(animation)}

    def read(self, path: str | PathLike) -> Animation:
        lines = _lines(path)
        table = _Table(next(lines, ""))
        for number, line in enumerate(lines, 2):
            if line.strip():
                table.add(number, line)
        return table.animation()


def _chunks(animation: Animation) -> Iterator[bytes]:
    yield (",".join(HEADER) + "\n").encode()
    template = "%s,61," + ",".join(["%.10f"] * (len(HEADER) - 2))
    place = [animation.controls.index(name) if name in animation.controls else -1 for name in ARKIT]
    for start in range(0, len(animation), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        values = animation.values[rows].astype(np.float64)
        block = np.zeros((len(values), len(HEADER) - 2))
        for column, source in enumerate(place):
            if source >= 0:
                block[:, column] = values[:, source]
        if animation.head is not None:
            block[:, len(ARKIT) : len(ARKIT) + 3] = animation.head[rows, :3]
        block[:, len(ARKIT) + 3 :] = eye_angles(block[:, : len(ARKIT)])
        block += 0.0
        lines = [
            template % (timecode(start + i, animation.fps), *row) for i, row in enumerate(block.tolist())
        ]
        yield ("\n".join(lines) + "\n").encode()


def _lines(path: str | PathLike) -> Iterator[str]:
    raw = read_bytes(path, limit=MAX_TEXT_BYTES, error=AnimationFileError)
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        yield from io.TextIOWrapper(io.BytesIO(raw), encoding=encoding, newline=None)
    except UnicodeDecodeError as error:
        raise AnimationFileError("is not text (UTF-8)", remedy="save it as UTF-8 text") from error


class _Table:
    """The rows read so far: one growing array a file, so that an hour of rows stays small."""

    def __init__(self, header: str) -> None:
        names = [name.strip().strip('"') for name in header.split(",")]
        if not header.strip():
            raise AnimationFileError("is empty", remedy="give a Live Link Face CSV")
        if names[0].lower() != "timecode" or len(names) < 3:
            raise AnimationFileError(
                "has no Live Link header (Timecode,BlendshapeCount,…)", remedy="give a Live Link Face CSV"
            )
        self.count = len(names)
        self.names = names
        lower = [name.lower() for name in names]
        self.rate_column = lower.index("framerate") if "framerate" in lower else None
        head = [lower.index(c.lower()) if c.lower() in lower else None for c in HEAD_COLUMNS]
        self.head = [c for c in head if c is not None] if None not in head else []
        skipped = {0, self.rate_column, *(c for c in head if c is not None)}
        self.columns = [
            i for i, name in enumerate(lower) if i not in skipped and name and name not in _IGNORED
        ]
        self.controls = tuple(_CONTROLS.get(lower[i], names[i]) for i in self.columns)
        self.wanted = [*self.columns, *self.head]
        self.values = array("f")
        self.codes: list[tuple[int, int, int]] = []
        self.rate = ""
        if not self.columns:
            raise AnimationFileError(
                "names no face control in its header", remedy="give a Live Link Face CSV"
            )

    def add(self, number: int, line: str) -> None:
        """Take in the text ``line``, the ``number``-th of the file (from 1)."""
        cells = line.rstrip("\r\n").split(",")
        if len(cells) == self.count + 1 and not cells[-1].strip():
            cells.pop()
        if len(cells) != self.count:
            raise AnimationFileError(
                f"has {len(cells)} cells in line {number}, expected {self.count}", remedy="mend that line"
            )
        code = parse_timecode(cells[0])
        if code is None:
            raise self._bad(number, 0, cells[0], "a timecode HH:MM:SS:FF.sss")
        self.codes.append(code)
        if self.rate_column is not None and not self.rate:
            self.rate = cells[self.rate_column].strip()
        try:
            row = [float(cells[i]) for i in self.wanted]
        except ValueError:
            row = [float("nan")]
        if not all(-1e30 < x < 1e30 for x in row):
            column = next(i for i in self.wanted if not _is_number(cells[i]))
            raise self._bad(number, column, cells[column], "a finite number")
        self.values.extend(row)

    def _bad(self, number: int, column: int, cell: str, wanted: str) -> AnimationFileError:
        return AnimationFileError(
            f"has {cell.strip()[:40]!r} in line {number}, column {self.names[column][:80]}, where {wanted} is expected",
            remedy="mend that cell",
        )

    def animation(self) -> Animation:
        if not self.codes:
            raise AnimationFileError("has a header but no rows", remedy="record at least one frame")
        rows = np.frombuffer(self.values, np.float32).reshape(len(self.codes), len(self.wanted))
        head = None
        if self.head and rows[:, len(self.columns) :].any():
            head = np.zeros((len(rows), 6), np.float32)
            head[:, :3] = rows[:, len(self.columns) :]
        fps = as_fps(self.rate) if self.rate else frame_rate(self.codes)
        return Animation(fps, self.controls, rows[:, : len(self.columns)], head)


def _is_number(cell: str) -> bool:
    try:
        return -1e30 < float(cell) < 1e30
    except ValueError:
        return False
