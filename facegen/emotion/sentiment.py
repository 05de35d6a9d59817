"""The emotion in what a text says: a lexicon with words of degree and negation, for transcripts in English."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from facegen.emotion.curves import EmotionCurve, plain_summary
from facegen.emotion.lexicon import (
    CATEGORIES,
    category_table,
    emotion_name_words,
    named_emotions,
    vad_table,
)
from facegen.emotion.model import Emotion
from facegen.emotion.prompts import emotion_words

LONGEST = 4  # words of a phrase
NAMED = 0.7  # weight of a word that names an emotion, beside the lexicon's
NEGATION_REACH = 3  # words after a "not" that it turns
NEGATED = -0.5
EMPHASIS = 1.25  # of a sentence that ends with !
EVIDENCE = 0.8  # weight of words at which a text counts half
TEXT_SHARE = 0.4  # at most, beside a voice that is not sure: the voice leads

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


@dataclass(frozen=True)
class TextReading:
    """What a text says: ``emotion``, ``confidence`` in 0..1, and the words that told it, with the emotion of each."""

    emotion: Emotion
    confidence: float
    words: tuple[tuple[str, str], ...]

    def summary(self) -> dict[str, Any]:
        """As ``EmotionTrack.summary``."""
        return plain_summary(self.emotion.vad, self.emotion.distribution(), self.confidence)


def read_sentiment(text: str) -> TextReading:
    """The emotion that the words of ``text`` tell; neutral with confidence 0 where they tell none."""
    names = list(named_emotions())
    totals, against, words = np.zeros(len(names)), np.zeros(3), []
    for sentence in re.findall(r"[^.!?…\n]+[.!?…]*", text):
        strength = EMPHASIS if "!" in sentence else 1.0
        for phrase, name, weight in _told(sentence):
            words.append((phrase, name if weight > 0 else f"not {name}"))
            if weight > 0:
                totals[names.index(name)] += strength * weight
            else:
                against += weight * np.array(named_emotions()[name].vad)
    total = float(totals.sum())
    evidence = total + float(np.linalg.norm(against))
    if evidence == 0:
        return TextReading(Emotion(), 0.0, ())
    confidence = evidence / (evidence + EVIDENCE)
    shares = totals / max(total, 1e-9) * min(1.0, total)
    vad = np.clip(shares @ vad_table() + against, -1, 1)
    row = shares @ category_table()
    weights = dict(zip(CATEGORIES[1:], row[1:].tolist(), strict=True))
    if total == 0:
        opposite = Emotion.from_vad(*vad.tolist())
        return TextReading(opposite, confidence, tuple(words))
    valence, arousal, dominance = vad.tolist()
    return TextReading(Emotion(valence, arousal, dominance, weights), confidence, tuple(words))


def with_text(heard: EmotionCurve, reading: TextReading) -> EmotionCurve:
    """The voice with what the text says: the less sure the voice, the more the text counts, but the voice leads."""
    share = TEXT_SHARE * reading.confidence * (1 - heard.confidence) * (heard.confidence > 0.02)
    vad = heard.vad + share[:, None] * (np.array(reading.emotion.vad) - heard.vad)
    said = reading.emotion.distribution()
    categories = heard.categories + share[:, None] * (said - heard.categories)
    confidence = np.maximum(heard.confidence, share)
    return EmotionCurve(vad, categories, confidence, heard.sounds)


def disagreement(voice: dict[str, Any], text: dict[str, Any]) -> float:
    """How far two summaries are apart, 0..1: half the total difference of their probabilities times both confidences."""
    away = sum(abs(voice["categories"][name] - text["categories"][name]) for name in CATEGORIES) / 2
    return float(away * min(1.0, 2 * voice["confidence"]) * text["confidence"])


def _told(sentence: str) -> Iterator[tuple[str, str, float]]:
    """(phrase, emotion, signed weight) of each word or phrase that tells an emotion."""
    words = [match.group().lower().replace("’", "'") for match in _WORD.finditer(sentence)]
    degree, turned, at = 1.0, 0, 0
    while at < len(words):
        for count in range(min(LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + count])
            found = _meaning(phrase)
            if found is not None:
                break
        else:
            degree, turned, at = 1.0, max(0, turned - 1), at + 1
            continue
        at += count
        kind, name, value = found
        if kind == "degree":
            degree *= value
        elif kind == "not":
            turned = NEGATION_REACH
        else:
            yield phrase, name, value * degree * (NEGATED if turned else 1.0)
            degree, turned = 1.0, 0


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, tuple[str, float]]:
    text = (resources.files("facegen") / "data" / "sentiment_words.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {word: (r["emotion"], float(r["weight"])) for r in rows for word in r["words"].split(";")}


def _meaning(phrase: str) -> tuple[str, str, float] | None:
    if phrase in _lexicon():
        name, weight = _lexicon()[phrase]
        return "emotion", name, weight
    kind, value = emotion_words().get(phrase, ("", 0.0))
    if kind in ("degree", "not"):
        return kind, "", value
    if kind:
        return None
    named = emotion_name_words().get(phrase)
    if named is None or named[0] == "neutral":
        return None
    return "emotion", named[0], NAMED * named[1]
