"""Checks of an animation and its sound: ``check`` computes a ``CheckReport``, ``html_page`` shows it."""

from facegen.evaluation.report.check_report import CheckReport, CheckResult
from facegen.evaluation.report.run_checks import check

__all__ = ["CheckReport", "CheckResult", "check"]
