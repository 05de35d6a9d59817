"""Which recordings train, which choose and which judge: fixed by name in ``datasets/<corpus>/splits.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from facegen.core.errors import InputError
from facegen.core.files import read_text
from tools.training.corpora.sample import Sample

FOLDER = Path(__file__).resolve().parents[3] / "datasets"
PARTS = ("train", "dev", "test")
SEEN = "seen"
OTHERS = "all others"


@dataclass(frozen=True)
class Splits:
    """The parts of a corpus: ``names[part]`` are speakers, or takes where ``by`` is "take".

    ``seen`` holds clips kept from training although their speaker is in it: they belong to no other part.
    """

    corpus: str
    by: str
    names: dict[str, frozenset[str]]
    seen: frozenset[str] = field(default_factory=frozenset)

    def part(self, sample: Sample) -> str:
        """ "train", "dev", "test" or "seen". Raises InputError for a recording that no part names."""
        if sample.utt in self.seen or (sample.audio is not None and sample.audio.stem in self.seen):
            return SEEN
        name = sample.utt if self.by == "take" else sample.speaker
        found = [part for part, names in self.names.items() if name in names]
        found = found or [part for part, names in self.names.items() if OTHERS in names]
        if len(found) != 1:
            raise InputError(
                f"the split of {self.corpus} names {self.by} {name} {len(found)} times, expected once",
                path=FOLDER / self.corpus / "splits.json",
            )
        return found[0]


def splits(name: str) -> Splits:
    """The split of a corpus. Raises InputError where it is absent: an installed package carries no ``datasets``."""
    path = FOLDER / name / "splits.json"
    if not path.is_file():
        raise InputError(
            "no split is there",
            path=path,
            remedy="splits are part of facegen's source, not of the installed package: run from a checkout",
        )
    try:
        said = json.loads(read_text(path))
        key = "takes" if said["by"] == "take" else "speakers"
        names = {part: frozenset(said[part][key]) for part in PARTS if part in said}
        return Splits(name, said["by"], names, frozenset(said["test"].get("clips", ())))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"is no split: {error}", path=path, remedy="restore it from facegen's source"
        ) from error
