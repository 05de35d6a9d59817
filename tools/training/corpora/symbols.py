"""IPA and SAMPA symbols as the ARPAbet phones that look and sound nearest, from facegen/data/ipa_to_arpabet.csv."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import lru_cache
from importlib.resources import files

_STRESS_LENGTH_TONE = re.compile(r"[ˈˌːˑ'ˀ˥˦˧˨˩↗↘→̯͡ʲʰʷˠˤ‿|-]")


@lru_cache
def table() -> dict[str, tuple[str, ...]]:
    """Each symbol's phones."""
    text = (files("facegen") / "data" / "ipa_to_arpabet.csv").read_text(encoding="utf-8")
    return {
        unicodedata.normalize("NFD", row["symbol"]): tuple(row["arpabet"].split())
        for row in csv.DictReader(text.splitlines())
    }


@lru_cache(maxsize=4096)
def arpabet(symbol: str) -> tuple[str, ...]:
    """ARPAbet phones of one IPA or SAMPA symbol: ``tʃ`` ▸ CH, ``ts`` ▸ T S; SIL for a pause; () for what is unknown.

    Stress, length, tone and secondary articulation are ignored; a symbol of several letters that the table lacks is
    read from its longest known beginnings.
    """
    known = table()
    rest = unicodedata.normalize("NFD", symbol)
    if rest not in known:
        rest = _STRESS_LENGTH_TONE.sub("", rest)
    phones: list[str] = []
    while rest:
        for length in range(len(rest), 0, -1):
            if rest[:length] in known:
                phones += known[rest[:length]]
                break
        else:
            length = 1
        rest = rest[length:]
    return tuple(phones)


def arpabet_spans(spans) -> list[tuple[float, float, str]]:
    """Spans (start, end, symbol) as spans of phones, without silence.

    A symbol of two phones is split in the middle; one that is only a modifier (``ʰ``) lengthens the phone before it.
    """
    out: list[tuple[float, float, str]] = []
    for start, end, symbol in spans:
        phones = [p for p in arpabet(symbol) if p != "SIL"]
        if not arpabet(symbol) and out and abs(out[-1][1] - start) < 1e-3:
            out[-1] = (out[-1][0], end, out[-1][2])
        step = (end - start) / max(1, len(phones))
        out += [(start + i * step, start + (i + 1) * step, p) for i, p in enumerate(phones)]
    return out
