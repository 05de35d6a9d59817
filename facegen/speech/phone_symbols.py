"""Phone symbols as people write them (ARPAbet, TIMIT, IPA, SAMPA) to the labels of ``facegen.speech.phones``."""

from __future__ import annotations

import csv
import re
import unicodedata
from functools import lru_cache
from importlib import resources

from facegen.core.errors import AlignmentError
from facegen.speech.phones import ARPABET, SILENCE

SILENT = frozenset(
    "sil sp spn pau nsn h# # epi <eps> <sil> [sil] <p> <p:> <pau> <unk> [noise] silence - _ . oov ssil brth".split()
) | {""}
_TIMIT = {"AX": "AH", "AX-H": "AH", "IX": "IH", "AXR": "ER", "UX": "UW", "DX": "D", "NX": "N", "HV": "HH"}
_TIMIT |= {"EL": "AH L", "EM": "AH M", "EN": "AH N", "ENG": "NG", "Q": SILENCE}
_TIMIT |= {f"{stop}CL": stop for stop in ("B", "D", "G", "P", "T", "K")}
_LONGEST = 4  # symbols of one label
_MARKS = re.compile(
    "[\u02c8\u02cc\u02d0\u02d1:'\"\u02b0\u02b2\u02b7\u0361\u035c\u032f\u031a\u0325\u0320\u031f`|]"
)

_STRESS_LENGTH_TONE = re.compile(r"[ˈˌːˑ'ˀ˥˦˧˨˩↗↘→̯͡ʲʰʷˠˤ‿|-]")


def translate(labels: list[str]) -> list[tuple[str, ...]]:
    """The phones of each label. One notation is taken for all: ARPAbet if it explains no fewer labels than IPA.

    Raises AlignmentError for the first label that is no phone in it.
    """
    readings = [[read(label) for label in labels] for read in (_arpabet, _ipa)]
    best = max(readings, key=lambda found: sum(x is not None for x in found))
    for number, (label, phones) in enumerate(zip(labels, best, strict=True), 1):
        if phones is None:
            raise AlignmentError(
                f"row {number}: {label!r} is no phone that is known", remedy="use ARPAbet or IPA symbols"
            )
    return best  # type: ignore[return-value]


def is_phone(label: str) -> bool:
    """Whether ``label`` is a phone or a silence in any notation."""
    return _arpabet(label) is not None or _ipa(label) is not None


def _arpabet(label: str) -> tuple[str, ...] | None:
    if label.strip().lower() in SILENT:
        return (SILENCE,)
    plain = re.sub(r"(?<=.)_[BIES]$", "", label.strip(), flags=re.IGNORECASE).upper()
    plain = re.sub(r"(?<=[A-Z])[0-2]$", "", plain)
    if plain in ARPABET:
        return (plain,)
    return tuple(_TIMIT[plain].split()) if plain in _TIMIT else None


def _ipa(label: str) -> tuple[str, ...] | None:
    """The symbol itself, or, once marks of length and stress are off, the known symbols that make it up.

    A label of plain letters is one symbol or none: several would as well be a word.
    """
    if label.strip().lower() in SILENT:
        return (SILENCE,)
    plain = re.sub(r"(?<=.)_[BIES]$", "", label.strip())
    table = ipa_table()
    for form in (plain, _MARKS.sub("", plain)):
        if form in table:
            return table[form]
    rest = _MARKS.sub("", plain)
    phones: tuple[str, ...] = ()
    if plain.isascii() or len(rest) > _LONGEST:
        return None
    while rest:
        size = next((n for n in range(min(4, len(rest)), 0, -1) if rest[:n] in table), 0)
        if not size:
            return None
        phones, rest = (*phones, *table[rest[:size]]), rest[size:]
    return phones or None


@lru_cache
def ipa_table() -> dict[str, tuple[str, ...]]:
    """ARPAbet phones of each IPA or SAMPA symbol of ``data/ipa_to_arpabet.csv``."""
    text = (resources.files("facegen") / "data" / "ipa_to_arpabet.csv").read_text(encoding="utf-8")
    return {row["symbol"]: tuple(row["arpabet"].split()) for row in csv.DictReader(text.splitlines())}


@lru_cache(maxsize=4096)
def nearest_arpabet(symbol: str) -> tuple[str, ...]:
    """The ARPAbet phones that look and sound nearest to a symbol of any language.

    Unlike ``translate`` it skips what it does not know, as a corpus of transcribed speech needs.

    Parameters
    ----------
    symbol : str
        An IPA or SAMPA symbol. Stress, length, tone and secondary articulation are ignored; a symbol of several letters
        that the table lacks is read from its longest known beginnings.

    Returns
    -------
    tuple of str
        ``tʃ`` gives CH, ``ts`` gives T S, a pause SIL; () for what is unknown.
    """
    known = _decomposed_table()
    rest = unicodedata.normalize("NFD", symbol)
    if rest not in known:
        rest = _STRESS_LENGTH_TONE.sub("", rest)
    phones: list[str] = []
    while rest:
        size = next((n for n in range(len(rest), 0, -1) if rest[:n] in known), 0)
        phones += known.get(rest[:size], ())
        rest = rest[max(1, size) :]
    return tuple(phones)


@lru_cache
def _decomposed_table() -> dict[str, tuple[str, ...]]:
    """``ipa_table`` with letters and their diacritics apart, as corpora write them."""
    return {unicodedata.normalize("NFD", symbol): phones for symbol, phones in ipa_table().items()}
