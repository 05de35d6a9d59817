"""Readers of public corpora of speech and faces: one module a corpus, each an iterator of `Sample`."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

from facegen.corpora.sample import Sample, data_folder, read_jsonl
from facegen.corpora.split import Splits, splits
from facegen.errors import UsageError, nearest
from facegen.registry import load_object

__all__ = ["CORPORA", "Sample", "Splits", "data_folder", "read_jsonl", "samples", "splits"]

CORPORA = {
    "beat": "facegen.corpora.beat:samples",
    "beat2": "facegen.corpora.beat:samples2",
    "biwi": "facegen.corpora.biwi:samples",
    "crema-d": "facegen.corpora.cremad:samples",
    "emodb": "facegen.corpora.emodb:samples",
    "emogator": "facegen.corpora.emogator:samples",
    "facegood": "facegen.corpora.facegood:samples",
    "grid": "facegen.corpora.grid:samples",
    "hdtf": "facegen.corpora.hdtf:samples",
    "livelink-captures": "facegen.corpora.captures:samples",
    "mead": "facegen.corpora.mead:samples",
    "multiface": "facegen.corpora.multiface:samples",
    "ravdess": "facegen.corpora.ravdess:samples",
    "speechocean762": "facegen.corpora.speechocean:samples",
    "thorsten-emotional": "facegen.corpora.thorsten:samples",
    "vocaset": "facegen.corpora.vocaset:samples",
}
"""Corpus ▸ its reader, imported at first use; `datasets/` holds its card and its split."""


def samples(name: str, data: str | PathLike | None = None) -> Iterator[Sample]:
    """The recordings of the corpus ``name`` in the folder of corpora ``data`` (else FACEGEN_DATA).

    Raises UsageError with the nearest name for an unknown corpus, InputError for one that is absent (naming where it
    comes from and its licence) or malformed.
    """
    if name not in CORPORA:
        raise UsageError(f"no corpus is called {name!r}", remedy=nearest(name, list(CORPORA)))
    reader = load_object(CORPORA[name])
    return reader(data)
