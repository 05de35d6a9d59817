"""Broken emotion timelines, each given beside a good sound."""

from pathlib import Path

from tests.corpus.case import Case
from tests.corpus.tone import write_tone

FILES: dict[str, tuple[bytes, int, str]] = {
    "empty.csv": (b"", 3, "holds no spans"),
    "header-only.csv": (b"start,end,emotion\n", 3, "holds no spans"),
    "two-columns.csv": (b"0,1\n", 3, "row 1"),
    "words.csv": (b"now,later,happy\n", 3, "is not start,end,emotion"),
    "unknown-emotion.csv": (b"0,1,hapy\n", 3, "no emotion is called 'hapy'"),
    "too-strong.csv": (b"0,1,happy:7\n", 3, "is not in 0..1"),
    "reversed.csv": (b"2,1,happy\n", 3, "is empty or reversed"),
    "negative.csv": (b"-1,1,happy\n", 3, "is empty or reversed"),
    "overlap.csv": (b"0,2,happy\n1,3,sad\n", 3, "overlap"),
    "not-finite.csv": (b"0,nan,happy\n", 3, "is empty or reversed"),
    "unfinished.json": (b'[{"start": 0, "end": 1', 3, "is not a JSON timeline"),
    "no-emotion.json": (b'[{"start": 0, "end": 1}]', 3, "is not a JSON timeline"),
    "no-list.json": (b'{"spans": 3}', 3, "is not a JSON timeline"),
    "unknown-column.csv": (b"start,end,emotion,fede\n0,1,happy,0.2\n", 3, "did you mean fade"),
    "unknown-style.csv": (b"start,end,emotion,style\n0,1,happy,lifely\n", 3, "lively"),
    "fade-backwards.csv": (b"start,end,emotion,fade\n0,1,happy,-1\n", 3, "is not in 0..60"),
    "fade-words.json": (b'[{"start": 0, "end": 1, "emotion": "sad", "fade": "slow"}]', 3, "is not start,end"),
    "huge.json": (b'[{"start": 0, "end": 1' + b"0" * 400 + b', "emotion": "sad"}]', 3, "is not start,end"),
    "empty-prompt.csv": (b"0,1,\n", 3, "is empty"),
    "binary.csv": (bytes(range(256)), 3, "is not text"),
}


def build(folder: Path) -> list[Case]:
    sound = write_tone(folder / "tone.wav")
    cases = []
    for name, (content, code, says) in FILES.items():
        (folder / name).write_bytes(content)
        cases.append(Case(name, sound, ("--timeline", str(folder / name)), code, says))
    cases.append(Case("missing.csv", sound, ("--timeline", str(folder / "missing.csv")), 3, "no such file"))
    cases.append(Case("folder.csv", sound, ("--timeline", str(folder)), 3, "is a folder"))
    return cases
