"""``CheckReport``: what a check finds, one ``CheckResult`` per figure with its range, verdict and faulty spans."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from facegen.evaluation.metrics.spans import FaultSpan
from facegen.evaluation.report.thresholds import FAIL, PASS, SKIPPED, VERDICTS, Range


@dataclass(frozen=True)
class CheckResult:
    """One figure of a report.

    Attributes
    ----------
    name, group, label : str
        Its name in JSON, its group, and its label for people.
    value : float or None
        The figure in ``range.unit``; None where it was not measured.
    range : Range
        Where it should lie.
    verdict : str
        PASS, WARN, FAIL, or SKIPPED where there is no value.
    spans : tuple of FaultSpan
        Times in seconds at which it is out of range.
    reason : str
        Why there is no value.
    """

    name: str
    group: str
    label: str
    value: float | None
    range: Range
    verdict: str
    spans: tuple[FaultSpan, ...] = ()
    reason: str = ""

    @property
    def formatted(self) -> str:
        """Value and unit as people read them."""
        if self.value is None:
            return "–"
        unit = "" if self.range.unit == "1" else f" {self.range.unit}"
        return f"{_short(self.value):.10g}{unit}"

    def plain(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "name": self.name,
            "group": self.group,
            "value": None if self.value is None else _short(self.value),
            "unit": self.range.unit,
            "range": [self.range.low, self.range.high],
            "tolerated": [self.range.warn_low, self.range.warn_high],
            "verdict": self.verdict,
            "spans": [[round(s.start, 3), round(s.end, 3), s.text] for s in self.spans],
            "reason": self.reason,
        }


@dataclass(frozen=True)
class CheckReport:
    """The results of one check, in the order of the tables of checks.

    Attributes
    ----------
    name : str
        Name of what was checked.
    sound : str or None
        Name of the sound that it was checked against.
    seconds : float
        Length, s.
    lines : tuple of CheckResult
        The results.
    notes : tuple of str
        Warnings about reading the sound.
    drawing : Mapping
        What the page draws beside the table: ``animation``, ``phones`` and ``levels``.
    """

    name: str
    sound: str | None
    seconds: float
    lines: tuple[CheckResult, ...]
    notes: tuple[str, ...] = ()
    drawing: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def verdict(self) -> str:
        """The worst verdict of any figure that was measured."""
        return max(
            (line.verdict for line in self.lines if line.verdict != SKIPPED), key=VERDICTS.index, default=PASS
        )

    @property
    def failed(self) -> bool:
        return self.verdict == FAIL

    def line(self, name: str) -> CheckResult:
        """Return the result called ``name``; KeyError where there is none."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(name)

    def count(self, verdict: str) -> int:
        return sum(line.verdict == verdict for line in self.lines)


def _short(value: float) -> float:
    """``value`` to four significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    return float(round(value, max(0, 3 - math.floor(math.log10(abs(value))))))
