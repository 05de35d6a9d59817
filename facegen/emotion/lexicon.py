"""The named emotions: ``facegen/data/emotions.csv``, and who is near whom in it."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

import numpy as np

CATEGORIES = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "contempt")
KINDS = ("basic", "fine", "compound", "state")
"""Basic emotions (Ekman), fine ones (the set of EmoNet-Face, Schuhmann et al. 2025), compound ones (Du, Tao and
Martinez 2014), and states of the body, which no point of emotion
space stands for."""


@dataclass(frozen=True)
class NamedEmotion:
    """A row: valence, arousal and dominance in -1..1, weights of CATEGORIES, action units as (side, unit,
    strength) with side both, left or right, and the seconds in which it comes and goes."""

    name: str
    kind: str
    synonyms: Mapping[str, float]
    vad: tuple[float, float, float]
    categories: Mapping[str, float]
    units: tuple[tuple[str, str, float], ...]
    onset: float
    offset: float
    source: str


@lru_cache(maxsize=1)
def named_emotions() -> Mapping[str, NamedEmotion]:
    """The rows by name, CATEGORIES first."""
    text = (resources.files("facegen") / "data" / "emotions.csv").read_text(encoding="utf-8")
    return MappingProxyType({row["name"]: _named(row) for row in csv.DictReader(text.splitlines())})


def _named(row: Mapping[str, str]) -> NamedEmotion:
    synonyms = (text.partition("*") for text in row["synonyms"].split(";") if text)
    return NamedEmotion(
        row["name"],
        row["kind"],
        MappingProxyType({name: float(weight or 1) for name, _, weight in synonyms}),
        (float(row["valence"]), float(row["arousal"]), float(row["dominance"])),
        MappingProxyType(dict(_pair(text) for text in row["categories"].split())),
        tuple(_unit(text) for text in row["units"].split()),
        float(row["onset_s"]),
        float(row["offset_s"]),
        f"{row['vad_source']}; {row['units_source']}",
    )


def _pair(text: str) -> tuple[str, float]:
    name, _, amount = text.partition(":")
    return name, float(amount)


def _unit(text: str) -> tuple[str, str, float]:
    """FACS notation: ``12:0.5``, ``R12:0.5`` on the right side only."""
    name, amount = _pair(text)
    side = {"L": "left", "R": "right"}.get(name[0], "both")
    return side, name.lstrip("LR"), amount


@lru_cache(maxsize=1)
def emotion_name_words() -> Mapping[str, tuple[str, float]]:
    """Each name and synonym, hyphens as spaces: the emotion it names and how strong it is beside that."""
    words = {}
    for row in named_emotions().values():
        words.update({spaced(text): (row.name, weight) for text, weight in row.synonyms.items()})
    return MappingProxyType({**words, **{spaced(name): (name, 1.0) for name in named_emotions()}})


def spaced(text: str) -> str:
    """``text`` in small letters with single spaces for hyphens, underscores and white space."""
    return " ".join(text.lower().replace("-", " ").replace("_", " ").split())


def word_forms(word: str) -> Iterable[str]:
    """``word`` and what it may be the adverb or noun of: sadly, angrily, calmness."""
    yield word
    for ending, stems in (
        ("ily", ("y",)),
        ("ally", ("", "al")),
        ("ly", ("", "le")),
        ("iness", ("y",)),
        ("ness", ("",)),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            for stem in stems:
                yield word[: -len(ending)] + stem


def resolve_name(text: str) -> tuple[str, float] | None:
    """The emotion that a name, synonym or a form of one stands for and its strength beside it, or None."""
    words = emotion_name_words()
    return next((words[form] for form in word_forms(spaced(text)) if form in words), None)


@lru_cache(maxsize=1)
def vad_table() -> np.ndarray:
    """Valence, arousal and dominance [N, 3] of each named emotion, read-only."""
    table = np.array([row.vad for row in named_emotions().values()])
    table.flags.writeable = False
    return table


@lru_cache(maxsize=1)
def category_table() -> np.ndarray:
    """Weights [N, 8] of CATEGORIES in each named emotion; rows sum to 1, neutral is the rest. Read-only."""
    rows = [[row.categories.get(name, 0.0) for name in CATEGORIES] for row in named_emotions().values()]
    table = np.array(rows)
    table[:, 0] = 1.0 - table.sum(axis=1)
    table.flags.writeable = False
    return table


def nearest_emotions(valence: float, arousal: float, dominance: float, count: int = 3) -> list[str]:
    """The names nearest to a point, nearest first."""
    away = np.linalg.norm(vad_table() - [valence, arousal, dominance], axis=1)
    names = list(named_emotions())
    return [names[i] for i in np.argsort(away, kind="stable")[:count]]
