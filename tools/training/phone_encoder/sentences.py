"""Sentences to synthesise: English from a pronunciation dictionary and templates, other languages from word lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np

_GRID = (
    ("bin", "lay", "place", "set"), ("blue", "green", "red", "white"), ("at", "by", "in", "with"),
    tuple("abcdefghijklmnopqrstuvxyz"),
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ("again", "now", "please", "soon"),
)  # fmt: skip
_GLUE = "the a of and to in is was that it for on with as his they be at one have this from or had by but some".split()
_LABIAL = ("p", "b", "m", "f", "v", "w")
_PINYIN = (
    "b p m f d t n l g k h j q x zh ch sh r z c s".split(),
    "a o e ai ei ao ou an en ang eng i ia ie iao iu ian in iang ing u uo ui uan un ong".split(),
)
_KANA = [chr(code) for code in range(ord("あ"), ord("ん") + 1) if chr(code) not in "っゃゅょゎゐゑ"]
_HINDI = (
    list("कखगघचछजझटठडढतथदधनपफबभमयरलवशसह"),
    ["", "", "ा", "ा", "ि", "ी", "ु", "ू", "े", "ै", "ो", "ौ", "ं", "ां", "ीं", "ें", "ों", "्र"],
)
_HANGUL = "가", 21, 28  # the first syllable, vowels of a consonant, and closings of an open syllable
_HANGUL_CLOSINGS = (0, 0, 0, 1, 4, 8, 16, 17, 21)  # none, k, n, l, m, p, ng
_ARABIC = (list("بتثجحخدذرزسشصضطظعغفقكلمنهوي"), ["َ", "ِ", "ُ", "َا", "ِي", "ُو"], list("بتدرسفقكلمن"))
_RUSSIAN = (list("бвгджзклмнпрстфхцчшщ"), list("аеёиоуыэюя"), list("вйклмнрстх"))
WORD_LISTS = {"de": "ngerman", "fr": "french", "es": "spanish", "it": "italian", "pt": "portuguese", "nl": "dutch",
              "pl": "polish"}  # fmt: skip


def english(rng: np.random.Generator, words: list[str], prompts: list[str]) -> str:
    """A prompt, a GRID sentence, or words of the dictionary (lips-first ones often) among small words."""
    kind = rng.random()
    if kind < 0.2:
        return " ".join(rng.choice(slot) for slot in _GRID)
    if kind < 0.4:
        return str(rng.choice(prompts)).lower()
    picked: list[str] = []
    for _ in range(rng.integers(3, 9)):
        word = str(words[rng.integers(len(words))])
        if rng.random() < 0.4:
            while not word.startswith(_LABIAL):
                word = str(words[rng.integers(len(words))])
        if rng.random() < 0.4:
            picked.append(str(rng.choice(_GLUE)))
        picked.append(word)
    return " ".join(picked) + ("?" if rng.random() < 0.2 else ".")


def other(rng: np.random.Generator, language: str, words: list[str]) -> str:
    """Words of a language in no order, or syllables of it where no list is at hand."""
    count = rng.integers(3, 8)
    if language == "cmn-latn-pinyin":
        first, second = _PINYIN
        return " ".join(
            f"{rng.choice(first)}{rng.choice(second)}{rng.integers(1, 5)}" for _ in range(2 * count)
        )
    if language == "ja":
        return "、".join("".join(rng.choice(_KANA, rng.integers(2, 6))) for _ in range(count))
    if language == "hi":
        return " ".join(
            "".join(rng.choice(_HINDI[0]) + rng.choice(_HINDI[1]) for _ in range(rng.integers(1, 4)))
            for _ in range(count)
        )
    if language == "ko":
        return " ".join("".join(_hangul(rng) for _ in range(rng.integers(1, 5))) for _ in range(count))
    if language in ("ar", "ru"):
        parts = {"ar": _ARABIC, "ru": _RUSSIAN}[language]
        return " ".join(_closed(rng, *parts) for _ in range(count))
    picked = [str(words[rng.integers(len(words))]) for _ in range(count)]
    if rng.random() < 0.3:
        picked.append(str(rng.integers(1, 10_000)))
    return " ".join(picked)


def _hangul(rng: np.random.Generator) -> str:
    """One syllable; closings that are common only."""
    first, vowels, closings = _HANGUL
    place = (rng.integers(19) * vowels + rng.integers(vowels)) * closings + rng.choice(_HANGUL_CLOSINGS)
    return chr(ord(first) + int(place))


def _closed(rng: np.random.Generator, onsets: list[str], vowels: list[str], codas: list[str]) -> str:
    """A word of one to four syllables, with or without a last consonant."""
    open_ = "".join(rng.choice(onsets) + rng.choice(vowels) for _ in range(rng.integers(1, 5)))
    return open_ + (str(rng.choice(codas)) if rng.random() < 0.6 else "")


def read_words(path: Path, longest: int = 11) -> list[str]:
    """The plain lower-case words of a list, one a line."""
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8", errors="ignore").splitlines()
    words = [w for w in lines if w.isalpha() and w.islower() and 2 <= len(w) <= longest]
    return words[:: max(1, len(words) // 60_000)]
