"""The range that each figure of the card should lie in: one table, with the source of each row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from facegen.core.errors import FacegenError

TABLE = Path(__file__).resolve().parents[2] / "data" / "check_thresholds.csv"
SKIPPED, PASS, WARN, FAIL = "skipped", "pass", "warn", "fail"
VERDICTS = (SKIPPED, PASS, WARN, FAIL)
"""From none to worst."""


@dataclass(frozen=True)
class Range:
    """``low``..``high`` passes, ``warn_low``..``warn_high`` is still tolerated, what lies beyond fails.

    None is no bound. ``source`` says where the figures come from.
    """

    low: float | None
    high: float | None
    warn_low: float | None
    warn_high: float | None
    unit: str
    source: str

    def verdict(self, value: float) -> str:
        if _inside(value, self.low, self.high):
            return PASS
        return WARN if _inside(value, self.warn_low, self.warn_high) else FAIL

    def __str__(self) -> str:
        """The range that passes, for people: ``-45..45``, ``at most 5``, ``at least 90``."""
        if self.low is None and self.high is None:
            return "any"
        if self.low is None:
            return f"at most {self.high:g}"
        if self.high is None:
            return f"at least {self.low:g}"
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g}..{self.high:g}"


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


@lru_cache(maxsize=1)
def ranges() -> dict[str, Range]:
    """All rows of the table by the name of their figure."""
    table = {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            low, high, warn_low, warn_high = (
                float(row[c]) if row[c] else None for c in ("low", "high", "warn_low", "warn_high")
            )
            table[row["measure"]] = Range(low, high, warn_low, warn_high, row["unit"], row["source"])
    for name, found in table.items():
        ends = (found.warn_low, found.low, found.high, found.warn_high)
        known = [end for end in ends if end is not None]
        if known != sorted(known):
            raise FacegenError(f"{TABLE.name}: the bounds of {name} are out of order")
    return table
