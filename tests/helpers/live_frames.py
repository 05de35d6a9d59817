"""A frame as the live engine sends it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from facegen.live.sinks import Frame
from facegen.rig import ARKIT

VALUES = (np.arange(52) / 64).astype(np.float32)
HEAD = np.array([0.25, -0.125, 0.0625, 1.0, -2.0, 4.0], np.float32)


def frame(index=7, fps="30000/1001", values=VALUES, head=HEAD):
    rate = Fraction(fps)
    return Frame(index, float(index / rate), rate, ARKIT, values, head)
