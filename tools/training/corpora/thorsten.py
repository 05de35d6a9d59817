"""Thorsten-Voice emotional: clips of one German speaker in eight manners."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from tools.training.corpora.sample import Sample, data_folder, read_jsonl

NAME = "thorsten-emotional"
SOURCE = "https://www.thorsten-voice.de/ (CC0)"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The clips in the order of the corpus. Raises InputError where it is absent or malformed."""
    folder = data_folder(data) / NAME
    yield from read_jsonl(folder / "thorsten-emotional.jsonl", SOURCE, partial(_sample, folder))


def _sample(folder: Path, row: dict) -> Sample:
    return Sample(
        corpus=NAME,
        utt=row["utt"],
        audio=folder / "audio" / f"{row['utt']}.opus",
        speaker=row["speaker"],
        sex="m",
        seconds=row["seconds"],
        language="de",
        emotion=row["emotion"],
    )
