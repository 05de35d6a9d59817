"""A card as one page that needs nothing beside it: the table of figures and the drawing, no script, no network."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np

from facegen import __version__
from facegen.core.animation import Animation
from facegen.evaluation.metrics import NotApplicable, lips
from facegen.evaluation.report.audio_levels import Levels
from facegen.evaluation.report.check_report import CheckReport, CheckResult
from facegen.evaluation.report.inputs import HEAD
from facegen.evaluation.report.svg_chart import ChartCurve, Mark, Panel, clock, draw_overview, draw_row, safe
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
STYLE = """
:root{color-scheme:light dark;--bg:#fff;--ink:#1d2329;--soft:#5b6670;--line:#d5dae0;--wave:#8fa3b5;--fail:#b3261e;
--warn:#8a5a00;--pass:#1f6f43;--phone:#e8ecf0;--contact:#f6cfc9;--c0:#c0392b;--c1:#2c5d8f;--c2:#7d3c98;--c3:#16806a;--c4:#a05a00}
@media screen and (prefers-color-scheme:dark){:root{--bg:#15181c;--ink:#e6e9ec;--soft:#9aa5b0;--line:#343b43;--wave:#5c7187;
--fail:#ff8a80;--warn:#ffc15c;--pass:#7ddba0;--phone:#262c33;--contact:#5a2e2a;--c0:#ff8577;--c1:#7db8f0;--c2:#d39be8;
--c3:#5fd3b8;--c4:#f0ad5a}}
body{font:15px/1.45 system-ui,sans-serif;background:var(--bg);color:var(--ink);
max-width:1080px;margin:1.5em auto;padding:0 1em}
h1{font-size:1.35em;overflow-wrap:anywhere;margin:0 0 .2em}h2{font-size:1.05em;margin:1.6em 0 .4em}
p{margin:.3em 0}.soft,small{color:var(--soft)}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.28em 1.1em .28em 0;
border-bottom:1px solid var(--line)}td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.where{overflow-wrap:anywhere;font-size:.88em}th{font-weight:600;color:var(--soft);font-size:.88em}
th:nth-child(2){text-align:right}th[colspan]{padding-top:.9em}
td.fail,b.fail{color:var(--fail);font-weight:700}td.warn,b.warn{color:var(--warn);font-weight:600}td.pass,b.pass{color:var(--pass)}
td.skipped{color:var(--soft)}
svg{display:block;width:100%;height:auto;margin:.5em 0 1.1em;font:11px system-ui,sans-serif}
text{fill:var(--ink)}.small{font-size:10px}.tiny{font-size:9px;fill:var(--soft)}
.wave{fill:var(--wave)}.frame{fill:none;stroke:var(--line)}.curve{fill:none;stroke-width:1.4;stroke-linejoin:round}
.c0{stroke:var(--c0)}.c1{stroke:var(--c1)}.c2{stroke:var(--c2)}.c3{stroke:var(--c3)}.c4{stroke:var(--c4)}
.t0{fill:var(--c0)}.t1{fill:var(--c1)}.t2{fill:var(--c2)}.t3{fill:var(--c3)}.t4{fill:var(--c4)}
.phone{fill:var(--phone);stroke:var(--bg)}.contact{fill:var(--contact)}
.mark{fill-opacity:.13}rect.fail{fill:var(--fail)}rect.warn{fill:var(--warn)}rect.pass{fill:var(--soft)}
text.fail{fill:var(--fail)}text.warn{fill:var(--warn)}text.pass{fill:var(--soft)}
figure{display:inline-block;margin:0 .8em .8em 0;width:240px;vertical-align:top}figure img{width:100%;display:block}
figcaption{font-size:.85em}
@media print{body{max-width:none;margin:0;font-size:11px}figure{width:150px}svg,figure,tr{break-inside:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
"""


def page(card: CheckReport, pictures: Sequence[FramePicture] = ()) -> str:
    """The HTML of a card, with ``pictures`` of single frames where there are some."""
    marks = [Mark(span, line.verdict) for line in card.lines for span in line.spans]
    levels: Levels | None = card.drawing.get("levels")
    phones: PhoneTrack = card.drawing.get("phones") or PhoneTrack()
    panels = _panels(card.drawing.get("animation"))
    body = [_head(card), *_table(card)]
    if pictures:
        body += ["<h2>Worst places</h2>", "<div>", *map(_figure, pictures), "</div>"]
    stretches = _stretches(card.seconds, marks)
    if len(stretches) > 2:
        body += [
            "<h2>Whole length</h2>",
            draw_overview(card.seconds, levels, panels, _worst(marks, MOST_MARKS)),
        ]
    whole = len(stretches) * ROW_S >= card.seconds - 1e-9
    body.append(f"<h2>{'Over time' if whole else 'Stretches with the most flagged'}</h2>")
    body += [draw_row(a, b, levels, phones, panels, marks) for a, b in stretches]
    title = safe(f"Check of {card.name}")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8"/>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'; img-src data:\"/>\n"
        f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _head(card: CheckReport) -> str:
    held = f" against {safe(card.sound)}" if card.sound and card.sound != card.name else ""
    counts = ", ".join(f"{card.count(v)} {WORDS[v]}" for v in (FAIL, WARN, PASS, SKIPPED) if card.count(v))
    notes = "".join(f"<p>Note: {safe(note)}.</p>" for note in card.notes)
    return (
        f"<header><h1>{safe(card.name)}{held}</h1>"
        f'<p><b class="{card.verdict}">{WORDS[card.verdict]}</b> '
        f'<span class="soft">{counts} · {clock(card.seconds)} long · facegen {__version__}</span></p>{notes}</header>'
    )


def _table(card: CheckReport) -> list[str]:
    heads = ("what", "value", "should be", "verdict", "where")
    rows = [
        "<h2>Figures</h2>",
        "<table>",
        "<thead><tr>" + "".join(f"<th>{h}</th>" for h in heads) + "</tr></thead>",
    ]
    for group in dict.fromkeys(line.group for line in card.lines):
        rows.append(f'<tbody>\n<tr><th colspan="5">{safe(group)}</th></tr>')
        rows += [_table_row(line) for line in card.lines if line.group == group]
        rows.append("</tbody>")
    return [*rows, "</table>"]


def _table_row(line: CheckResult) -> str:
    where = safe(line.reason)
    if line.value is not None:
        shown = [f"{clock(s.start)} – {clock(s.end)}: {safe(s.text)}" for s in line.spans[:MOST_SPANS]]
        more = len(line.spans) - MOST_SPANS
        where = "<br/>".join([*shown, *([f"and {more} more"] if more > 0 else [])])
    return (
        f'<tr><td title="{safe(line.range.source)}">{safe(line.label)}</td><td class="n">{safe(line.shown)}</td>'
        f'<td>{safe(str(line.range))}</td><td class="{line.verdict}">{WORDS[line.verdict]}</td>'
        f'<td class="where">{where}</td></tr>'
    )


def _figure(picture: FramePicture) -> str:
    data = base64.b64encode(picture.png).decode("ascii")
    caption = f"{clock(picture.at)}: {picture.text}"
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{safe(caption)}"/>'
        f"<figcaption>{safe(caption)}</figcaption></figure>"
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
