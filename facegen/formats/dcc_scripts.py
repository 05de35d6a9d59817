"""``.blender.py`` and ``.maya.py``: Python for those programs that keys the shapes of a mesh by name.

The programs' own parts are templates in ``facegen/data/scripts``; here they are given the curves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.keyframe_reduction import reduce_keys
from facegen.rig import Rig

PLACE = "@CURVES@"


def script(program: str, animation: Animation, keys: Mapping[str, str] | None = None) -> bytes:
    """The template of ``program`` with the curves in it: JSON with ``fps`` [numerator, denominator], ``frames`` and
    ``curves`` (name: a value a frame, or the one value of a curve that stays still; or ``keys``, ready as JSON)."""
    template = (files("facegen") / "data" / "scripts" / f"{program}.py.txt").read_text(encoding="utf-8")
    if keys is None:
        columns = zip(animation.controls, (animation.values + 0.0).T, strict=True)
        keys = {name: f"[{_numbers(curve)}]" for name, curve in columns}
    curves = ",\n".join(f"{json.dumps(name)}: {text}" for name, text in keys.items())
    rate = f"[{animation.fps.numerator}, {animation.fps.denominator}]"
    data = f'{{"fps": {rate}, "frames": {len(animation)}, "curves": {{\n{curves}\n}}}}'
    quoted = data.replace("'", "\\u0027")  # within a raw text between three single quotes
    return template.replace(PLACE, quoted).encode()


def _numbers(curve: Any) -> str:
    if curve.min() == curve.max():
        return f"{curve[0]:.7g}"
    return _joined(curve.tolist())


def _joined(values: list[float]) -> str:
    return ",".join([f"{value:.7g}" for value in values])


class BlenderScript:
    """Keys shape keys of the selected meshes, or of all, and names the controls that none has. With ``reduce_keys`` the keys
    are few, with Bézier handles."""

    suffix = ".blender.py"
    reduces = True

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        if not options.get("reduce"):
            return {"": script("blender", animation)}
        found = reduce_keys(replace(animation, head=None), float(options["reduce"])).controls
        curves = {}
        for name, keys in found.items():
            rows = np.column_stack([keys.frames, keys.values, *keys.handles()])
            curves[name] = f"[{','.join(f'[{_joined(row)}]' for row in rows.tolist())}]"
        return {"": script("blender", animation, curves)}


class MayaScript:
    """Keys weights of the selected blend shape nodes, or of all, and names the controls that none has."""

    suffix = ".maya.py"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        return {"": script("maya", animation)}
