"""Measures of facial animation: pure functions of curves, vertices and phones, one row of a table each."""

from facegen.measures.evidence import Evidence, Finding, Measure, Unmeasured
from facegen.measures.table import GROUPS, MEASURES, findings, measure

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
