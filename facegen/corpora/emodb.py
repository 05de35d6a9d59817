"""Emo-DB: ten German actors, ten sentences, seven emotions, with hand-made phone times."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

from facegen.corpora.sample import Sample, Span, data_folder, read_jsonl

NAME = "emodb"
SOURCE = "http://emodb.bilderbar.info/"
MALE_SPEAKERS = ("03", "10", "11", "12", "15")


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The recordings in the order of the corpus. Raises InputError where it is absent or malformed."""
    folder = data_folder(data) / NAME
    for row in read_jsonl(folder / "emodb.jsonl", SOURCE):
        yield Sample(
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
    """Times and SAMPA-like labels, modifiers joined to their phones.

    ``rows`` are (end s, label). A label that starts with ``-``, ``+``, ``(`` or ``[`` or ends in ``sth`` only
    modifies the phone before it; ``!x`` (its burst) and ``xasp`` (its aspiration) are part of the phone x.
    """
    spans: list[Span] = []
    start = 0.0
    for end, label in rows:
        modifier = label[:1] in "-+([" or label == "!"
        phone = label.removeprefix("!").removesuffix("asp").split("+")[0].split("-")[0]
        part = modifier or (label != phone and bool(spans) and spans[-1][2] == phone)
        if part and spans and not (modifier and spans[-1][2][:1] in ("_", ".")):
            spans[-1] = (spans[-1][0], end, phone if phone and not modifier else spans[-1][2])
        elif end > start:
            spans.append((start, end, phone or "."))
        start = max(start, end)
    return spans
