"""The emotion in a sound, a text or a video, over time: the job of ``facegen emotion``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from facegen.config import Config
from facegen.core.errors import MissingExtraError
from facegen.core.files import atomic_path
from facegen.core.progress import Progress
from facegen.jobs.job import JobResult
from facegen.jobs.reports import PLOTS, REPORT, check_reports, write_report
from facegen.jobs.settings import need, pick

if TYPE_CHECKING:
    from facegen.emotion import EmotionCurve
    from facegen.pipeline.analyze_emotion import EmotionAnalysis

SHOWN = 0.5  # probability from which a sound without words is named
COLOURS = ("#bdc3c7", "#f1c40f", "#2980b9", "#c0392b", "#8e44ad", "#27ae60", "#e67e22", "#7f8c8d")


class EmotionJob:
    sources: ClassVar[tuple[str, ...]] = ("source",)
    settings: ClassVar[tuple[tuple[type, tuple[str, ...] | None], ...]] = (
        (Config, ("text", "emotion_encoder", "encoder", "start", "duration")),
    )
    kinds: ClassVar[tuple[str, ...]] = (REPORT, *PLOTS)

    def __init__(self, sources: Sequence[str], outputs: Sequence[str], values: Mapping[str, Any]) -> None:
        (self.source,) = sources
        self.reports, self.plots = check_reports(outputs, (self.source, values.get("text")), self.kinds)
        self.config = pick(Config, values)

    def check(self) -> None:
        """Encoders are opened when the source turns out to be a sound; a text needs none."""

    def run(self, progress: Progress) -> JobResult:
        from facegen.pipeline.analyze_emotion import analyze_emotion

        found = analyze_emotion(self.source, config=self.config, progress=progress)
        curve = found.track.heard if found.kind != "text" else None
        if self.plots:
            need(curve is not None, "--plot", "a text has no time to draw", "leave it out")
            for path in self.plots:
                draw(path, curve, self.source)  # type: ignore[arg-type]
        row = facts(self.source, found)
        for path in self.reports:
            write_report(path, row, (self.source,))
        return JobResult(None, facts=row, lines=tuple(lines(found)))


def facts(source: str, found: EmotionAnalysis) -> dict[str, Any]:
    """Everything as JSON values; ``curves`` ten times a second."""
    row: dict[str, Any] = {"event": "done", "file": source, "kind": found.kind, **found.summary()}
    row |= {"sources": found.sources, "notes": list(found.notes)}
    if found.reading is not None:
        row["words"] = [list(pair) for pair in found.reading.words]
    heard = found.track.heard
    if heard is not None and found.kind != "text":
        from facegen.emotion import CATEGORIES, EMOTION_HZ, SOUNDS

        axes = zip(("valence", "arousal", "dominance"), heard.vad.T, strict=True)
        row["rate"] = EMOTION_HZ
        row["curves"] = {name: _rounded(column) for name, column in axes}
        row["curves"]["confidence"] = _rounded(heard.confidence)
        for group, names, table in (
            ("categories", CATEGORIES, heard.categories),
            ("sounds", SOUNDS, heard.sounds),
        ):
            row["curves"][group] = {n: _rounded(c) for n, c in zip(names, table.T, strict=True)}
    return row


def _rounded(column: np.ndarray) -> list[float]:
    return np.round(column.astype(np.float64), 4).tolist()


def lines(found: EmotionAnalysis) -> Iterator[str]:
    """A table of a row a second, then the summary, for people."""
    heard = found.track.heard
    if heard is not None and found.kind != "text":
        yield f"{'second':>6}  {'valence':>7} {'arousal':>7} {'domin.':>7} {'sure':>5}  emotion"
        yield from _seconds(heard)
    for name, row in found.sources.items():
        if len(found.sources) > 1:
            yield f"{name:9} {_summary(row)}"
    yield f"summary   {_summary(found.summary())}"
    if found.reading is not None and found.reading.words:
        yield "words     " + ", ".join(f"{phrase} ({name})" for phrase, name in found.reading.words[:20])
    yield from (f"note      {note}" for note in found.notes)


def _summary(row: dict[str, Any]) -> str:
    best = sorted(row["categories"].items(), key=lambda pair: -pair[1])[:3]
    named = ", ".join(f"{name} {100 * chance:.0f} %" for name, chance in best)
    point = "  ".join(f"{axis} {row[axis]:+.2f}" for axis in ("valence", "arousal", "dominance"))
    return f"{named}; {point}; confidence {row['confidence']:.2f}"


def _seconds(heard: EmotionCurve) -> Iterator[str]:
    from facegen.emotion import CATEGORIES, EMOTION_HZ, SOUNDS

    for second in range(math.ceil(len(heard) / EMOTION_HZ)):
        part = slice(second * EMOTION_HZ, (second + 1) * EMOTION_HZ)
        weight = heard.confidence[part].astype(np.float64) + 1e-6
        mean = weight / weight.sum()
        vad, chances = mean @ heard.vad[part], mean @ heard.categories[part]
        sure = float(heard.confidence[part].mean())
        best = np.argsort(-chances)[:2]
        text = ", ".join(f"{CATEGORIES[i]} {100 * chances[i]:.0f} %" for i in best)
        sounds = [n for n, peak in zip(SOUNDS, heard.sounds[part].max(axis=0), strict=True) if peak > SHOWN]
        shown = f"{text}  [{', '.join(sounds)}]" if sounds else text
        yield f"{second:6d}  {vad[0]:+7.2f} {vad[1]:+7.2f} {vad[2]:+7.2f} {sure:5.2f}  {shown if sure > 0.01 else '-'}"


def draw(path: str, heard: EmotionCurve, title: str) -> None:
    """Categories, the three axes, confidence and sounds over time. Raises MissingExtraError without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "render", "--plot") from error
    from facegen.emotion import CATEGORIES, SOUNDS

    times, seconds = heard.times, max(0.5, len(heard) / 10)
    figure = Figure(figsize=(float(np.clip(0.25 * seconds, 9, 40)), 7.5), dpi=100, layout="constrained")
    top, middle, low = figure.subplots(3, 1, sharex=True)
    top.stackplot(times, heard.categories.T, labels=CATEGORIES, colors=COLOURS, linewidth=0)
    top.set(ylim=(0, 1), ylabel="probability")
    top.set_title(title, loc="left", fontsize=10)
    for name, column, colour in zip(
        ("valence", "arousal", "dominance"), heard.vad.T, COLOURS[1:], strict=False
    ):
        middle.plot(times, column, label=name, color=colour)
    middle.axhline(0, color="#999999", linewidth=0.5)
    middle.set(ylim=(-1, 1), ylabel="place")
    low.plot(times, heard.confidence, label="confidence", color="black")
    for name, column in zip(SOUNDS, heard.sounds.T, strict=True):
        low.plot(times, column, label=name, linewidth=0.9)
    low.set(ylim=(0, 1.02), xlim=(0, seconds), ylabel="sure; sounds", xlabel="seconds")
    for axis in (top, middle, low):
        axis.legend(loc="upper right", fontsize=7, ncols=8, framealpha=0.7)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, format=path.rsplit(".", 1)[-1].lower())
