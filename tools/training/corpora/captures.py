"""Live Link Face recordings of an actor in four emotions: curves at 60 fps without sound."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

from facegen.core.animation import Animation
from facegen.core.registry import Registry
from tools.training.corpora.sample import Sample
from tools.training.corpora.tree import corpus_folder, named_files

NAME = "livelink-captures"
SOURCE = "https://github.com/AnimaVR/NeuroSync_Player (MIT below 1 M USD of yearly revenue)"


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """One sample a recording, named by its emotion. Raises InputError where the corpus is absent or malformed."""
    folder = corpus_folder(data, NAME, SOURCE)
    for path, match in named_files(folder, "*.csv", r"([a-z]+)\.csv", SOURCE):
        yield Sample(
            corpus=NAME,
            utt=path.stem,
            audio=None,
            speaker="actor",
            seconds=None,
            language="en",
            emotion=match[1],
            controls=partial(_read, path),
        )


def _read(path: Path) -> Animation:
    return Registry("importers").get(".csv")().read(path)
