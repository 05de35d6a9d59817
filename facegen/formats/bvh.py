"""``.bvh``: the head's pose and the turns of both eyes as a skeleton of three joints (Biovision hierarchy)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.units import EYE_DEGREES_SIDE, EYE_DEGREES_UP
from facegen.rig import Rig, default_head, load_rig

ROWS_AT_ONCE = 1024
_LOOKS = tuple(f"eyeLook{way}{side}" for side in ("Left", "Right") for way in ("In", "Out", "Down", "Up"))
_TURNS = "Yrotation Xrotation Zrotation"
"""In this order a reader's matrix is that of the head: yaw, then pitch, then roll about the axes as turned."""


class Bvh:
    """Root ``Head`` with shift (cm, +Y up, face towards +Z) and turns, joints ``LeftEye`` and ``RightEye`` with turns;
    degrees. The head's shift is from where the rig has its pivot."""

    suffix = ".bvh"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        if animation.head is None and not set(_LOOKS) & set(animation.controls):
            raise UsageError(
                "the animation moves neither head nor eyes of ARKit's names",
                remedy="retarget it to arkit first",
            )
        head = default_head(rig or load_rig("arkit"))
        pivots = {
            name: np.array(head.pivots.get(name, (0, 0, 0)), float)
            for name in ("head", "eyeLeft", "eyeRight")
        }
        return {"": _chunks(animation, pivots)}


def _chunks(animation: Animation, pivots: Mapping[str, np.ndarray]) -> Iterator[bytes]:
    left, right = (_place(pivots[name] - pivots["head"]) for name in ("eyeLeft", "eyeRight"))
    yield (
        f"HIERARCHY\nROOT Head\n{{\n\tOFFSET 0 0 0\n\tCHANNELS 6 Xposition Yposition Zposition {_TURNS}\n"
        f"{_joint('LeftEye', left)}{_joint('RightEye', right)}}}\n"
        f"MOTION\nFrames: {len(animation)}\nFrame Time: {float(1 / animation.fps):.10f}\n"
    ).encode()
    template = " ".join(["%.6f"] * 12)
    for start in range(0, len(animation), ROWS_AT_ONCE):
        rows = _rows(animation, slice(start, start + ROWS_AT_ONCE), pivots["head"])
        yield ("\n".join([template % tuple(row) for row in rows.tolist()]) + "\n").encode()


def _rows(animation: Animation, part: slice, pivot: np.ndarray) -> np.ndarray:
    """Position of the head and turns of head, left and right eye, [T, 12] cm and degrees."""
    looks = animation.select(_LOOKS).values[part].astype(np.float64).reshape(-1, 2, 4)
    rows = np.zeros((len(looks), 12))
    rows[:, :3] = pivot
    if animation.head is not None:
        rows[:, :3] += animation.head[part, 3:]
        rows[:, 3:6] = np.degrees(animation.head[part, :3].astype(np.float64))
    for first, eye, outward in ((6, 0, 1), (9, 1, -1)):
        inside, out, down, up = looks[:, eye].T
        rows[:, first] = outward * EYE_DEGREES_SIDE * (out - inside)
        rows[:, first + 1] = EYE_DEGREES_UP * (down - up)
    return np.round(rows, 6) + 0.0


def _joint(name: str, place: str) -> str:
    return (
        f"\tJOINT {name}\n\t{{\n\t\tOFFSET {place}\n\t\tCHANNELS 3 {_TURNS}\n"
        "\t\tEnd Site\n\t\t{\n\t\t\tOFFSET 0 0 1\n\t\t}\n\t}\n"
    )


def _place(offset: np.ndarray) -> str:
    return " ".join(f"{x:.6f}" for x in offset)
