"""The table of all metrics, and computing them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from facegen.core.errors import UsageError, nearest
from facegen.evaluation.metrics import audio_sync, eyes, lips, motion, vertices
from facegen.evaluation.metrics.inputs import Metric, MetricInputs, MetricResult, NotApplicable

MEASURES: tuple[Metric, ...] = (*lips.ROWS, *vertices.ROWS, *eyes.ROWS, *motion.ROWS, *audio_sync.ROWS)
GROUPS = ("lips", "face", "upper face", "eyes", "head", "smoothness")


def metric_results(inputs: MetricInputs, names: Sequence[str] | None = None) -> tuple[MetricResult, ...]:
    """Compute every metric whose needs ``inputs`` meets.

    Parameters
    ----------
    inputs : MetricInputs
        The animation and what it is compared with.
    names : sequence of str, optional
        Only these metrics.

    Returns
    -------
    tuple of MetricResult
        In the order of the table.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    known = [row.name for row in MEASURES]
    for name in names or ():
        if name not in known:
            raise UsageError(f"no measure is called {name!r}", remedy=nearest(name, known))
    rows = [row for row in MEASURES if names is None or row.name in names]
    return tuple(_compute(row, inputs) for row in rows if inputs.has(row.needs))


def _compute(row: Metric, inputs: MetricInputs) -> MetricResult:
    try:
        value = row.run(inputs)
    except NotApplicable as reason:
        return MetricResult(row, None, str(reason))
    if value is None or not math.isfinite(value):
        return MetricResult(row, None, "the result is no finite number")
    return MetricResult(row, float(value))


def evaluate_metrics(inputs: MetricInputs, names: Sequence[str] | None = None) -> dict[str, float | None]:
    """Compute the metrics as ``metric_results`` does and return values by name, None where there is no value."""
    return {found.measure.name: found.value for found in metric_results(inputs, names)}
