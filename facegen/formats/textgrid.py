"""``.TextGrid``: the phones of a take as one tier of intervals, in Praat's long text form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facegen.core.animation import Animation
from facegen.formats.phone_spans import phone_spans
from facegen.motion.take import Take
from facegen.rig import Rig


class TextGrid:
    """One interval tier ``phones`` of ARPAbet labels, end to end; silence is an interval without text. The file
    can be given back as ``--alignment``."""

    suffix = ".TextGrid"
    needs_layers = True

    def files(self, thing: Animation | Take, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        spans = phone_spans(thing)
        end = spans[-1][1]
        lines = [
            'File type = "ooTextFile"',
            'Object class = "TextGrid"',
            "",
            "xmin = 0",
            f"xmax = {end!r}",
            "tiers? <exists>",
            "size = 1",
            "item []:",
            "    item [1]:",
            '        class = "IntervalTier"',
            '        name = "phones"',
            "        xmin = 0",
            f"        xmax = {end!r}",
            f"        intervals: size = {len(spans)}",
        ]
        for number, (first, last, label) in enumerate(spans, 1):
            lines += [
                f"        intervals [{number}]:",
                f"            xmin = {first!r}",
                f"            xmax = {last!r}",
                f'            text = "{label}"',
            ]
        return {"": ("\n".join(lines) + "\n").encode()}
