"""Style: how a person speaks and moves, apart from what is said and felt."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources

import numpy as np

from facegen.core.errors import ConfigError, UsageError, nearest
from facegen.core.files import read_json

_LIMIT_BYTES = 1 << 16
STYLE_FADE_S = 0.6

RANGES = {
    "articulation": (-1.0, 1.0),
    "emotion": (0.0, 2.0),
    "upper_face": (0.0, 3.0),
    "head": (0.0, 3.0),
    "tempo": (0.25, 3.0),
    "blink": (0.0, 4.0),
    "gaze": (0.0, 3.0),
    "lids": (0.0, 0.6),
    "bow": (-20.0, 20.0),
}


@dataclass(frozen=True)
class Style:
    """``articulation`` from −1, mumbled, over 0, usual, to 1, hyper-articulated (Lindblom 1990); ``speaker`` whose
    mouth to take after, of those that a learned decoder knows, or none.

    Factors of the usual, 1: ``emotion`` how much of what is felt shows, ``upper_face`` brows and cheeks, ``head`` size
    and ``tempo`` speed of its motion, ``blink`` rate, ``gaze`` size and rate of its shifts. ``lids`` in 0..0.6 by which
    they droop, ``bow`` degrees by which the head hangs (negative: is held high). Raises UsageError for other values."""

    articulation: float = 0.0
    speaker: str = ""
    note: str = ""
    emotion: float = 1.0
    upper_face: float = 1.0
    head: float = 1.0
    tempo: float = 1.0
    blink: float = 1.0
    gaze: float = 1.0
    lids: float = 0.0
    bow: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if not number or not low <= value <= high:
                what = f"{name} {value!r} is not in {low:g}..{high:g}"
                raise UsageError(what, remedy=f"use a number in {low:g}..{high:g}")
        if not isinstance(self.speaker, str):
            raise UsageError(f"the speaker {self.speaker!r} is no name", remedy="see facegen styles")

    @property
    def strength(self) -> float:
        """By how much the style opens the mouth wider than usual."""
        return float(1.6**self.articulation)

    def speaks_as(self, other: Style) -> bool:
        """Whether lips move alike in both."""
        return (self.articulation, self.speaker) == (other.articulation, other.speaker)


def style_share(start: float, end: float, times: np.ndarray) -> np.ndarray:
    """How far a style from ``start`` to ``end`` s holds at ``times`` [T] s, 0 to 1, as it fades in and out."""
    fade = min(STYLE_FADE_S, end - start)
    part = np.clip(np.minimum(times - start, end - times) / fade + 0.5, 0, 1)
    return part * part * (3 - 2 * part)


@lru_cache(maxsize=1)
def styles() -> dict[str, Style]:
    """The styles that ship, by name."""
    text = (resources.files("facegen") / "data" / "styles.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        r["style"]: Style(speaker=r["speaker"], note=r["note"], **{n: float(r[n]) for n in RANGES})
        for r in rows
    }


def load_style(name: str) -> Style:
    """The style called ``name``, or the one in the JSON file ``name``: {"articulation": 0.5, "head": 1.4}.

    Raises UsageError for an unknown name and ConfigError for a file that holds no style.
    """
    if name in styles():
        return styles()[name]
    if not name.endswith(".json"):
        raise UsageError(f"no style is called {name!r}", remedy=nearest(name, list(styles())))
    data = read_json(name, limit=_LIMIT_BYTES, error=ConfigError)
    known = [field.name for field in fields(Style)]
    if not isinstance(data, dict):
        raise ConfigError("is no style", path=name, remedy='write e.g. {"articulation": 0.5, "head": 1.4}')
    for key in data:
        if key not in known:
            raise ConfigError(f"a style has no {key!r}", path=name, remedy=nearest(key, known))
    try:
        return Style(**data)
    except UsageError as error:
        raise ConfigError(error.reason, path=name, remedy=error.remedy) from error
