"""English words to phones: a dictionary, rules for what it lacks, and numbers as words."""

from __future__ import annotations

import lzma
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources

from facegen.speech.g2p import spell

_TOKEN = re.compile(
    r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?(?![a-z])|\d+|'?[a-z]+(?:'[a-z]+)*'?|[%&$£€+@]", re.IGNORECASE
)
_SIGNS = {"%": "percent", "&": "and", "$": "dollars", "£": "pounds", "€": "euros", "+": "plus", "@": "at"}
_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_TENS = "_ ten twenty thirty forty fifty sixty seventy eighty ninety".split()
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}
_VOICELESS, _SIBILANT = ("P", "T", "K", "F", "TH"), ("S", "Z", "SH", "ZH", "CH", "JH")


def pronounce(text: str) -> list[tuple[str, ...]]:
    """The phones of each word of ``text``; punctuation and other scripts say nothing."""
    said = (pronunciations(word)[0] for word in spoken_words(text))
    return [phones for phones in said if phones]


def spoken_words(text: str) -> Iterator[str]:
    """Lower-case words as they are said: numbers and signs in letters, accents taken off."""
    plain = unicodedata.normalize("NFKD", text.replace("\u2019", "'").replace("\u2018", "'"))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    for token in _TOKEN.findall(plain):
        if token[0].isdigit():
            yield from _number(token.lower().replace(",", ""))
        elif token in _SIGNS:
            yield _SIGNS[token]
        elif token.isupper() and 1 < len(token) <= 5 and token.lower() not in _lexicon():
            yield from token.lower()  # an abbreviation that is spelled out
        else:
            yield token.lower()


@lru_cache(maxsize=50_000)
def pronunciations(word: str) -> tuple[tuple[str, ...], ...]:
    """The ways to say a lower-case word, the usual first."""
    lexicon, codes = _lexicon(), _codes("lexicon_en")
    for form in (word, word.strip("'"), word.replace("'", "")):
        if form in lexicon:
            return tuple(tuple(codes[c] for c in said) for said in lexicon[form].split())
    stem = word.strip("'")
    if stem.endswith("'s"):
        return tuple((*said, *_plural(said)) for said in pronunciations(stem[:-2]) if said)
    codes = _codes("letters_en")
    letters = stem.replace("'", "")
    if len(letters) <= 5 and not re.search("[aeiouy]", letters):
        spelled = [pronunciations(letter)[0] for letter in letters if letter in lexicon]
        return (tuple(phone for said in spelled for phone in said),)
    return (tuple(codes[c] for c in spell(letters, _rules())),)


def _plural(said: tuple[str, ...]) -> tuple[str, ...]:
    if said[-1] in _SIBILANT:
        return ("AH", "Z")
    return ("S",) if said[-1] in _VOICELESS else ("Z",)


def _number(token: str) -> list[str]:
    digits = re.match(r"[\d.]*\d", token).group()  # type: ignore[union-attr]
    whole, _, part = digits.partition(".")
    words = _cardinal(whole)
    if part:
        words += ["point", *(_ONES[int(d)] for d in part)]
    if digits != token:  # 1st, 22nd ...
        last = words[-1]
        words[-1] = _ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
        words[-1] = words[-1].replace("tth", "th")
    return words


def _cardinal(digits: str) -> list[str]:
    """A whole number: 0 to 9999 as one says it (1984 as a year), longer ones digit by digit."""
    if len(digits) > 4 or (len(digits) > 1 and digits[0] == "0"):
        return [_ONES[int(d)] for d in digits]
    value = int(digits)
    if value < 20:
        return [_ONES[value]]
    if value < 100:
        return [_TENS[value // 10], *([_ONES[value % 10]] if value % 10 else [])]
    if 1100 <= value < 2000 and value % 100:
        rest = _cardinal(str(value % 100))
        return _cardinal(str(value // 100)) + (["oh", *rest] if value % 100 < 10 else rest)
    size, name = (100, "hundred") if value < 1000 or 1100 <= value < 2000 else (1000, "thousand")
    return [*_cardinal(str(value // size)), name, *(_cardinal(str(value % size)) if value % size else [])]


@lru_cache
def _rows(name: str) -> list[str]:
    packed = (resources.files("facegen") / "data" / f"{name}.txt.xz").read_bytes()
    return lzma.decompress(packed).decode().splitlines()


@lru_cache
def _codes(name: str) -> dict[str, str]:
    """Code letter to phone: the first row of a table."""
    return dict(pair.split("=") for pair in _rows(name)[0].split())


@lru_cache
def _lexicon() -> dict[str, str]:
    """Word to pronunciations in code letters. A row: length shared with the word before, rest, pronunciations."""
    words, word = {}, ""
    for row in _rows("lexicon_en")[1:]:
        rest, _, said = row.partition(" ")
        word = word[: int(rest[0])] + rest[1:]
        words[word] = said
    return words


@lru_cache
def _rules() -> dict[str, str]:
    """Letters in context to phones in code letters (see letters.py)."""
    return dict(row.split(" ", 1) for row in _rows("letters_en")[1:])
