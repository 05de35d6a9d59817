"""``jsonl:-`` or ``jsonl:FILE``: a JSON object a line and frame."""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from facegen.core.files import open_growing
from facegen.live.sinks import Address, Frame

DIGITS = 6


class JsonLinesSink:
    """``{"frame", "time", "controls": {name: value}, "head": [6] or null}``, to stdout (-) or a file."""

    paced = False
    options = ()
    port = 0

    def __init__(self, address: Address) -> None:
        self.to_stdout = address.path in ("", "-")
        self._file: IO[str] = sys.stdout if self.to_stdout else open_growing(address.path)

    def send(self, frame: Frame) -> None:
        self._file.write(frame_json(frame) + "\n")
        self._file.flush()

    def messages(self) -> list[dict[str, Any]]:
        return []

    def notes(self) -> list[str]:
        return []

    def close(self) -> None:
        if not self.to_stdout:
            self._file.close()


def frame_json(frame: Frame) -> str:
    """One frame as a JSON object without a line break."""
    controls = {name: round(value, DIGITS) for name, value in frame.named().items()}
    head = None if frame.head is None else [round(x, DIGITS) for x in frame.head.tolist()]
    row = {"frame": frame.index, "time": round(frame.time, DIGITS), "controls": controls, "head": head}
    return json.dumps(row, separators=(",", ":"), allow_nan=False)
