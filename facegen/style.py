"""Style: how a person speaks, apart from what is said and felt."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from facegen.errors import ConfigError, UsageError, nearest
from facegen.files import read_text

_LIMIT_BYTES = 1 << 16


@dataclass(frozen=True)
class Style:
    """``articulation`` from −1, mumbled, over 0, usual, to 1, hyper-articulated (Lindblom 1990); ``speaker`` whose
    mouth to take after, of those that a learned decoder knows, or none. Raises UsageError for other values."""

    articulation: float = 0.0
    speaker: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.articulation, (int, float)) or not -1 <= self.articulation <= 1:
            raise UsageError(f"articulation {self.articulation!r} is not in -1..1", remedy="use e.g. 0.5")
        if not isinstance(self.speaker, str):
            raise UsageError(f"the speaker {self.speaker!r} is no name", remedy="see facegen styles")

    @property
    def strength(self) -> float:
        """By how much the style opens the mouth wider than usual."""
        return float(1.6**self.articulation)


@lru_cache(maxsize=1)
def styles() -> dict[str, Style]:
    """The styles that ship, by name."""
    text = (resources.files("facegen") / "data" / "styles.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {r["style"]: Style(float(r["articulation"]), r["speaker"], r["note"]) for r in rows}


def load_style(name: str) -> Style:
    """The style called ``name``, or the one in the JSON file ``name``: {"articulation": 0.5, "speaker": "s1"}.

    Raises UsageError for an unknown name and ConfigError for a file that holds no style.
    """
    if name in styles():
        return styles()[name]
    if not name.endswith(".json"):
        raise UsageError(f"no style is called {name!r}", remedy=nearest(name, list(styles())))
    try:
        data = json.loads(read_text(Path(name), limit=_LIMIT_BYTES, error=ConfigError))
    except ValueError as error:
        raise ConfigError(f"is no JSON ({error})", path=name, remedy="mend the file") from error
    if not isinstance(data, dict) or not set(data) <= {"articulation", "speaker", "note"}:
        raise ConfigError(
            "is no style", path=name, remedy='write e.g. {"articulation": 0.5, "speaker": "s1"}'
        )
    try:
        return Style(**data)
    except UsageError as error:
        raise ConfigError(error.reason, path=name, remedy=error.remedy) from error
