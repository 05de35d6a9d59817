"""``facegen batch``: many jobs, each done once, whatever happens in between."""

from __future__ import annotations

import os
import sys
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import config_options, example, option_of, pick, report_options
from facegen.cli.report import json_line
from facegen.config import BatchConfig
from facegen.core.errors import FacegenError, JobError, OutputError
from facegen.jobs.animate import AnimateJob
from facegen.jobs.settings import known_fields

if TYPE_CHECKING:
    from facegen.jobs.batch.progress import BatchProgress
    from facegen.jobs.batch.task import Result, Task

OWN = {field.name for field in fields(BatchConfig)}
ROW_OPTIONS = {name: option for name, option in known_fields(AnimateJob.settings).items() if name not in OWN}


@click.command(
    help="""Do every row of a manifest, or every sound in a folder. A manifest is CSV with a line of column names, or
    JSON lines: `audio` (the file), `command` (animate, render …), `name` or `output`, `format`, and every option of
    the command by its name; paths start from the manifest's folder. Options of animate given here hold where a row
    says nothing else. DIR gets the outputs, summary.csv, .json and .html, and the journal that --resume goes by.
    Exit code 1 where a job failed.""",
    epilog=example("facegen batch lines.csv -o out --format csv,glb --workers 4 --resume"),
)
@click.argument("source", metavar="MANIFEST|FOLDER")
@click.option(
    "-o", "--output", "target", required=True, metavar="DIR", help="folder, or URL (s3://…) for outputs"
)
def batch(source: str, target: str, quiet: bool, as_json: bool, **values: Any) -> None:
    from facegen.jobs.batch.run import plan, run_batch

    config = pick(BatchConfig, values)
    given = {name: values[name] for name, f in ROW_OPTIONS.items() if values[name] != f.default}
    tasks = plan(source, target, config, given)
    with _Watch(len(tasks), as_json, quiet) as watch:
        progress = run_batch(tasks, target, config, watch)
    _tell(progress, target, config, watch)


for _add in (config_options(BatchConfig), report_options):
    batch = _add(batch)
batch.params.extend(option_of(field) for field in ROW_OPTIONS.values())


class _Watch:
    """Says what becomes of each job: a bar with rate and time left on a terminal, JSON lines, or failures alone."""

    def __init__(self, total: int, as_json: bool, quiet: bool) -> None:
        self.total, self.as_json, self.quiet = total, as_json, quiet and not as_json
        self._bar: Any = None
        self._draws = not as_json and not quiet and sys.stderr.isatty()

    def __enter__(self) -> _Watch:
        if self._draws:
            self._bar = _bar()
            self._task = self._bar.add_task("batch", total=self.total, failed=0, speed="")
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, task: Task, result: Result, progress: BatchProgress) -> None:
        if self.as_json:
            self._events(task, result, progress)
        if self._bar is not None:
            speed = f"{progress.seconds / max(progress.elapsed, 1e-9):.0f} x real time"
            self._bar.update(
                self._task, completed=len(progress.results), failed=progress.count("failed"), speed=speed
            )
        if result.fault:
            self.line(f"failed: {task.name}: {result.fault}")

    def _events(self, task: Task, result: Result, progress: BatchProgress) -> None:
        fault = result.fault
        json_line(
            {
                "event": "job",
                "row": task.row,
                "name": task.name,
                "state": result.state,
                "outputs": list(result.outputs),
                "seconds": result.seconds,
                "elapsed": result.elapsed,
                "tries": result.tries,
                "error": None if fault is None else {**fault.__dict__},
            }
        )
        left = None if progress.left is None else round(progress.left, 1)
        rate = round(len(progress.results) / max(progress.elapsed, 1e-9), 3)
        done = len(progress.results)
        json_line(
            {
                "event": "progress",
                "step": "batch",
                "done": done,
                "total": self.total,
                "rate": rate,
                "left": left,
            }
        )

    def line(self, text: str) -> None:
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        elif not self.quiet and not self.as_json:
            click.echo(text)


def _bar() -> Any:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]} failed"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
    )
    return Progress(*columns, console=Console(file=sys.stderr), transient=True)


def _tell(progress: BatchProgress, target: str, config: BatchConfig, watch: _Watch) -> None:
    from facegen.jobs.batch.storage import is_url
    from facegen.jobs.batch.summary import totals

    counts, where = totals(progress), config.state if is_url(target) and config.state else target
    said = ", ".join(
        f"{counts[state]} {state}" for state in ("done", "kept", "failed", "waiting") if counts[state]
    )
    watch.line(f"{target}: {said} of {counts['total']}; see {os.path.join(where, 'summary.html')}")
    if progress.damaged:
        watch.line(f"note: {progress.damaged} damaged line(s) of the journal were passed over")
    if watch.as_json:
        json_line({"event": "done", "outputs": [target], **counts})
    _raise_what_failed(progress, counts, target)


def _raise_what_failed(progress: BatchProgress, counts: dict[str, Any], target: str) -> None:
    if progress.halted:
        fault = progress.halted
        remedy = "mend that, then run it again with --resume"
        raise OutputError(f"the batch stopped: {fault.reason}", path=fault.path or target, remedy=remedy)
    if counts["failed"]:
        error: FacegenError = JobError(
            f"{counts['failed']} of {counts['total']} jobs failed",
            path=target,
            remedy="see summary.csv there, mend them, then run it again with --resume",
        )
        raise error
