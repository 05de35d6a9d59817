"""Groups of phones that look alike, from facegen/data/viseme_classes.csv."""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np

from facegen.speech.phones import LABELS


def rows() -> list[tuple[str, list[str]]]:
    """Each class and its phones."""
    text = (files("facegen") / "data" / "viseme_classes.csv").read_text(encoding="utf-8")
    return [(row["class"], row["phones"].split()) for row in csv.DictReader(text.splitlines())]


def membership() -> np.ndarray:
    """One where a class [V] holds a label [40], float32."""
    table = np.zeros((len(rows()), len(LABELS)), np.float32)
    for number, (_, phones) in enumerate(rows()):
        table[number, [LABELS.index(p) for p in phones]] = 1
    return table


def of_labels() -> np.ndarray:
    """The class of each label, [40]."""
    return membership().argmax(axis=0)
