"""The table of measures, and taking them of some evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from facegen.core.errors import UsageError, nearest
from facegen.evaluation.metrics import audio_sync as voice
from facegen.evaluation.metrics import eyes, lips, motion, vertices
from facegen.evaluation.metrics.inputs import Measure, MetricInputs, MetricResult, NotApplicable

MEASURES: tuple[Measure, ...] = (*lips.ROWS, *vertices.ROWS, *eyes.ROWS, *motion.ROWS, *voice.ROWS)
GROUPS = ("lips", "face", "upper face", "eyes", "head", "smoothness")


def metric_results(evidence: MetricInputs, names: Sequence[str] | None = None) -> tuple[MetricResult, ...]:
    """One finding for each measure (of those in ``names``) whose needs are met. Raises UsageError for an unknown name."""
    known = [row.name for row in MEASURES]
    for name in names or ():
        if name not in known:
            raise UsageError(f"no measure is called {name!r}", remedy=nearest(name, known))
    rows = [row for row in MEASURES if names is None or row.name in names]
    return tuple(_take(row, evidence) for row in rows if evidence.has(row.needs))


def _take(row: Measure, evidence: MetricInputs) -> MetricResult:
    try:
        value = row.run(evidence)
    except NotApplicable as reason:
        return MetricResult(row, None, str(reason))
    if value is None or not math.isfinite(value):
        return MetricResult(row, None, "the result is no finite number")
    return MetricResult(row, float(value))


def evaluate_metrics(evidence: MetricInputs, names: Sequence[str] | None = None) -> dict[str, float | None]:
    """Values by name of the measures whose needs ``evidence`` meets; None where there is no answer."""
    return {found.measure.name: found.value for found in metric_results(evidence, names)}
