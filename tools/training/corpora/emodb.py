"""Emo-DB: ten German actors, ten sentences, seven emotions, with hand-made phone times."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from tools.training.corpora.sample import Sample, Span, data_folder, read_jsonl

NAME = "emodb"
SOURCE = "http://emodb.bilderbar.info/ (free to use)"
PAUSE = "."
MALE_SPEAKERS = ("03", "10", "11", "12", "15")


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The recordings in the order of the corpus. Raises InputError where it is absent or malformed."""
    folder = data_folder(data) / NAME
    yield from read_jsonl(folder / "emodb.jsonl", SOURCE, partial(_sample, folder))


def _sample(folder: Path, row: dict) -> Sample:
    return Sample(
        corpus=NAME,
        utt=row["utt"],
        audio=folder / "audio" / f"{row['utt']}.opus",
        speaker=row["speaker"],
        sex="m" if row["speaker"] in MALE_SPEAKERS else "f",
        seconds=row["seconds"],
        language="de",
        emotion=row["emotion"],
        phones=tuple(phone_spans(row["phones"])),
    )


def phone_spans(rows: list) -> list[Span]:
    """Times and SAMPA-like labels, modifiers joined to their phones; the last label, a pause, only ends the one before.

    ``rows`` are (s, label), where the time is when the label begins: against the sound, vowels lie between their own
    time and the next. A label that starts with ``-`` or ``+`` only modifies the phone before it; ``_x`` (a closure
    after a pause), ``!x`` (the burst) and ``xasp`` (its aspiration) are part of the stop x; ``(`` and ``.`` are pauses.
    """
    spans: list[Span] = []
    for (start, label), (end, _) in zip(rows, rows[1:], strict=False):
        if end <= start:
            continue
        if label[:1] in "-+[":
            phone = spans[-1][2] if spans else PAUSE
        elif label[:1] in "(.":
            phone = PAUSE
        else:
            phone = label.lstrip("!_").removesuffix("asp").split("+")[0].split("-")[0] or PAUSE
        if spans and spans[-1][2] == phone and (label != phone or phone == PAUSE) and spans[-1][1] == start:
            spans[-1] = (spans[-1][0], end, phone)
        else:
            spans.append((start, end, phone))
    return spans
