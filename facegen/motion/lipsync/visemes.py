"""The rule decoder's tables: one row a phone, read from the package's data and checked."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from facegen.core.errors import FacegenError
from facegen.speech.phones import LABELS

DATA = Path(__file__).resolve().parents[2] / "data"

GESTURES = {
    "jaw": ("jaw",),
    "lips": ("lower", "upper", "seal", "press", "roll_lower", "roll_upper"),
    "shape": ("funnel", "pucker", "wide", "tongue"),
}
"""The columns of targets by the dominance that weighs them: JALI's jaw and lip axes, and the lips' shape."""
TARGETS = tuple(name for names in GESTURES.values() for name in names)


@dataclass(frozen=True, eq=False)
class VisemeTable:
    """``targets`` [40, 11] of TARGETS in 0..1; ``hold`` [40, 3] dominance of jaw, lips and shape;
    ``ahead`` and ``behind`` [40] seconds in which dominance falls to 1/e before and after the phone."""

    targets: np.ndarray
    hold: np.ndarray
    ahead: np.ndarray
    behind: np.ndarray


@lru_cache(maxsize=1)
def viseme_table() -> VisemeTable:
    """The table ``visemes.csv``, rows in the order of LABELS."""
    rows = {row["phone"]: row for row in csv.DictReader((DATA / "visemes.csv").open(encoding="utf-8"))}
    if set(rows) != set(LABELS):
        raise FacegenError(f"visemes.csv lacks or adds phones: {sorted(set(rows) ^ set(LABELS))}")

    def columns(names: tuple[str, ...]) -> np.ndarray:
        return np.array([[float(rows[p][n]) for n in names] for p in LABELS], np.float32)

    hold = columns(tuple(f"hold_{group}" for group in GESTURES))
    ahead, behind = columns(("ahead_ms", "behind_ms")).T / 1000
    return VisemeTable(columns(TARGETS), hold, ahead, behind)
