"""Spans of IPA and SAMPA symbols, as corpora hold them, as spans of ARPAbet phones."""

from __future__ import annotations

from facegen.speech.phone_symbols import nearest_arpabet


def arpabet_spans(spans) -> list[tuple[float, float, str]]:
    """Spans (start, end, symbol) as spans of phones, without silence.

    A symbol of two phones is split in the middle; one that is only a modifier (``ʰ``) lengthens the phone before it.
    """
    out: list[tuple[float, float, str]] = []
    for start, end, symbol in spans:
        phones = [p for p in nearest_arpabet(symbol) if p != "SIL"]
        if not nearest_arpabet(symbol) and out and abs(out[-1][1] - start) < 1e-3:
            out[-1] = (out[-1][0], end, out[-1][2])
        step = (end - start) / max(1, len(phones))
        out += [(start + i * step, start + (i + 1) * step, p) for i, p in enumerate(phones)]
    return out
