"""Asking for an emotion: names with weights, points, and plain words such as "quietly amused, a bit nervous"."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from facegen.core.errors import UsageError, nearest, printable
from facegen.emotion.lexicon import emotion_name_words, resolve_name, spaced, word_forms
from facegen.emotion.model import Emotion

MOST_CHARACTERS = 10_000
PLAIN = 0.75  # strength of an emotion in a sentence, so that "very" has room above it
NOT = -0.35  # "not angry" is a little of the opposite
BEFORE_BUT = 0.6  # the clause after "but" weighs more
HIDDEN = 0.5  # strength that is left of an emotion that is held back
PRESSED = 0.5  # how much of restraint then shows
LONGEST = 4  # words of a phrase of the lexicon

_TERM = re.compile(r"^(-?)\s*([^\W\d_][^:]*?)\s*(?::\s*(.*))?$", re.DOTALL)
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[,;.!?…]|(\S)")


def parse_emotion(text: str) -> Emotion:
    """The emotion that ``happy``, ``happy:0.6``, ``happy:0.5+surprised:0.3``, ``-angry``, ``vad:0.4,0.7,0.1``
    or plain words stand for: names and synonyms of the table with words of degree, "not", "but" and
    "holding it back". A name alone is at full strength. Raises UsageError with the nearest valid name."""
    plain = text.strip().lower().replace("’", "'")
    if not plain or len(plain) > MOST_CHARACTERS:
        raise UsageError(
            f"the emotion is {'empty' if not plain else 'too long'}", remedy="use for example happy:0.6"
        )
    if plain.startswith("vad:"):
        return Emotion.from_vad(*_numbers(plain[4:], text))
    if re.search(r"[:+]|^-", plain):
        return Emotion.from_weights(_terms(plain, text))
    return Emotion.from_weights(_sentence(plain))


def _terms(plain: str, whole: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in re.split(r"(?<![0-9.][eE])\+", plain):
        match = _TERM.match(part.strip())
        if match is None:
            raise UsageError(
                f"{printable(whole)!r} is not an emotion",
                remedy=f"use for example happy:0.6 or vad:0.4,0.7,0.1; {_nearest(part)}",
            )
        sign, asked, amount = match.groups()
        found = resolve_name(asked)
        if found is None:
            raise UsageError(f"no emotion is called {asked!r}", remedy=_nearest(asked))
        weight, name = _weight(amount, whole), found[0]
        if name in weights:
            raise UsageError(f"{name} occurs twice in {whole!r}", remedy="name each emotion once")
        weights[name] = -weight if sign else weight
    return weights


def _weight(text: str | None, whole: str) -> float:
    if text is None:
        return 1.0
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise UsageError(f"the weight {text} in {whole!r} is not in 0..1", remedy="use a number in 0..1")
    return value


def _numbers(text: str, whole: str) -> tuple[float, float, float]:
    try:
        a, b, c = (float(x) for x in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{whole!r} does not hold three numbers", remedy="use for example vad:0.4,0.7,0.1"
        ) from error
    return a, b, c


def _nearest(word: str, *others: str) -> str:
    return nearest(spaced(word), (*emotion_name_words(), *others))


@lru_cache(maxsize=1)
def emotion_words() -> Mapping[str, tuple[str, float]]:
    """Words that are no emotion: what they do (degree, not, but, hide, join) and by how much."""
    text = (resources.files("facegen") / "data" / "emotion_words.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType(
        {word: (r["kind"], float(r["value"] or 0)) for r in rows for word in r["words"].split(";")}
    )


@dataclass
class _Clause:
    """What stands between one "but" and the next."""

    terms: list[tuple[str, float]] = field(default_factory=list)
    hidden: bool = False


def _sentence(plain: str) -> dict[str, float]:
    """Signed weights of the emotions that plain words name."""
    clauses, degree, negated, bare = [_Clause()], 1.0, False, True
    for kind, name, value in _read(plain):
        if kind == "emotion":
            clauses[-1].terms.append((name, PLAIN * value * degree * (NOT if negated else 1)))
            degree, negated = 1.0, False
            continue
        bare = bare and kind == "join"
        if kind == "degree":
            degree *= value
        elif kind == "not":
            negated = not negated
        elif kind == "hide":
            clauses[-1].hidden = True
        elif kind == "but":
            clauses.append(_Clause())
    terms = _joined(clauses)
    if not terms:
        raise UsageError(f"{plain!r} names no emotion", remedy="use for example a little sad but hopeful")
    if bare and len(terms) == 1:
        return {terms[0][0]: 1.0}
    weights: dict[str, float] = {}
    for name, weight in terms:
        weights[name] = weights.get(name, 0.0) + weight
    return weights


def _joined(clauses: list[_Clause]) -> list[tuple[str, float]]:
    terms: list[tuple[str, float]] = []
    for clause in clauses:
        own = clause.terms
        if own:
            terms = [(name, BEFORE_BUT * weight) for name, weight in terms]
        if clause.hidden:  # "but holding it back" is about what came before
            hidden = [(name, HIDDEN * weight) for name, weight in own or terms]
            terms = [*(terms if own else []), *hidden, ("restraint", PRESSED)]
        else:
            terms = [*terms, *own]
    return terms


def _read(plain: str) -> list[tuple[str, str, float]]:
    """(kind, name, value) of each phrase, the longest known one first."""
    found = []
    for sentence in re.split(r"[,;.!?…]+", plain):
        words = _words(sentence)
        at = 0
        while at < len(words):
            count, row = _phrase(words, at)
            found.append(row)
            at += count
        found.append(("join", "", 0.0))
    return found


def _words(sentence: str) -> list[str]:
    words = []
    for match in _TOKEN.finditer(sentence.replace("-", " ").replace("_", " ")):
        if match.group(1):
            raise UsageError(
                f"{printable(match.group(1))!r} has no place in an emotion",
                remedy="use for example happy:0.6, vad:0.4,0.7,0.1 or plain words",
            )
        words.append(match.group())
    return words


def _phrase(words: list[str], at: int) -> tuple[int, tuple[str, str, float]]:
    for count in range(min(LONGEST, len(words) - at), 0, -1):
        text = " ".join(words[at : at + count])
        if text in emotion_words():
            kind, value = emotion_words()[text]
            return count, (kind, "", value)
        found = resolve_name(text)
        if found is not None:
            return count, ("emotion", *found)
        form = next((f for f in word_forms(text) if f in emotion_words()), None)
        if form is not None:
            kind, value = emotion_words()[form]
            return count, (kind, "", value)
    others = (
        [text for text, (kind, _) in emotion_words().items() if kind == "degree"] if len(words) > 1 else []
    )
    raise UsageError(f"no emotion is called {words[at]!r}", remedy=_nearest(words[at], *others))
