"""The summary as one page that needs nothing beside it: failures first, then every job, its checks and its face."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from facegen import __version__
from facegen.jobs.batch.progress import BatchProgress
from facegen.jobs.batch.task import DONE, FAILED, SKIPPED, WAITING, Result, Task

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--ink:#1d2329;--soft:#5b6670;--line:#d5dae0;--bad:#b3261e;--warn:#8a5a00;
--good:#1f6f43}
@media (prefers-color-scheme:dark){:root{--bg:#15181c;--ink:#e6e9ec;--soft:#9aa5b0;--line:#343b43;--bad:#ff8a80;
--warn:#ffc15c;--good:#7ddba0}}
body{font:15px/1.45 system-ui,sans-serif;background:var(--bg);color:var(--ink);max-width:1080px;margin:1.5em auto;
padding:0 1em}h1{font-size:1.35em;margin:0 0 .2em;overflow-wrap:anywhere}h2{font-size:1.05em;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.3em .8em .3em 0;
border-bottom:1px solid var(--line);overflow-wrap:anywhere}th{color:var(--soft);font-size:.88em}
td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}img{width:80px;height:80px;display:block}
.failed,.fail{color:var(--bad);font-weight:600}.warn{color:var(--warn)}.done,.kept,.pass{color:var(--good)}
.soft,small{color:var(--soft)}
"""


def summary_page(progress: BatchProgress) -> str:
    """The page. Text of manifests and files is escaped; it holds no script and loads nothing."""
    counts = ", ".join(
        f'<b class="{state}">{count}</b> {state}'
        for state in (DONE, SKIPPED, FAILED, WAITING)
        if (count := sum(_result(progress, task).state == state for task in progress.tasks))
    )
    failed = [task for task in progress.tasks if _result(progress, task).state == FAILED]
    body = [f"<h1>{len(progress.tasks)} jobs: {counts}</h1>", f'<p class="soft">{_pace(progress)}</p>']
    if progress.halted:
        body.append(f'<p class="failed">Stopped: {escape(str(progress.halted))}</p>')
    if failed:
        body += [
            "<h2>Failed</h2>",
            "<table>",
            *(_failure(task, _result(progress, task)) for task in failed),
            "</table>",
        ]
    body += ["<h2>All</h2>", "<table><tr><th></th><th>job</th><th>state</th><th>s</th><th>checks</th></tr>"]
    body += [*(_line(task, _result(progress, task)) for task in progress.tasks), "</table>"]
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>facegen batch</title>'
    return f"{head}<style>{STYLE}</style><body>\n" + "\n".join(body) + "\n</body></html>\n"


def _result(progress: BatchProgress, task: Task) -> Result:
    return progress.results.get(task.row) or Result(WAITING)


def _pace(progress: BatchProgress) -> str:
    speed = f", {progress.seconds / progress.elapsed:.0f} times real time" if progress.seconds else ""
    return f"{progress.seconds / 60:.1f} min of animation in {progress.elapsed:.1f} s{speed}; facegen {__version__}"


def _failure(task: Task, result: Result) -> str:
    said = escape(str(result.fault)) if result.fault else ""
    return f'<tr><td>{escape(task.name)}<br><small>{escape(task.place)}</small></td><td class="failed">{said}</td></tr>'


def _line(task: Task, result: Result) -> str:
    picture = f'<img loading="lazy" alt="" src="{escape(result.picture)}">' if result.picture else ""
    notes = "".join(f"<br><small>{escape(note)}</small>" for note in result.notes)
    return (
        f'<tr><td>{picture}</td><td>{escape(task.name)}{notes}</td><td class="{result.state}">{result.state}</td>'
        f'<td class="n">{result.seconds:.2f}</td><td>{"<br>".join(_checks(result))}</td></tr>'
    )


def _checks(result: Result) -> Iterator[str]:
    if result.card:
        verdict = escape(str(result.card["verdict"]))
        yield f'<span class="{verdict}">{verdict}</span>'
        for label, shown, kind in result.card["lines"]:
            yield f'<small class="{escape(kind)}">{escape(label)}: {escape(shown)}</small>'
