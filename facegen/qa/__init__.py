"""Reports on takes: what is measured of a sound and its animation together, as tables and as a page."""

from facegen.qa.card import Card, Line
from facegen.qa.checking import check

__all__ = ["Card", "Line", "check"]
