"""``.mh.json``, ``.mh.csv`` and ``.unreal.py``: the sliders of the MetaHuman face board, by frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.formats.dcc_scripts import script
from facegen.formats.facegen_json import FacegenJson
from facegen.rig import Rig, load_rig
from facegen.rig.retarget import control_set_of, find_map

BOARD = "metahuman"
CURVES = "metahuman_raw"
HEADER = "curve_name,frame_number,value\n"


def on_board(animation: Animation, kept: tuple[str, ...] = (BOARD,)) -> Animation:
    """``animation`` on all the board's controls in the board's order, by the shipped maps; one on the controls of a
    rig in ``kept`` stays there. Raises UsageError where no map leads there."""
    spoken = control_set_of(animation.controls)
    if not spoken:
        raise UsageError(
            f"the animation's controls are those of no rig that a map leads from to {BOARD}",
            remedy=f"retarget it to {BOARD} first, with --map",
        )
    if spoken in kept:
        return animation.select(load_rig(spoken).control_names)
    return find_map(load_rig(spoken), load_rig(BOARD)).apply(animation)


class MetaHumanJson:
    """facegen JSON whose controls are the board's, such as ``CTRL_L_mouth_cornerPull-translateY``: -1..1 where a
    slider goes both ways, else 0..1."""

    suffix = ".mh.json"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        return FacegenJson().files(on_board(animation), rig, options)

    def read(self, path: str | PathLike) -> Animation:
        return FacegenJson().read(path)


class MetaHumanCsv:
    """The long table ``curve_name,frame_number,value`` that Unreal's Rig Mapper reads, curve by curve; frames count
    from 0 at the animation's rate. An animation on ``metahuman_raw`` keeps the names of its curves, which is what an
    AnimSequence takes without a mapping."""

    suffix = ".mh.csv"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        return {"": _table(on_board(animation, (BOARD, CURVES)))}


def _table(animation: Animation) -> Iterator[bytes]:
    yield HEADER.encode()
    frames = [str(i) for i in range(len(animation))]
    for name, curve in zip(animation.controls, (animation.values + 0.0).T, strict=True):
        if curve.min() == curve.max():
            texts = [f"{curve[0]:.6g}"] * len(frames)
        else:
            texts = [f"{value:.6g}" for value in curve.tolist()]
        yield "".join([f"{name},{i},{text}\n" for i, text in zip(frames, texts, strict=True)]).encode()


class UnrealScript:
    """Python for Unreal's editor: keys the face board in the open Level Sequence, after it has compared all names with
    those of the user's rig."""

    suffix = ".unreal.py"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        board = on_board(animation)
        moving = [c for c in board.controls if np.ptp(board.channel(c)) > 0 or board.channel(c)[0] != 0]
        axes = sorted({sibling for c in moving for sibling in _axes(c) if sibling in board.controls})
        return {"": script("unreal", replace(board.select(axes or board.controls[:1]), head=None))}


def _axes(control: str) -> tuple[str, str]:
    """Both axes of a slider: one that moves in two is keyed in both."""
    stem, _, _ = control.rpartition("-")
    return f"{stem}-translateX", f"{stem}-translateY"
