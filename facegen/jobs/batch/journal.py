"""The journal of a batch: an append-only file that decides what is done.

Each line is the CRC-32 of its JSON, a space, and the JSON. The last word on a job counts: ``begin`` takes back what
was done of it before, ``end`` holds its Result. A line that was cut off or damaged says nothing.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

from facegen import __version__
from facegen.core.errors import OutputError
from facegen.core.files import Log, read_bytes
from facegen.jobs.batch.task import DONE, FAILED, Result, canonical

FORMAT = 1
MAX_BYTES = 4 * 2**30
MAX_LINE = 4 * 2**20


class Journal:
    """What is known of each job by name, and the file that keeps it. With ``fresh`` what was known is forgotten.

    ``damaged`` counts the lines that say nothing. Raises OutputError where the file can't be read or written.
    """

    def __init__(self, path: str | PathLike, *, fresh: bool = False) -> None:
        self.path = Path(path)
        self.known: dict[str, dict[str, Any]] = {}
        self.damaged = 0
        whole = self._read() if self.path.exists() else 0
        self._log = Log(self.path)
        self._log.cut(whole)
        if fresh:
            self.known.clear()
        self._add({"event": "start", "format": FORMAT, "version": __version__, "fresh": fresh})

    def _read(self) -> int:
        """Take in the file; returns how many of its bytes are whole lines."""
        raw = read_bytes(self.path, limit=MAX_BYTES, error=OutputError)
        whole = raw.rfind(b"\n") + 1
        self.damaged += bool(raw[whole:])
        for entry in self._entries(raw[:whole]):
            if entry.get("event") == "start" and entry.get("fresh"):
                self.known.clear()
            elif isinstance(entry.get("name"), str):
                self._take(entry)
        return whole

    def _entries(self, raw: bytes) -> Iterator[dict[str, Any]]:
        for line in raw.splitlines():
            entry = _decoded(line)
            if entry is None:
                self.damaged += 1
            else:
                yield entry

    def _take(self, entry: dict[str, Any]) -> None:
        if entry.get("event") == "end" and isinstance(entry.get("result"), dict):
            self.known[entry["name"]] = entry["result"]
        elif entry.get("event") == "begin":
            self.known.pop(entry["name"], None)

    def earlier(self, name: str) -> dict[str, Any] | None:
        """The result of the job ``name`` if it is done."""
        found = self.known.get(name)
        return found if found and found.get("state") == DONE else None

    def begin(self, name: str) -> None:
        self._add({"event": "begin", "name": name}, sync=False)
        self.known.pop(name, None)

    def end(self, name: str, result: Result) -> None:
        """Keep a result (done or failed); when this returns it is on the disk."""
        plain = result.plain()
        self._add({"event": "end", "name": name, "result": plain}, sync=result.state in (DONE, FAILED))
        self.known[name] = plain

    def _add(self, entry: dict[str, Any], *, sync: bool = True) -> None:
        text = canonical(entry)
        self._log.write(b"%08x %s\n" % (zlib.crc32(text), text), sync=sync)

    def close(self) -> None:
        self._log.close()


def _decoded(line: bytes) -> dict[str, Any] | None:
    mark, _, text = line.partition(b" ")
    try:
        if len(line) > MAX_LINE or int(mark, 16) != zlib.crc32(text):
            return None
        entry = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None
