"""``.tsv``, ``.xml``, ``.rhubarb.json``, ``.dat``: a take's phones as mouth shapes A to H and X of Rhubarb Lip Sync."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from facegen.core.animation import Animation
from facegen.formats.head_mesh import audio_name
from facegen.formats.phone_spans import phone_spans
from facegen.motion.take import Take
from facegen.rig import Rig

REST = "X"
SHAPES = {
    "A": ("P", "B", "M"),
    "B": ("K", "G", "NG", "HH", "S", "Z", "SH", "ZH", "CH", "JH", "T", "D", "N", "TH", "DH", "R", "Y", "IY", "IH"),
    "C": ("EH", "EY", "AE", "AH"),
    "D": ("AA", "AY", "AW"),
    "E": ("AO", "ER", "OY"),
    "F": ("UW", "UH", "OW", "W"),
    "G": ("F", "V"),
    "H": ("L",),
}  # fmt: skip
"""The mouth that each phone is drawn with, by the descriptions in Rhubarb's manual: A closed, B clenched teeth, C open,
D wide open, E slightly rounded, F puckered, G teeth on the lip, H tongue raised behind the teeth."""
_SHAPE_OF = {phone: shape for shape, phones in SHAPES.items() for phone in phones}

DAT_FPS = 24
PRESTON_BLAIR = {
    "A": "MBP", "B": "etc", "C": "E", "D": "AI", "E": "O", "F": "U", "G": "FV", "H": "L", "X": "rest",
}  # fmt: skip
"""The names of the shapes in the series of Preston Blair, which OpenToonz and most Moho rigs know."""

Cue = tuple[int, int, str]


def mouth_cues(thing: Animation | Take) -> list[Cue]:
    """Start and end in hundredths of a second and the shape, end to end; no shape follows itself."""
    cues: list[Cue] = []
    for first, last, label in phone_spans(thing):
        start, end, shape = round(100 * first), round(100 * last), _SHAPE_OF.get(label, REST)
        if end <= start:
            continue
        if cues and cues[-1][2] == shape:
            start = cues.pop()[0]
        cues.append((start, end, shape))
    return cues or [(0, 1, REST)]


class RhubarbTsv:
    """A row for each change, ``seconds<TAB>shape``; the last row is the sound's end, at rest."""

    suffix = ".tsv"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        cues = mouth_cues(thing)
        rows = [(start, shape) for start, _, shape in cues]
        rows.append((cues[-1][1], REST))
        return {"": "".join(f"{_seconds(at)}\t{shape}\n" for at, shape in rows).encode()}


class RhubarbXml:
    """``rhubarbResult`` with ``metadata`` and ``mouthCues``."""

    suffix = ".xml"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        cues = mouth_cues(thing)
        rows = "".join(
            f'    <mouthCue start="{_seconds(start)}" end="{_seconds(end)}">{shape}</mouthCue>\n'
            for start, end, shape in cues
        )
        sound = escape(_printable(audio_name(thing, options)))
        text = (
            '<?xml version="1.0" encoding="utf-8"?>\n<rhubarbResult>\n  <metadata>\n'
            f"    <soundFile>{sound}</soundFile>\n    <duration>{_seconds(cues[-1][1])}</duration>\n"
            f"  </metadata>\n  <mouthCues>\n{rows}  </mouthCues>\n</rhubarbResult>\n"
        )
        return {"": text.encode()}


class RhubarbJson:
    """``{"metadata": {"soundFile", "duration"}, "mouthCues": [{"start", "end", "value"}]}``."""

    suffix = ".rhubarb.json"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        cues = mouth_cues(thing)
        rows = ",\n".join(
            f'    {{ "start": {_seconds(start)}, "end": {_seconds(end)}, "value": "{shape}" }}'
            for start, end, shape in cues
        )
        text = (
            '{\n  "metadata": {\n'
            f'    "soundFile": {json.dumps(audio_name(thing, options))},\n'
            f'    "duration": {_seconds(cues[-1][1])}\n  }},\n'
            f'  "mouthCues": [\n{rows}\n  ]\n}}\n'
        )
        return {"": text.encode()}


class RhubarbDat:
    """Switch data of Moho and OpenToonz: ``MohoSwitch1``, then a line ``frame shape`` for each change, frames counted
    from 1 at 24 a second, shapes by Preston Blair's names; the last line is the sound's end, at rest."""

    suffix = ".dat"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        cues = mouth_cues(thing)
        shapes: dict[int, str] = {}
        for start, _, shape in cues:
            shapes.setdefault(1 + start * DAT_FPS // 100, PRESTON_BLAIR[shape])
        end = 1 + cues[-1][1] * DAT_FPS // 100
        shapes[end + (end in shapes)] = PRESTON_BLAIR[REST]
        return {"": "".join(["MohoSwitch1\n", *(f"{at} {name}\n" for at, name in shapes.items())]).encode()}


def _seconds(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _printable(text: str) -> str:
    """``text`` without what XML 1.0 can't hold."""
    return "".join(
        c if c >= " " and c not in "\ufffe\uffff" and not 0xD800 <= ord(c) < 0xE000 else "?" for c in text
    )
