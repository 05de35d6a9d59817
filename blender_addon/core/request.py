"""What is asked of facegen: command lines, the character's shapes and bones, emotions from markers."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from .trouble import Trouble

MARK = "emotion:"


def scene_rate(fps: int, base: float) -> Fraction:
    """The exact rate of a scene: 30 / 1.001 is 30000/1001."""
    return fps / Fraction(base).limit_denominator(2000)


def choices() -> dict[str, Any]:
    """What ``tools/build_addon.py`` wrote down of facegen: version, defaults, emotions, styles, passes, presets."""
    path = os.path.join(os.path.dirname(__file__), "choices.json")
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def option_rows() -> list[dict[str, str]]:
    """The table of what the panel and the operators ask for."""
    with open(os.path.join(os.path.dirname(__file__), "options.csv"), encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def animate_flags(options: Mapping[str, Any], defaults: Mapping[str, Any]) -> list[str]:
    """The flags of ``facegen animate`` for those ``options`` that are not facegen's own."""
    flags: list[str] = []
    for name, value in options.items():
        if name in defaults and value not in (None, "") and value != defaults[name]:
            shown = ",".join(value) if isinstance(value, (list, tuple)) else str(value)
            flags += [f"--{name.replace('_', '-')}", shown]
    return flags


def mixed(emotion: str, other: str, share: float) -> str:
    """The emotion with so much of another; what is heard gives way to it."""
    first = "" if emotion in ("auto", "") else f"{emotion}+"
    return f"{first}{other}:{round(share, 3):g}" if other else emotion


def marker_timeline(markers: Iterable[tuple[str, float]], end: float) -> str:
    """CSV spans from (name, seconds) markers that are called ``emotion: happy:0.6``; each lasts to the next."""
    found = sorted((at, name[len(MARK) :].strip()) for name, at in markers if name.lower().startswith(MARK))
    if not found:
        raise Trouble(
            "no marker is named emotion:…", "name one such as emotion: happy:0.6, or turn markers off"
        )
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(("start", "end", "emotion"))
    for (start, name), (stop, _) in zip(found, [*found[1:], (end, "")], strict=True):
        if stop > max(start, 0.0):
            table.writerow((f"{max(start, 0.0):.6f}", f"{stop:.6f}", name))
    return out.getvalue()


def write_request(path: str, targets: Sequence[Mapping[str, Any]]) -> None:
    """Write the targets where facegen will read them."""
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"targets": list(targets)}, file)


def neutral(controls: Sequence[str]) -> str:
    """A still face of one frame, as facegen's JSON."""
    rows = {"version": 1, "fps": "30", "controls": list(controls), "values": [[0.0] * len(controls)]}
    return json.dumps({**rows, "head": None})
