"""Pairs of places on two heads: from a file, or from the names that both rigs give."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike

import numpy as np

from facegen.core.errors import ConfigError, nearest
from facegen.core.files import read_text
from facegen.rig import Rig
from facegen.rig.transfer.surface import connected_components, weld_vertices

LEAST = 6


@dataclass(frozen=True)
class LandmarkPairs:
    """Places [n, 3] cm on the source and the target that are the same, and which vertices [V] of the target hang
    together with them: its skin. ``lids``: side to places [n, 2, 3] on the edges of its upper and lower lid."""

    source: np.ndarray
    target: np.ndarray
    skin: np.ndarray
    origin: str
    lids: Mapping[str, np.ndarray] = field(default_factory=dict)


def named_pairs(source: Rig, target: Rig, places: Mapping[str, np.ndarray], origin: str) -> LandmarkPairs:
    """Pairs by name: ``places`` on the target, those that the source's rig names."""
    assert source.mesh is not None and target.mesh is not None
    names = [n for n in places if n in source.landmarks]
    ours = source.mesh.vertices[[source.landmarks[n] for n in names]].astype(np.float64)
    theirs = np.array([places[n] for n in names], np.float64)
    piece = connected_components(target.mesh.faces, weld_vertices(target.mesh.vertices))
    near = [int(np.argmin(np.linalg.norm(target.mesh.vertices - p, axis=1))) for p in theirs]
    numbers, counts = np.unique(piece[near], return_counts=True)
    lids = {
        side: np.array([[places["lidUpper" + side], places["lidLower" + side]]])
        for side in ("Left", "Right")
        if {"lidUpper" + side, "lidLower" + side} <= set(places)
    }
    return LandmarkPairs(
        ours, theirs, np.isin(piece, numbers[counts >= 2]), f"{len(names)} landmarks {origin}", lids
    )


def read_landmarks(path: str | PathLike, target: Rig, known: list[str]) -> dict[str, np.ndarray]:
    """Name to place: JSON ``{"noseTip": 123}`` or ``[x, y, z]``, or CSV lines ``noseTip,123`` or ``noseTip,x,y,z``."""
    text = read_text(path, limit=2**20, error=ConfigError)
    try:
        if text.lstrip().startswith("{"):
            rows = {n: v if isinstance(v, list) else [v] for n, v in json.loads(text).items()}
        else:
            lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
            rows = {row[0].strip(): row[1:] for row in csv.reader(lines)}
            rows.pop("name", None)
        places = {name: _place([float(x) for x in row], target) for name, row in rows.items()}
    except (ValueError, OverflowError, TypeError, AttributeError, IndexError) as error:
        raise ConfigError(
            f"holds no landmarks ({error})", path=path, remedy='write {"noseTip": 123}'
        ) from error
    for name in places:
        if name not in known:
            raise ConfigError(f"no landmark is called {name!r}", path=path, remedy=nearest(name, known))
    if len(places) < LEAST:
        raise ConfigError(
            f"gives {len(places)} landmarks; at least {LEAST}", path=path, remedy="known: " + ", ".join(known)
        )
    return places


def _place(numbers: list[float], target: Rig) -> np.ndarray:
    assert target.mesh is not None
    if len(numbers) == 3:
        return np.array(numbers)
    (number,) = numbers
    if number != int(number) or not 0 <= number < len(target.mesh.vertices):
        raise ValueError(f"{number:g} is no vertex")
    return target.mesh.vertices[int(number)].astype(np.float64)
