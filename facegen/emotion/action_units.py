"""Action units: how strongly each named emotion calls on each, what they do to controls and head, how much they vary.

From ``emotions.csv`` (emotion to action units: EMFACS, Friesen and Ekman 1983; Du, Tao and Martinez 2014; head units by
Keltner 1995, Tracy and Robins 2004, Witkower and Tracy 2019) and ``action_units.csv`` (unit to controls; a name that
ends in * has two sides). An emotion is a Gaussian in the space of controls: its mean is ``mean @ to``, and each unit
spreads about its strength by ``spread`` times it, so that what moves together varies together.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from facegen.core.animation import HEAD_CHANNELS
from facegen.core.errors import FacegenError
from facegen.emotion import named_emotions
from facegen.rig import ARKIT

DATA = Path(__file__).resolve().parents[1] / "data"
SIDES = ("Left", "Right")


@dataclass(frozen=True, eq=False)
class ActionUnitTable:
    """``units``: (action unit, side) of each column; ``mean`` [N, U] strengths in each named emotion; ``to`` [U, C] what
    a whole unit adds to each of ``controls``; ``regions`` [C] of upper, mouth, gaze and head (degrees and cm);
    ``spread`` [U] standard deviation over strength."""

    units: tuple[tuple[str, str], ...]
    mean: np.ndarray
    controls: tuple[str, ...]
    regions: tuple[str, ...]
    to: np.ndarray
    spread: np.ndarray

    def columns(self, *regions: str) -> list[int]:
        return [i for i, region in enumerate(self.regions) if region in regions]

    def gaussian(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean [C] and covariance [C, C] of the controls in a mixture of named emotions, ``weights`` [N]."""
        strength = weights @ self.mean
        reach = (strength * self.spread)[:, None] * self.to
        pairs = _pairs(self.units)
        together = pairs @ reach  # both sides of a unit vary as one
        return strength @ self.to, together.T @ together


@lru_cache(maxsize=1)
def action_unit_table() -> ActionUnitTable:
    """The tables as they ship."""
    rows = list(csv.DictReader((DATA / "action_units.csv").open(encoding="utf-8")))
    names = list(dict.fromkeys(row["au"] for row in rows))
    units = tuple((name, side) for name in names for side in SIDES)
    mean = np.zeros((len(named_emotions()), len(units)))
    for row, emotion in zip(mean, named_emotions().values(), strict=True):
        for side, au, amount in emotion.units:
            if au not in names:
                raise FacegenError(
                    f"the emotion table names action unit {au}, which the table of units lacks"
                )
            for part in SIDES:
                if side in ("both", part.lower()):
                    row[units.index((au, part))] += amount
    regions = {name: row["region"] for row in rows for name in _sided(row["control"])}
    controls = tuple(name for name in (*ARKIT, *HEAD_CHANNELS) if name in regions)
    to = np.zeros((len(units), len(controls)))
    for row in rows:
        single = not row["control"].endswith("*")
        for side in SIDES:
            name = row["control"] if single else row["control"][:-1] + side
            to[units.index((row["au"], side)), controls.index(name)] += float(row["weight"]) / (1 + single)
    spread = np.array([next(float(r["spread"]) for r in rows if r["au"] == au) for au, _ in units])
    kept = tuple(regions[name] for name in controls)
    return ActionUnitTable(units, mean.astype(np.float32), controls, kept, to.astype(np.float32), spread)


def _sided(control: str) -> list[str]:
    return [control[:-1] + side for side in SIDES] if control.endswith("*") else [control]


def _pairs(units: tuple[tuple[str, str], ...]) -> np.ndarray:
    """[U / 2, U]: which columns are the two sides of one unit."""
    return np.kron(np.eye(len(units) // 2), np.ones(2))


def action_table() -> tuple[tuple[str, ...], np.ndarray, tuple[str, ...]]:
    """Controls of the rig, their values [N, C] in each of ``named_emotions`` at full strength, and their regions."""
    table = action_unit_table()
    columns = table.columns("upper", "mouth", "gaze")
    values = (table.mean @ table.to)[:, columns].astype(np.float32)
    return (
        tuple(table.controls[i] for i in columns),
        values,
        tuple(table.regions[i] for i in columns),
    )
