"""Praat TextGrid files, long or short form, as tiers of labelled intervals."""

from __future__ import annotations

import re

from facegen.core.errors import AlignmentError

_TOKEN = re.compile(
    r'"((?:[^"]|"")*)"'  # a text, its quotes doubled
    r"|(?<!\S)([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[-+]?nan|[-+]?inf)(?!\S)"  # a number that stands alone
    r"|(<exists>|<absent>)"
    r"|![^\n]*",  # a comment
    re.IGNORECASE,
)
_REMEDY = "export it from Praat as a text file again"


class _Tokens:
    """Texts, numbers and flags in turn; all other words only help the reader's eye."""

    def __init__(self, text: str) -> None:
        self._tokens = (m for m in _TOKEN.finditer(text) if m.lastindex is not None)

    def _next(self, group: int, what: str) -> str:
        match = next(self._tokens, None)
        if match is None:
            raise AlignmentError(f"ends where {what} is expected", remedy=_REMEDY)
        if match.lastindex != group:
            raise AlignmentError(f"has {match.group()[:40]!r} where {what} is expected", remedy=_REMEDY)
        return match.group(group)

    def text(self, what: str) -> str:
        return self._next(1, what).replace('""', '"')

    def number(self, what: str) -> float:
        return float(self._next(2, what))

    def count(self, what: str) -> int:
        value = self.number(what)
        if not (0 <= value < 1e8 and value == int(value)):
            raise AlignmentError(f"has {value:g} as {what}", remedy=_REMEDY)
        return int(value)

    def flag(self) -> bool:
        return self._next(3, "<exists>").lower() == "<exists>"


def textgrid_tiers(text: str) -> list[tuple[str, list[tuple[float, float, str]]]]:
    """Names and rows (start s, end s, label) of the interval tiers; point tiers are read over.

    Raises AlignmentError for what does not follow the grammar.
    """
    tokens = _Tokens(text)
    kind = tokens.text("the file type")
    if not kind.lower().startswith("ootextfile") or tokens.text("the object class") != "TextGrid":
        raise AlignmentError("is not a TextGrid in text form", remedy="in Praat: Save as text file")
    tokens.number("the start")
    tokens.number("the end")
    if not tokens.flag():
        return []
    tiers = []
    for _ in range(tokens.count("the number of tiers")):
        form, name = tokens.text("a tier's class"), tokens.text("a tier's name")
        tokens.number("a tier's start")
        tokens.number("a tier's end")
        count = tokens.count("the number of intervals")
        if form == "IntervalTier":
            tiers.append((name, [_interval(tokens) for _ in range(count)]))
        elif form == "TextTier":
            for _ in range(count):
                tokens.number("a point's time")
                tokens.text("a point's mark")
        else:
            raise AlignmentError(f"has a tier of class {form[:40]!r}", remedy=_REMEDY)
    return tiers


def _interval(tokens: _Tokens) -> tuple[float, float, str]:
    start, end = tokens.number("an interval's start"), tokens.number("an interval's end")
    return start, end, tokens.text("an interval's label").strip()
