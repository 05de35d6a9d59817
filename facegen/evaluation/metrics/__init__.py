"""Measures of facial animation: pure functions of curves, vertices and phones, one row of a table each."""

from facegen.evaluation.metrics.inputs import Evidence, Finding, Measure, Unmeasured
from facegen.evaluation.metrics.table import GROUPS, MEASURES, findings, measure

__all__ = [
    "GROUPS",
    "MEASURES",
    "Evidence",
    "Finding",
    "Measure",
    "Unmeasured",
    "findings",
    "measure",
]
