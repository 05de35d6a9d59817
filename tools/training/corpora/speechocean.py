"""speechocean762: read English by 125 speakers of Mandarin, half of them children, with canonical phones."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from tools.training.corpora.sample import Sample, data_folder, read_jsonl

NAME = "speechocean762"
SOURCE = "https://www.openslr.org/101/ (free for commercial and non-commercial use)"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The recordings in the order of the corpus. Raises InputError where it is absent or malformed."""
    folder = data_folder(data) / NAME
    yield from read_jsonl(folder / "train.jsonl", SOURCE, partial(_sample, folder / "train"))


def _sample(folder: Path, row: dict) -> Sample:
    words = row["text"].split()
    return Sample(
        corpus=NAME,
        utt=row["utt"],
        audio=folder / f"{row['utt']}.opus",
        speaker=row["speaker"],
        seconds=row["seconds"],
        language="en",
        text=row["text"],
        sex=row["gender"],
        age=row["age"],
        canonical=tuple(
            (word, tuple(map(plain_phone, phones))) for word, phones in zip(words, row["phones"], strict=True)
        ),
    )


def plain_phone(label: str) -> str:
    """``IY0_E`` ▸ ``IY``: without the stress digit and the place in the word."""
    return label.split("_")[0].rstrip("012")
