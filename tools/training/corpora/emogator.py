"""EmoGator: vocal bursts (laughs, sighs, groans, gasps …) of 286 speakers in 30 categories; no speech."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from tools.training.corpora.sample import Sample, data_folder, read_jsonl

NAME = "emogator"
SOURCE = "https://github.com/fredbuhl/EmoGator (Apache-2.0)"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The bursts in the order of the corpus. Raises InputError where it is absent or malformed."""
    folder = data_folder(data) / NAME
    yield from read_jsonl(folder / "emogator.jsonl", SOURCE, partial(_sample, folder))


def _sample(folder: Path, row: dict) -> Sample:
    return Sample(
        corpus=NAME,
        utt=row["utt"],
        audio=folder / "audio" / f"{row['utt']}.opus",
        speaker=row["speaker"],
        seconds=row["seconds"],
        language="zxx",  # ISO 639-2: no linguistic content
        emotion=row["emotion"],
        coarse=row["coarse"],
    )
