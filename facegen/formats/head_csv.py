"""``.head.csv`` and ``.ifm.txt``: the head's curves as a table, and frames as the app iFacialMocap sends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.errors import UsageError
from facegen.rig import ARKIT, Rig
from facegen.rig.head_pose import ifacialmocap_texts

ROWS_AT_ONCE = 1024
HEADER = "time," + ",".join(HEAD_CHANNELS) + "\n"


class HeadCsv:
    """``time,yaw,pitch,roll,x,y,z``: seconds of each frame's start, degrees (yaw to the character's left, pitch down,
    roll to its right), cm; zeros for a head that does not move."""

    suffix = ".head.csv"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        head = np.zeros((len(animation), 6), np.float32) if animation.head is None else animation.head
        return {"": _head_rows(animation, head)}


def _head_rows(animation: Animation, head: np.ndarray) -> Iterator[bytes]:
    yield HEADER.encode()
    rows = np.concatenate([animation.times[:, None], head], axis=1)
    rows[:, 1:4] = np.degrees(rows[:, 1:4])
    rows = np.round(rows, 6) + 0.0
    template = ",".join(["%.6f"] * 7)
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE].tolist()
        yield ("\n".join([template % tuple(row) for row in part]) + "\n").encode()


class IFacialMocapText:
    """A line a frame, as the app's datagrams: ``name-PERCENT|…|=head#…|rightEye#…|leftEye#…|``; no times."""

    suffix = ".ifm.txt"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        if not set(animation.controls) & set(ARKIT):
            raise UsageError(
                "the animation has none of the 52 ARKit controls that the app sends",
                remedy="retarget it to the rig arkit first",
            )
        return {"": _lines(animation.select(ARKIT))}


def _lines(animation: Animation) -> Iterator[bytes]:
    for start in range(0, len(animation), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        head = None if animation.head is None else animation.head[rows]
        yield ("\n".join(ifacialmocap_texts(animation.values[rows], head)) + "\n").encode()
