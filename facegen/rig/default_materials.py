"""Default materials of parts that come without: by words in their names, from ``data/default_materials.csv``."""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.resources import files
from typing import Any

SKIN = {"color": [0.60, 0.34, 0.25], "roughness": 0.5, "specular": 0.04, "subsurface": 0.4, "opacity": 1.0}


def table(name: str) -> list[dict[str, str]]:
    """The rows of a CSV file of the package's data."""
    text = (files("facegen") / "data" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def _looks() -> dict[str, dict[str, Any]]:
    looks = {}
    for row in table("default_materials.csv"):
        color = [float(row[c]) for c in ("red", "green", "blue")]
        rest = {k: float(row[k]) for k in ("roughness", "specular", "subsurface", "opacity")}
        looks[row["word"]] = {"color": color, **rest}
    return looks


def look_of(*names: str) -> dict[str, Any]:
    """Material (linear colour, roughness, specular, subsurface and opacity) of the first of ``names`` with a known word;
    that of skin where none has one."""
    for name in names:
        word = next((w for w in _looks() if w in name.lower()), None)
        if word:
            return dict(_looks()[word])
    return dict(SKIN)
