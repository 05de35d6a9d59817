"""The ordered summary of a batch: a table, JSON, and a page."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import Any

from facegen import __version__
from facegen.core.files import write_atomic
from facegen.jobs.batch.progress import BatchProgress
from facegen.jobs.batch.summary_html import summary_page
from facegen.jobs.batch.task import DONE, FAILED, SKIPPED, WAITING, Result, Task

COLUMNS = (
    "row", "name", "state", "command", "source", "place", "outputs", "seconds", "frames", "elapsed", "tries", "check",
    "error", "remedy", "exit_code", "notes",
)  # fmt: skip


def write_summary(progress: BatchProgress, folder: str | PathLike) -> None:
    """Write summary.csv, summary.json and summary.html to ``folder``."""
    rows = list(summary_rows(progress))
    out = StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({**row, "outputs": ";".join(row["outputs"]), "notes": "; ".join(row["notes"])})
    write_atomic(Path(folder) / "summary.csv", out.getvalue().encode("utf-8"))
    whole = {"facegen": __version__, **totals(progress), "jobs": rows}
    write_atomic(Path(folder) / "summary.json", json.dumps(whole, indent=1).encode("utf-8"))
    write_atomic(Path(folder) / "summary.html", summary_page(progress).encode("utf-8"))


def totals(progress: BatchProgress) -> dict[str, Any]:
    """The counts of a batch, and its speed."""
    counts = {state: progress.count(state) for state in (DONE, SKIPPED, FAILED)}
    waiting = len(progress.tasks) - sum(counts.values())
    return {
        "total": len(progress.tasks),
        **counts,
        WAITING: waiting,
        "seconds": round(progress.seconds, 3),
        "elapsed": round(progress.elapsed, 3),
    }


def summary_rows(progress: BatchProgress) -> Iterator[dict[str, Any]]:
    """A row a task, in the manifest's order."""
    for task in progress.tasks:
        yield _row(task, progress.results.get(task.row) or Result(WAITING))


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
