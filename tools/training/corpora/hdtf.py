"""HDTF: talking heads from public films, cut and cropped by its user with the lists that are published."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, named_files

NAME = "hdtf"
SOURCE = "https://github.com/MRzzm/HDTF (lists: CC BY 4.0; the films: their owners', no commercial use)"

GRAMMAR = r"(?:(?:RD|WDA|WRA)_)?([A-Za-z][A-Za-z-]*)(\d*)(?:_\d+)+\.mp4"
RADIO = "Radio"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The clips of ``hdtf/clips`` by name: ``RD_Radio11_000.mp4``, ``AmyKlobuchar1_2.mp4``.

    The speaker is the person whom the film is named after; films of the radio are numbered, each counts as its own.
    Raises InputError where the corpus is absent or a name can't be read.
    """
    folder = corpus_folder(data, NAME, SOURCE) / "clips"
    for path, match in named_files(folder, "*.mp4", GRAMMAR, SOURCE):
        yield Sample(
            corpus=NAME,
            utt=path.stem,
            audio=path,
            video=path,
            view="front",
            speaker=match[1] + match[2] if match[1] == RADIO else match[1],
            seconds=None,
            language="en",
        )
