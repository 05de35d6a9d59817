"""A check's report as one self-contained HTML page: the table of figures and the chart, no script, no network."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from facegen import __version__
from facegen.core.animation import Animation
from facegen.evaluation.metrics import NotApplicable, lips
from facegen.evaluation.report.audio_levels import Levels
from facegen.evaluation.report.check_report import CheckReport
from facegen.evaluation.report.inputs import HEAD
from facegen.evaluation.report.svg_chart import ChartCurve, Mark, Panel, draw_overview, draw_row
from facegen.evaluation.report.templates import Drawing, render_template
from facegen.evaluation.report.thresholds import FAIL, PASS, SKIPPED, WARN
from facegen.evaluation.report.worst_frames import FramePicture
from facegen.rig import load_rig
from facegen.speech.phones import PhoneTrack

ROW_S, MOST_ROWS = 5.0, 12  # a row is no longer than this
MOST_SPANS = 8
MOST_MARKS = 2000  # in the overview
WORDS = {SKIPPED: "not measured", PASS: "pass", WARN: "warning", FAIL: "FAIL"}
GROUPS = {
    "mouth": ("jawOpen", "mouthClose", "mouthPucker", "mouthFunnel"),
    "eyes": ("eyeBlinkLeft", "eyeBlinkRight", "browInnerUp"),
}
TURNS = ("yaw °", "pitch °", "roll °")


def page(report: CheckReport, pictures: Sequence[FramePicture] = ()) -> str:
    """Return a check's report as one HTML page that runs no script and loads nothing.

    Parameters
    ----------
    report : CheckReport
        What the check found.
    pictures : sequence of FramePicture
        Pictures of single frames to embed as PNG.

    Returns
    -------
    str
        The page, well-formed as XML too.
    """
    marks = [Mark(span, line.verdict) for line in report.lines for span in line.spans]
    levels: Levels | None = report.drawing.get("levels")
    phones: PhoneTrack = report.drawing.get("phones") or PhoneTrack()
    panels = _panels(report.drawing.get("animation"))
    stretches = _stretches(report.seconds, marks)
    counted = [(report.count(verdict), WORDS[verdict]) for verdict in (FAIL, WARN, PASS, SKIPPED)]
    names = dict.fromkeys(line.group for line in report.lines)
    overview = draw_overview(report.seconds, levels, panels, _worst(marks, MOST_MARKS))
    return render_template(
        "check_report.html",
        report=report,
        groups=[(name, [line for line in report.lines if line.group == name]) for name in names],
        counts=", ".join(f"{count} {word}" for count, word in counted if count),
        words=WORDS,
        most_spans=MOST_SPANS,
        pictures=pictures,
        overview=Drawing(overview) if len(stretches) > 2 else None,
        whole=len(stretches) * ROW_S >= report.seconds - 1e-9,
        rows=[Drawing(draw_row(a, b, levels, phones, panels, marks)) for a, b in stretches],
        version=__version__,
    )


def _panels(animation: Animation | None) -> list[Panel]:
    """Mouth with the lips' gap, eyes and head, as far as the animation has them."""
    if animation is None or not len(animation):
        return []
    fps = float(animation.fps)
    panels = []
    for label, names in GROUPS.items():
        curves = [
            ChartCurve(n, animation.channel(n), fps, i)
            for i, n in enumerate(names)
            if n in animation.controls
        ]
        if label == "mouth" and curves:
            curves.append(ChartCurve("lip gap", _gap(animation), fps, 4))
        if curves:
            panels.append(Panel(label, tuple(curves), 0.0, 0.3))
    if animation.head is not None:
        turns = np.degrees(animation.head[:, :3])
        panels.append(
            Panel("head", tuple(ChartCurve(n, turns[:, i], fps, i) for i, n in enumerate(TURNS)), -3.0, 3.0)
        )
    return panels


def _gap(animation: Animation) -> np.ndarray:
    """The lips' gap as a part of the distance of the outer eye corners."""
    try:
        return lips.lip_head(load_rig(HEAD)).aperture_and_width(animation)[0]
    except NotApplicable:
        return np.zeros(len(animation))


def _worst(marks: Sequence[Mark], most: int) -> list[Mark]:
    return sorted(marks, key=lambda m: (m.verdict != FAIL, m.verdict != WARN))[:most]


def _stretches(seconds: float, marks: Sequence[Mark]) -> list[tuple[float, float]]:
    """Start and end of the rows to draw: all of a short clip, the most flagged of a long one."""
    count = max(1, int(np.ceil(seconds / ROW_S - 1e-9)))
    length = seconds / count
    rows = [(i * length, (i + 1) * length) for i in range(count)]
    if count <= MOST_ROWS:
        return rows
    weight = np.zeros(count)
    for span, verdict in marks:
        first, last = int(span.start / length), min(count - 1, int(span.end / length))
        weight[first : last + 1] += {FAIL: 10, WARN: 3}.get(verdict, 1)
    return [rows[i] for i in sorted(np.argsort(-weight, kind="stable")[:MOST_ROWS])]
