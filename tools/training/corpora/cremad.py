"""CREMA-D: 91 actors say twelve sentences in six emotions and three strengths, filmed."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from facegen.core.errors import InputError
from facegen.core.files import read_text
from tools.training.corpora.sample import Sample, absent
from tools.training.corpora.tree import check_fetched, corpus_folder, if_there, named_files

NAME = "crema-d"
SOURCE = "https://github.com/CheyneyComputerScience/CREMA-D (ODbL 1.0)"

GRAMMAR = r"(1\d{3})_([A-Z]{3})_(ANG|DIS|FEA|HAP|NEU|SAD)_(LO|MD|HI|XX?)\.wav"
EMOTIONS = {
    "ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad",
}  # fmt: skip
STRENGTHS = {"LO": 1 / 3, "MD": 2 / 3, "HI": 1.0}
SENTENCES = {
    "IEO": "It's eleven o'clock",
    "TIE": "That is exactly what happened",
    "IOM": "I'm on my way to the meeting",
    "IWW": "I wonder what this is about",
    "TAI": "The airplane is almost full",
    "MTI": "Maybe tomorrow it will be cold",
    "IWL": "I would like a new alarm clock",
    "ITH": "I think I have a doctor's appointment",
    "DFA": "Don't forget a jacket",
    "ITS": "I think I've seen this before",
    "TSI": "The surface is slick",
    "WSI": "We'll stop in a couple of minutes",
}


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The recordings by name. Raises InputError where the corpus is absent, a name can't be read or LFS left pointers."""
    folder = corpus_folder(data, NAME, SOURCE)
    actors = _actors(folder / "VideoDemographics.csv")
    for path, match in named_files(folder / "AudioWAV", "*.wav", GRAMMAR, SOURCE):
        actor, sentence, emotion, strength = match.groups()
        if sentence not in SENTENCES or actor not in actors:
            raise InputError(
                "names an unknown sentence or actor", path=path, remedy=f"get it again: {SOURCE}"
            )
        check_fetched(path)
        video = if_there(folder / "VideoFlash" / f"{path.stem}.flv")
        age, sex = actors[actor]
        yield Sample(
            corpus=NAME,
            utt=path.stem,
            audio=path,
            video=video,
            speaker=actor,
            sex=sex,
            age=age,
            seconds=None,
            language="en-us",
            text=SENTENCES[sentence],
            emotion=EMOTIONS[emotion],
            intensity=STRENGTHS.get(strength),
            view="front" if video else None,
        )


def _actors(path: Path) -> dict[str, tuple[int, str]]:
    if not path.is_file():
        raise absent(path, SOURCE)
    found = {}
    for number, row in enumerate(csv.DictReader(read_text(path).splitlines()), 2):
        try:
            sex = {"Male": "m", "Female": "f"}[row["Sex"]]
            found[row["ActorID"]] = (int(row["Age"]), sex)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise InputError(
                f"line {number} is malformed: {error}", path=path, remedy=f"get it again: {SOURCE}"
            ) from error
    return found
