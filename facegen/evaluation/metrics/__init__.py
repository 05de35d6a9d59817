"""Measures of facial animation: pure functions of curves, vertices and phones, one row of a table each."""

from facegen.evaluation.metrics.inputs import Measure, MetricInputs, MetricResult, NotApplicable
from facegen.evaluation.metrics.table import GROUPS, MEASURES, evaluate_metrics, metric_results

__all__ = [
    "GROUPS",
    "MEASURES",
    "MetricInputs",
    "MetricResult",
    "Measure",
    "NotApplicable",
    "metric_results",
    "evaluate_metrics",
]
