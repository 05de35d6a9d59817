"""``.blender.py`` and ``.maya.py``: Python for those programs that keys the shapes of a mesh by name.

The programs' own parts are templates in ``facegen/data/scripts``; here they are given the curves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from facegen.animation import Animation
from facegen.rig import Rig

PLACE = "@CURVES@"


def script(program: str, animation: Animation) -> bytes:
    """The template of ``program`` with the curves in it: JSON with ``fps`` [numerator, denominator], ``frames`` and
    ``curves`` (name: a value a frame, or the one value of a curve that stays still)."""
    template = (files("facegen") / "data" / "scripts" / f"{program}.py.txt").read_text(encoding="utf-8")
    curves = ",\n".join(
        f"{json.dumps(name)}: [{_numbers(curve)}]"
        for name, curve in zip(animation.controls, (animation.values + 0.0).T, strict=True)
    )
    rate = f"[{animation.fps.numerator}, {animation.fps.denominator}]"
    data = f'{{"fps": {rate}, "frames": {len(animation)}, "curves": {{\n{curves}\n}}}}'
    quoted = data.replace("'", "\\u0027")  # within a raw text between three single quotes
    return template.replace(PLACE, quoted).encode()


def _numbers(curve: Any) -> str:
    if curve.min() == curve.max():
        return f"{curve[0]:.7g}"
    return ",".join([f"{value:.7g}" for value in curve.tolist()])


class BlenderScript:
    """Keys shape keys of the selected meshes, or of all, and names the controls that none has."""

    suffix = ".blender.py"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        return {"": script("blender", animation)}


class MayaScript:
    """Keys weights of the selected blend shape nodes, or of all, and names the controls that none has."""

    suffix = ".maya.py"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        return {"": script("maya", animation)}
