"""The table of measures, and taking them of some evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from facegen.core.errors import UsageError, nearest
from facegen.evaluation.metrics import audio_sync as voice
from facegen.evaluation.metrics import eyes, lips, motion, vertices
from facegen.evaluation.metrics.inputs import Evidence, Finding, Measure, Unmeasured

MEASURES: tuple[Measure, ...] = (*lips.ROWS, *vertices.ROWS, *eyes.ROWS, *motion.ROWS, *voice.ROWS)
GROUPS = ("lips", "face", "upper face", "eyes", "head", "smoothness")


def findings(evidence: Evidence, names: Sequence[str] | None = None) -> tuple[Finding, ...]:
    """One finding for each measure (of those in ``names``) whose needs are met. Raises UsageError for an unknown name."""
    known = [row.name for row in MEASURES]
    for name in names or ():
        if name not in known:
            raise UsageError(f"no measure is called {name!r}", remedy=nearest(name, known))
    rows = [row for row in MEASURES if names is None or row.name in names]
    return tuple(_take(row, evidence) for row in rows if evidence.has(row.needs))


def _take(row: Measure, evidence: Evidence) -> Finding:
    try:
        value = row.run(evidence)
    except Unmeasured as reason:
        return Finding(row, None, str(reason))
    if value is None or not math.isfinite(value):
        return Finding(row, None, "the result is no finite number")
    return Finding(row, float(value))


def measure(evidence: Evidence, names: Sequence[str] | None = None) -> dict[str, float | None]:
    """Values by name of the measures whose needs ``evidence`` meets; None where there is no answer."""
    return {found.measure.name: found.value for found in findings(evidence, names)}
