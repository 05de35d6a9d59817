"""``facegen stream``: live speech to a program that plays the face."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from facegen.cli.options import blame, config_options, example, pick, report_options
from facegen.cli.report import Reporter, json_line
from facegen.config import Config, StreamConfig
from facegen.core.units import as_fps

if TYPE_CHECKING:
    from facegen.pipeline.inputs import SolveInputs

SETTINGS = tuple(
    name
    for name in Config.__dataclass_fields__
    if name not in ("text", "alignment", "start", "duration", "quiet")
)
EVENT_EVERY_S = 1.0


@click.command(
    help="Live speech to a program that plays the face. SOUND is mic, a sound file, or - for a pipe (WAV, or raw "
    "16-bit mono). Ctrl-C ends it with the face eased to rest.",
    epilog=example("facegen stream mic --to livelink://192.168.0.5:11111 --latency 200"),
)
@click.argument("sound")
@click.option(
    "--to",
    "targets",
    multiple=True,
    required=True,
    metavar="ADDRESS",
    help="livelink://HOST:PORT, vmc://HOST:PORT, ifacialmocap://HOST:PORT, ws://HOST:PORT or jsonl:- (or a file); "
    "may be given several times",
)
def stream(sound: str, targets: tuple[str, ...], quiet: bool, as_json: bool, **values: Any) -> None:
    with blame("--fps"):
        as_fps(values["fps"])
    live = pick(StreamConfig, values)
    config = pick(Config, values)
    from facegen.pipeline.inputs import SolveInputs

    inputs = SolveInputs.load(config)
    with Reporter(as_json=as_json, quiet=quiet) as report:
        _stream(sound, targets, inputs, live, report)


for _add in (config_options(Config, SETTINGS), config_options(StreamConfig), report_options):
    stream = _add(stream)


def _stream(
    sound: str, targets: tuple[str, ...], inputs: SolveInputs, live: StreamConfig, report: Reporter
) -> None:
    from facegen.live import Engine
    from facegen.live.playback import play
    from facegen.live.sinks import open_sink
    from facegen.live.sources import open_live_source

    engine = Engine(inputs, live)
    with ExitStack() as opened:
        sinks = []
        for target in targets:
            sinks.append(open_sink(target))
            opened.callback(sinks[-1].close)
        source = open_live_source(sound, live.rate, live.device)
        opened.callback(source.close)
        opened.pop_all()  # from here on ``play`` closes them
    paced = live.realtime or sound == "mic" or any(sink.paced for sink in sinks)
    spoken = not any(getattr(sink, "to_stdout", False) for sink in sinks)
    if spoken:
        report.line(
            f"streaming {source.name} to {', '.join(targets)}, {live.latency:g} ms behind; Ctrl-C ends"
        )
    count = play(source, engine, sinks, paced, _Ticks(report))
    if spoken:
        report.line(f"{count} frames at {float(engine.fps):.6g} fps")
        for note in report.notes:
            report.line(f"note: {note}")
    if report.as_json:
        json_line(
            {
                "event": "done",
                "outputs": list(targets),
                "frames": count,
                "fps": str(engine.fps),
                "notes": report.notes,
                "elapsed": round(report.elapsed, 3),
            }
        )


class _Ticks:
    """Progress once a second, as JSON lines only: a bar would go on for ever."""

    def __init__(self, report: Reporter) -> None:
        self._report, self._next = report, 0.0

    def __call__(self, step: str, seconds: float, total: float | None) -> None:
        if self._report.as_json and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVENT_EVERY_S
            self._report.progress(step, seconds, total)
