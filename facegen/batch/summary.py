"""The ordered summary of a batch: a table, JSON, and a page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from facegen import __version__
from facegen.batch.task import DONE, FAILED, KEPT, WAITING, Result, Task
from facegen.files import write_atomic

if TYPE_CHECKING:
    from facegen.batch.run import Tally

COLUMNS = (
    "row", "name", "state", "command", "source", "place", "outputs", "seconds", "frames", "elapsed", "tries", "check",
    "error", "remedy", "exit_code", "notes",
)  # fmt: skip


def write_summary(tally: Tally, folder: str | PathLike) -> None:
    """Write summary.csv, summary.json and summary.html to ``folder``."""
    from facegen.batch.sheet import sheet

    rows = list(summary_rows(tally))
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "outputs": ";".join(row["outputs"]), "notes": "; ".join(row["notes"])})
    write_atomic(Path(folder) / "summary.csv", out.getvalue().encode("utf-8"))
    whole = {"facegen": __version__, **totals(tally), "jobs": rows}
    write_atomic(Path(folder) / "summary.json", json.dumps(whole, indent=1).encode("utf-8"))
    write_atomic(Path(folder) / "summary.html", sheet(tally).encode("utf-8"))


def totals(tally: Tally) -> dict[str, Any]:
    """The counts of a batch, and its speed."""
    counts = {state: tally.count(state) for state in (DONE, KEPT, FAILED)}
    waiting = len(tally.tasks) - sum(counts.values())
    return {
        "total": len(tally.tasks),
        **counts,
        WAITING: waiting,
        "seconds": round(tally.seconds, 3),
        "elapsed": round(tally.elapsed, 3),
    }


def summary_rows(tally: Tally) -> Iterator[dict[str, Any]]:
    """A row a task, in the manifest's order."""
    for task in tally.tasks:
        yield _row(task, tally.results.get(task.row) or Result(WAITING))


def _row(task: Task, result: Result) -> dict[str, Any]:
    fault = result.fault
    return {
        "row": task.row,
        "name": task.name,
        "state": result.state,
        "command": task.command,
        "source": ";".join(task.sources),
        "place": task.place,
        "outputs": list(result.outputs),
        "seconds": result.seconds,
        "frames": result.frames,
        "elapsed": result.elapsed,
        "tries": result.tries,
        "check": (result.card or {}).get("verdict", ""),
        "error": "" if fault is None else f"{fault.path}: {fault.reason}" if fault.path else fault.reason,
        "remedy": fault.remedy if fault else "",
        "exit_code": fault.exit_code if fault else 0,
        "notes": list(result.notes),
    }
