"""Letters to sounds: the pronunciation of a word that no dictionary holds, from the letters around each letter."""

from __future__ import annotations

from collections.abc import Mapping

ORDER = (0, 1, -1, 2, -2, 3, -3, 4, -4)
"""Where the letters of a context stand, from the most to the least telling."""
CONTEXT = len(ORDER)
_EDGE = "#"


def context_key(word: str, at: int) -> str:
    """The letters around letter ``at`` in ``ORDER``."""
    return "".join(word[i] if 0 <= (i := at + offset) < len(word) else _EDGE for offset in ORDER)


def spell(word: str, rules: Mapping[str, str]) -> str:
    """The phones of ``word``: each letter says what the longest context in ``rules`` that fits it says."""
    return "".join(_said(context_key(word, at), rules) for at in range(len(word)))


def _said(key: str, rules: Mapping[str, str]) -> str:
    for depth in range(CONTEXT, 0, -1):
        if key[:depth] in rules:
            return rules[key[:depth]]
    return ""
