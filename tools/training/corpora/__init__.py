"""Readers of public corpora of speech and faces: one module a corpus, each an iterator of `Sample`."""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike

from facegen.core.errors import UsageError, nearest
from facegen.core.registry import load_object
from tools.training.corpora.sample import Sample, data_folder, read_jsonl
from tools.training.corpora.split import Splits, splits

__all__ = ["CORPORA", "Sample", "Splits", "data_folder", "read_jsonl", "samples", "splits"]

CORPORA = {
    "beat": "tools.training.corpora.beat:samples",
    "beat2": "tools.training.corpora.beat:samples2",
    "biwi": "tools.training.corpora.biwi:samples",
    "crema-d": "tools.training.corpora.cremad:samples",
    "emodb": "tools.training.corpora.emodb:samples",
    "emogator": "tools.training.corpora.emogator:samples",
    "facegood": "tools.training.corpora.facegood:samples",
    "grid": "tools.training.corpora.grid:samples",
    "hdtf": "tools.training.corpora.hdtf:samples",
    "livelink-captures": "tools.training.corpora.captures:samples",
    "mead": "tools.training.corpora.mead:samples",
    "multiface": "tools.training.corpora.multiface:samples",
    "ravdess": "tools.training.corpora.ravdess:samples",
    "speechocean762": "tools.training.corpora.speechocean:samples",
    "thorsten-emotional": "tools.training.corpora.thorsten:samples",
    "vocaset": "tools.training.corpora.vocaset:samples",
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
