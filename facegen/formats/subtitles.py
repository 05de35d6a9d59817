"""``.srt`` and ``.vtt``: the phones of a take as subtitles, one cue a phone, to check the timing in any player."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facegen.core.animation import Animation
from facegen.formats.phone_spans import phone_spans
from facegen.motion.take import Take
from facegen.rig import Rig


class Srt:
    """SubRip: numbered cues, times to the millisecond after a comma."""

    suffix = ".srt"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        cues = [
            f"{number}\n{_clock(first, ',')} --> {_clock(last, ',')}\n{label}\n"
            for number, (first, last, label) in enumerate(_cues(thing), 1)
        ]
        return {"": "\n".join(cues).encode()}


class Vtt:
    """WebVTT: the same with a point, for ``<track>`` of an HTML video."""

    suffix = ".vtt"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        cues = [
            f"{_clock(first, '.')} --> {_clock(last, '.')}\n{label}\n" for first, last, label in _cues(thing)
        ]
        return {"": "\n".join(["WEBVTT\n", *cues]).encode()}


def _cues(thing: Animation | Take) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds and the label of each phone that lasts one or more."""
    rows = [(round(1000 * a), round(1000 * b), label) for a, b, label in phone_spans(thing)]
    return [row for row in rows if row[2] and row[0] < row[1]]


def _clock(milliseconds: int, point: str) -> str:
    seconds, part = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{part:03d}"
