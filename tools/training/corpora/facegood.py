"""FACEGOOD Audio2Face: eight minutes of one performer, sound and hand-cleaned curves of the mouth at 30 fps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from os import PathLike
from pathlib import Path

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import InputError
from facegen.core.files import read_text
from facegen.rig import ARKIT
from tools.training.corpora.arrays import read_npz
from tools.training.corpora.sample import Sample, data_folder, read_jsonl

NAME = "facegood"
SOURCE = "https://github.com/FACEGOOD/FACEGOOD-Audio2Face (MIT)"

FOLDED = {
    "mouth_oh_c": (("mouthFunnel", 0.5), ("mouthPucker", 0.35)),
    "mouth_oo_c": (("mouthPucker", 0.7),),
}
"""Shapes of the performer's rig that ARKit lacks ▸ the controls they are added to, and how strongly.

Over the sound both stand on W, UW, UH and OW as the pucker does, ``mouth_oh_c`` mostly without it (the pucker is above
0.2 in 151 of its 874 frames there), so each carries rounding that no other curve has. Its bursts peak at 0.64 (median),
the pucker's at 0.43: 0.7 makes them equal. ``mouth_oh_c`` opens the rounded lips, so half of it goes to the funnel.
"""


def samples(data: str | PathLike | None = None) -> Iterator[Sample]:
    """The five takes in the order of the corpus. Raises InputError where it is absent or malformed."""
    folder = data_folder(data) / NAME
    yield from read_jsonl(folder / "facegood.jsonl", SOURCE, partial(_sample, folder))


def _sample(folder: Path, row: dict) -> Sample:
    return Sample(
        corpus=NAME,
        utt=row["utt"],
        audio=folder / "audio" / f"{row['utt']}.opus",
        speaker=row["speaker"],
        seconds=row["seconds"],
        language="zh",
        controls=partial(curves, folder / f"{row['utt']}.npz"),
    )


def curves(path: Path) -> Animation:
    """The ARKit controls of one take at 30 fps; those that the performer's rig lacks are 0.

    ``names.json`` beside it says which ARKit control each column is. Raises InputError for a broken file.
    """
    names = path.with_name("names.json")
    try:
        said = json.loads(read_text(names))
        own, known, scale, fps = said["curves"], said["arkit"], float(said["scale"]), said["fps"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"does not name the curves: {error}", path=names, remedy=f"get it: {SOURCE}"
        ) from error
    arrays = read_npz(path, {"arkit": (None, len(known)), "curves": (None, len(own))}, SOURCE)
    values = np.zeros((len(arrays["arkit"]), len(ARKIT)), np.float32)
    for column, control in enumerate(known):
        values[:, ARKIT.index(control)] = arrays["arkit"][:, column] / scale
    for shape, targets in FOLDED.items():
        for control, weight in targets:
            values[:, ARKIT.index(control)] += weight * arrays["curves"][:, own.index(shape)] / scale
    return Animation(fps, ARKIT, np.clip(values, 0.0, 1.0), meta={"source": NAME})
