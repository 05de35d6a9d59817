"""GRID: six-word British sentences on video, one speaker at length (s1) and five more (multi)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from tools.training.corpora.sample import Sample, data_folder, read_jsonl

NAME = "grid"
SOURCE = "https://zenodo.org/records/3625687 (CC BY 4.0)"

# Southern British, as GRID's speakers are asked: no R after a vowel.
LEXICON = {
    "bin": "B IH N", "lay": "L EY", "place": "P L EY S", "set": "S EH T",
    "blue": "B L UW", "green": "G R IY N", "red": "R EH D", "white": "W AY T",
    "at": "AE T", "by": "B AY", "in": "IH N", "with": "W IH DH",
    "a": "EY", "b": "B IY", "c": "S IY", "d": "D IY", "e": "IY", "f": "EH F", "g": "JH IY",
    "h": "EY CH", "i": "AY", "j": "JH EY", "k": "K EY", "l": "EH L", "m": "EH M", "n": "EH N",
    "o": "OW", "p": "P IY", "q": "K Y UW", "r": "AA", "s": "EH S", "t": "T IY", "u": "Y UW",
    "v": "V IY", "x": "EH K S", "y": "W AY", "z": "Z EH D",
    "zero": "Z IH R OW", "one": "W AH N", "two": "T UW", "three": "TH R IY", "four": "F AO",
    "five": "F AY V", "six": "S IH K S", "seven": "S EH V AH N", "eight": "EY T", "nine": "N AY N",
    "again": "AH G EH N", "now": "N AW", "please": "P L IY Z", "soon": "S UW N",
}  # fmt: skip


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """Speaker s1, then the others. Raises InputError where the corpus is absent or malformed."""
    root = data_folder(data)
    for part, rows in (("grid-s1", "alignments.jsonl"), ("grid-multi", "grid-multi.jsonl")):
        yield from read_jsonl(root / part / rows, SOURCE, partial(_sample, root / part / "clips"))


def _sample(clips: Path, row: dict) -> Sample:
    clip = clips / f"{row['clip' if 'clip' in row else 'utt']}.mp4"
    speaker, words = row.get("speaker", "s1"), row.get("words") or ()
    text = row.get("text") or " ".join(w for _, _, w in words if w not in ("sil", "sp"))
    return Sample(
        corpus=NAME,
        utt=clip.stem if speaker != "s1" else f"s1_{clip.stem}",
        audio=clip,
        video=clip,
        speaker=speaker,
        sex=row.get("sex", "m"),
        seconds=3.0,
        language="en-gb",
        text=text,
        words=tuple((float(a), float(b), w) for a, b, w in words) if words else None,
        canonical=tuple((w, tuple(LEXICON[w].split())) for w in text.split()),
    )
