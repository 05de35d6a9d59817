"""What is said, as an animator writes it down: words, and stage directions among them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facegen.core.errors import InputError, UsageError
from facegen.core.files import read_text
from facegen.emotion.stage_directions import Direction, read_directions, strip_directions
from facegen.speech.lexicon import pronounce

MAX_TEXT_BYTES = 2**20


@dataclass(frozen=True)
class Transcript:
    """``text`` without its directions, the ARPAbet phones of each word in it, and the ``directions``."""

    text: str
    words: tuple[tuple[str, ...], ...]
    directions: tuple[Direction, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Transcript:
        """The transcript ``text``. Raises UsageError where there is neither an English word nor a direction, and for what
        stands in square brackets and is none."""
        plain = strip_directions(text)
        words = tuple(pronounce(plain))
        if not words and plain == text:
            raise UsageError("the transcript holds no words", remedy="give what is said, in English letters")
        return cls(plain, words, read_directions(text))

    @classmethod
    def load(cls, text: str) -> Transcript:
        """The transcript ``text``, or that of the text file of this name; raises as ``read_transcript`` and ``parse``."""
        return cls.parse(read_transcript(text))


def read_transcript(text: str) -> str:
    """``text`` itself, or what the text file of that name holds. Raises InputError for a file that can't be
    read, UsageError for more than MAX_TEXT_BYTES of text."""
    if len(text) < 4096 and "\n" not in text and "\0" not in text:
        if text.lower().endswith(".txt") or _is_file(text):
            return read_text(text, limit=MAX_TEXT_BYTES, error=InputError)
    if len(text) > MAX_TEXT_BYTES:
        raise UsageError(
            f"the transcript has {len(text)} letters", remedy=f"at most {MAX_TEXT_BYTES}: split it"
        )
    return text


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False
