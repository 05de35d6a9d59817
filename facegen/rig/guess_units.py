"""Guessing the unit of length of a file that does not state it, from the size of the head."""

from __future__ import annotations

import numpy as np

HEAD_CM = (15.0, 60.0)
"""Heights, cm, from a head alone to a bust."""
UNITS = {"metres": 100.0, "millimetres": 0.1, "inches": 2.54, "decimetres": 10.0}
"""Unit to its length in cm, in the order in which they are tried."""


def guess_scale(vertices: np.ndarray) -> tuple[float, str]:
    """Guess the scale to cm of a head's vertices.

    Parameters
    ----------
    vertices : (V, 3) array
        In the file's unit, +Y up.

    Returns
    -------
    scale : float
        Heads whose size fits no unit are scaled to 30 cm.
    note : str
        What was guessed; empty where the scale is 1.
    """
    height = float(np.ptp(vertices[:, 1]))
    if height <= 0 or HEAD_CM[0] <= height <= HEAD_CM[1]:
        return 1.0, ""
    for name, scale in UNITS.items():
        if HEAD_CM[0] <= height * scale <= HEAD_CM[1]:
            return scale, f"taken as {name}: the head is {height * scale:.0f} cm high"
    return 30.0 / height, f"{height:.3g} units high fits no unit of length: scaled to 30 cm"
