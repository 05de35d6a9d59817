"""The drawing of a card's page: sound, phones and main curves over time as SVG, flagged spans marked in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from facegen.core.errors import printable
from facegen.evaluation.metrics.spans import FaultSpan
from facegen.evaluation.report.audio_levels import Levels
from facegen.speech.phones import BILABIALS, LABIODENTALS, PhoneTrack

WIDTH, LEFT, RIGHT = 1000, 74, 8
PANEL, GAP, LANE, PHONES = 84, 8, 15, 16
MOST_POINTS = 700  # of one curve in one row
MOST_LANES = 6
WHOLE = 0.8  # part of a row from which a mark is not drawn over it
LETTER = 5.6  # width of a letter of the small text
PHONE_LETTER = 7.5  # and of one of a phone's label
CONTACTS = (*BILABIALS, *LABIODENTALS)


class ChartCurve(NamedTuple):
    """``values`` [T] at ``fps``, called ``name``, in the colour of class ``c<colour>``."""

    name: str
    values: np.ndarray
    fps: float
    colour: int


class Panel(NamedTuple):
    """Curves over one another, on one scale; ``low`` and ``high`` are its least extent."""

    label: str
    curves: tuple[ChartCurve, ...]
    low: float
    high: float


class Mark(NamedTuple):
    """A flagged span and the verdict of its line."""

    span: FaultSpan
    verdict: str


def safe(text: str) -> str:
    """``text`` as HTML or XML text and attribute: escaped, without control or broken characters."""
    return escape(printable(text.encode("utf-8", "replace").decode("utf-8")), quote=True)


class ChartRow:
    """One stretch of time, ``start`` to ``end`` s, across the page."""

    def __init__(self, start: float, end: float) -> None:
        self.start, self.end = start, end
        self.parts: list[str] = []
        self.y = 0.0

    def x(self, seconds: float) -> float:
        part = (seconds - self.start) / max(self.end - self.start, 1e-9)
        return LEFT + (WIDTH - LEFT - RIGHT) * min(1.0, max(0.0, part))

    def svg(self, title: str) -> str:
        return (
            f'<svg viewBox="0 0 {WIDTH} {self.y:.0f}" role="img" aria-label="{safe(title)}">'
            + "".join(self.parts)
            + "</svg>"
        )

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        named = f' class="{kind}"' if kind else ""
        where = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}"{named}{where}>{safe(text)}</text>')

    def box(self, start: float, end: float, top: float, height: float, kind: str, least: float = 0.0) -> None:
        a, b = self.x(start), self.x(end)
        width = max(least, b - a)
        self.parts.append(
            f'<rect x="{a:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" class="{kind}"/>'
        )


def draw_row(
    start: float,
    end: float,
    levels: Levels | None,
    phones: PhoneTrack,
    panels: Sequence[Panel],
    marks: Sequence[Mark],
) -> str:
    """The stretch from ``start`` to ``end`` s as one SVG element."""
    row = ChartRow(start, end)
    inside = [m for m in marks if m.span.end > start and m.span.start < end]
    if len(phones):
        _phones(row, phones)
    top = row.y
    if levels is not None:
        _waveform(row, levels)
    for panel in panels:
        _panel(row, panel)
    for mark in inside:
        if mark.span.end - mark.span.start > WHOLE * (end - start):
            continue  # it would tint everything; its bar below tells enough
        row.box(mark.span.start, mark.span.end, top, row.y - top - GAP, f"mark {mark.verdict}", 1.0)
    _lanes(row, inside)
    _axis(row)
    return row.svg(f"{start:.1f} to {end:.1f} s")


def draw_overview(
    seconds: float, levels: Levels | None, panels: Sequence[Panel], marks: Sequence[Mark]
) -> str:
    """The whole length: sound (or the first panel), and where anything is flagged."""
    row = ChartRow(0.0, seconds)
    if levels is not None:
        _waveform(row, levels)
    elif panels:
        _panel(row, panels[0])
    for mark in marks:
        row.box(mark.span.start, mark.span.end, 0, row.y - GAP, f"mark {mark.verdict}", 1.5)
    _axis(row)
    return row.svg("the whole length")


def _phones(row: ChartRow, phones: PhoneTrack) -> None:
    for phone in phones:
        if phone.end <= row.start or phone.start >= row.end:
            continue
        row.box(
            phone.start, phone.end, 1, PHONES - 2, "phone contact" if phone.label in CONTACTS else "phone"
        )
        a, b = row.x(phone.start), row.x(phone.end)
        if b - a > PHONE_LETTER * len(phone.label):
            row.text((a + b) / 2, PHONES - 5, phone.label, "small", "middle")
    row.text(LEFT - 6, PHONES - 5, "phones", "small", "end")
    row.y += PHONES + 2


def _waveform(row: ChartRow, levels: Levels) -> None:
    first, last = (round(t / levels.frame_s) for t in (row.start, row.end))
    low, high = levels.low[first:last], levels.high[first:last]
    half, middle = PANEL * 0.36, row.y + PANEL * 0.38
    if len(low):
        step = -(-len(low) // MOST_POINTS)
        pad = -len(low) % step
        low = np.pad(low, (0, pad), mode="edge").reshape(-1, step).min(axis=1)
        high = np.pad(high, (0, pad), mode="edge").reshape(-1, step).max(axis=1)
        scale = half / max(0.02, float(np.maximum(-levels.low, levels.high).max()))
        xs = [row.x(row.start + i * step * levels.frame_s) for i in range(len(low))]
        over = [f"{x:.1f},{middle - scale * v:.1f}" for x, v in zip(xs, high, strict=True)]
        under = [f"{x:.1f},{middle - scale * v:.1f}" for x, v in zip(xs, low, strict=True)]
        row.parts.append(f'<polygon points="{" ".join(over + under[::-1])}" class="wave"/>')
    row.text(LEFT - 6, middle + 4, "sound", "small", "end")
    row.y += PANEL * 0.76 + GAP


def _panel(row: ChartRow, panel: Panel) -> None:
    low = min([panel.low, *(float(c.values.min(initial=panel.low)) for c in panel.curves)])
    high = max([panel.high, *(float(c.values.max(initial=panel.high)) for c in panel.curves)])
    top, height = row.y, PANEL
    row.box(row.start, row.end, top, height, "frame")
    row.text(LEFT - 4, top + 8, f"{high:.3g}", "tiny", "end")
    row.text(LEFT - 4, top + height, f"{low:.3g}", "tiny", "end")
    for number, curve in enumerate(panel.curves):
        places = " ".join(
            f"{row.x(t):.1f},{top + height * (1 - (v - low) / (high - low)):.1f}"
            for t, v in _thinned(curve, row)
        )
        if places:
            row.parts.append(f'<polyline points="{places}" class="curve c{curve.colour}"/>')
        row.text(2, top + 20 + 12 * number, curve.name, f"small t{curve.colour}")
    row.y += height + GAP


def _thinned(curve: ChartCurve, row: ChartRow) -> Iterator[tuple[float, float]]:
    """Times and values of the row's part; where there are too many, the least and greatest of each group of frames."""
    first = max(0, int(row.start * curve.fps))
    values = curve.values[first : int(np.ceil(row.end * curve.fps)) + 1]
    step = -(-2 * len(values) // MOST_POINTS) if len(values) > MOST_POINTS else 1
    for at in range(0, len(values), step):
        group = values[at : at + step]
        places = sorted({int(group.argmin()), int(group.argmax())}) if step > 1 else (0,)
        for place in places:
            yield (first + at + place + 0.5) / curve.fps, float(group[place])


def _lanes(row: ChartRow, marks: Sequence[Mark]) -> None:
    """The words of the marks below the panels, in as many lanes as they need."""
    reach = [0.0] * MOST_LANES
    used = 0
    left_out = 0
    for mark in sorted(marks):
        a, b = row.x(mark.span.start), row.x(mark.span.end)
        width = LETTER * len(mark.span.text) + 8
        begin = min(a, WIDTH - RIGHT - width)
        lane = next((i for i, end in enumerate(reach) if begin >= end), None)
        if lane is None:
            left_out += 1
            continue
        reach[lane] = max(b, begin + width)
        used = max(used, lane + 1)
        y = row.y + LANE * lane
        row.box(mark.span.start, mark.span.end, y, 3, f"bar {mark.verdict}", 2.0)
        row.text(max(LEFT, begin), y + 12, mark.span.text, f"small {mark.verdict}")
    row.y += LANE * used
    if left_out:
        row.text(LEFT, row.y + 11, f"and {left_out} more here, in the table", "small")
        row.y += LANE


def _axis(row: ChartRow) -> None:
    length = row.end - row.start
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1200, 3600, 7200)
    step = next((s for s in steps if length / s <= 12), length)
    tick = np.ceil(row.start / step - 1e-9) * step
    while tick <= row.end + 1e-9:
        row.text(row.x(tick), row.y + 11, clock(abs(tick)), "tiny", "middle")
        tick += step
    row.y += 16


def clock(seconds: float) -> str:
    """``seconds`` as people read them: ``7.5``, ``12:05``, ``1:02:05``."""
    if seconds < 60:
        return f"{round(seconds, 2):g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
