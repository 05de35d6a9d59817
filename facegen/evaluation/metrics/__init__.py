"""Metrics of facial animation: pure functions of curves, vertices and phones, one row (``Metric``) of a table each."""

from facegen.evaluation.metrics.inputs import Metric, MetricInputs, MetricResult, NotApplicable
from facegen.evaluation.metrics.table import GROUPS, MEASURES, evaluate_metrics, metric_results

__all__ = [
    "GROUPS",
    "MEASURES",
    "MetricInputs",
    "MetricResult",
    "Metric",
    "NotApplicable",
    "metric_results",
    "evaluate_metrics",
]
