"""Stage directions in a transcript: ``[whispering] …``, ``[angry] …``, ``*laughs*``, ``(sighs)``.

What stands in square brackets is an emotion, a manner or a style from there to the next such tag; a sound between
asterisks or parentheses lasts a moment. None of them is said: they are no words to align.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from facegen.core.errors import UsageError, nearest, printable
from facegen.emotion import Emotion, EmotionSpan, parse_emotion
from facegen.emotion.lexicon import emotion_name_words
from facegen.emotion.style import styles
from facegen.speech.lexicon import pronounce

_TAG = re.compile(r"\[([^\[\]\n]{0,200})\]|\*([^*\n]{1,80})\*|\(([^()\n]{1,80})\)")
LEAST_S = 0.25
AFTER_WORD_S = 0.05


@dataclass(frozen=True)
class Direction:
    """A direction before word ``word``: a ``kind`` (emotion, manner, sound or reset), an ``emotion`` or None, the name
    of a ``style`` or "", and the ``seconds`` that a sound takes and its name among SOUNDS or ""."""

    word: int
    kind: str
    emotion: Emotion | None
    style: str
    seconds: float
    sound: str = ""


def strip_directions(text: str) -> str:
    """``text`` without its directions. Raises UsageError for what stands in square brackets and is none."""
    return "".join(piece for piece in _pieces(text) if isinstance(piece, str))


def read_directions(text: str) -> tuple[Direction, ...]:
    """The directions of ``text`` in order. Raises UsageError, with the nearest name, for unknown ones."""
    found, words = [], 0
    for piece in _pieces(text):
        if isinstance(piece, str):
            words += len(pronounce(piece))
        elif piece.kind != "ignore":
            found.append(replace(piece, word=words))
    return tuple(found)


Words = Sequence[tuple[float, float]]


def direction_spans(tags: Sequence[Direction], words: Words, seconds: float) -> tuple[EmotionSpan, ...]:
    """The directions over time, given start and end s of each word and how long the sound is: a manner leaves what is
    felt as it is, a moment's sound lies over what else holds."""
    held: list[EmotionSpan] = []
    lasting = [tag for tag in tags if tag.kind != "sound"]
    edges = [*(_before(words, tag.word, seconds) for tag in lasting), seconds]
    for tag, start, end in zip(lasting, edges, edges[1:], strict=False):
        if tag.kind != "reset" and end - start >= LEAST_S:
            emotion = tag.emotion or Emotion()
            held.append(EmotionSpan(start, end, emotion, style=tag.style, leaves=tag.emotion is None))
    felt = [(a, b, tag.emotion) for a, b, tag in moments(tags, words, seconds)]
    brief = [EmotionSpan(a, b, emotion) for a, b, emotion in felt if emotion and emotion.intensity]
    return tuple(sorted([*brief, *outside(held, brief)], key=lambda span: span.start))


def moments(tags: Sequence[Direction], words: Words, seconds: float) -> list[tuple[float, float, Direction]]:
    """Start and end s of each sound, right after the word before it."""
    found: list[tuple[float, float, Direction]] = []
    for tag in tags:
        if tag.kind == "sound":
            start = words[tag.word - 1][1] + AFTER_WORD_S if 0 < tag.word <= len(words) else 0.0
            start = max(start, found[-1][1] if found else 0.0)
            end = min(seconds, start + tag.seconds)
            if end - start >= LEAST_S:
                found.append((start, end, tag))
    return found


def outside(spans: Sequence[EmotionSpan], taken: Sequence[EmotionSpan]) -> list[EmotionSpan]:
    """``spans`` cut to where none of ``taken`` is."""
    kept = []
    for span in spans:
        free = [(span.start, span.end)]
        for other in taken:
            edges = ((a, min(b, other.start), max(a, other.end), b) for a, b in free)
            free = [part for a, b, c, d in edges for part in ((a, b), (c, d)) if part[1] - part[0] >= LEAST_S]
        kept += [replace(span, start=a, end=b) for a, b in free]
    return kept


def _before(words: Words, word: int, seconds: float) -> float:
    """Just before word number ``word``: half of the pause before it."""
    if word == 0 or not words:
        return 0.0
    if word >= len(words):
        return seconds
    return max(words[word - 1][1], words[word][0] - 0.3)


def _pieces(text: str) -> Iterator[str | Direction]:
    """Plain text and directions, in order; asterisks and parentheses about anything else are text."""
    end = 0
    for match in _TAG.finditer(text):
        bracketed, *others = match.groups()
        tag = _meaning(bracketed) if bracketed is not None else _known(next(o for o in others if o))
        if tag is None:
            continue
        yield text[end : match.start()] + " "
        yield tag
        end = match.end()
    yield text[end:]


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Direction]:
    text = (resources.files("facegen") / "data" / "stage_directions.csv").read_text(encoding="utf-8")
    found = {}
    for row in csv.DictReader(text.splitlines()):
        emotion = parse_emotion(row["emotion"]) if row["emotion"] else None
        tag = Direction(0, row["kind"], emotion, row["style"], float(row["seconds"] or 0), row["sound"])
        found.update(dict.fromkeys(row["words"].split(";"), tag))
    return MappingProxyType(found)


def _known(text: str) -> Direction | None:
    return _table().get(" ".join(text.lower().split()).strip(".!… "))


def _meaning(text: str) -> Direction:
    """What a direction in square brackets asks for."""
    found = _known(text)
    if found is not None:
        return found
    if text.strip().lower() in styles():
        return Direction(0, "manner", None, text.strip().lower(), 0.0)
    try:
        return Direction(0, "emotion", parse_emotion(text), "", 0.0)
    except UsageError as error:
        known = [*emotion_name_words(), *_table(), *styles()]
        remedy = nearest(" ".join(text.lower().split())[:60], known) if text.strip() else error.remedy
        shown = printable(text)[:60]
        raise UsageError(f"[{shown}] is no direction: {error.reason}", remedy=remedy) from error
