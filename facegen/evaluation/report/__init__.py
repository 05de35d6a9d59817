"""Reports on takes: what is measured of a sound and its animation together, as tables and as a page."""

from facegen.evaluation.report.check_report import CheckReport, CheckResult
from facegen.evaluation.report.run_checks import check

__all__ = ["CheckReport", "CheckResult", "check"]
