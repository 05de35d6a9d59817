"""The batch summary as one self-contained HTML page: failures first, then every job, its checks and its face."""

from __future__ import annotations

from facegen import __version__
from facegen.jobs.batch.progress import BatchProgress
from facegen.jobs.batch.task import DONE, FAILED, SKIPPED, WAITING, Result, Task


def summary_page(progress: BatchProgress) -> str:
    """Return the page of a batch. Text of manifests and files is escaped; it runs no script and loads pictures only."""
    from facegen.evaluation.report.templates import render_template  # a worker process never needs it

    rows = [(task, _result(progress, task)) for task in progress.tasks]
    states = [result.state for _, result in rows]
    return render_template(
        "batch_summary.html",
        rows=rows,
        counts=[(s, states.count(s)) for s in (DONE, SKIPPED, FAILED, WAITING) if s in states],
        failed=[row for row in rows if row[1].state == FAILED],
        halted=progress.halted,
        pace=_pace(progress),
    )


def _result(progress: BatchProgress, task: Task) -> Result:
    return progress.results.get(task.row) or Result(WAITING)


def _pace(progress: BatchProgress) -> str:
    speed = f", {progress.seconds / progress.elapsed:.0f} times real time" if progress.seconds else ""
    return f"{progress.seconds / 60:.1f} min of animation in {progress.elapsed:.1f} s{speed}; facegen {__version__}"
