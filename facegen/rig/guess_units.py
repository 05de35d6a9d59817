"""Units of files that do not say theirs: told from the size of what is in them."""

from __future__ import annotations

import numpy as np

HEAD_CM = (15.0, 60.0)
"""Heights of a head alone to a bust."""
UNITS = {"metres": 100.0, "millimetres": 0.1, "inches": 2.54, "decimetres": 10.0}


def guess_scale(vertices: np.ndarray) -> tuple[float, str]:
    """What makes cm of the units of a head's ``vertices`` [V, 3], and a note where that is not 1; heads whose size
    fits no unit are scaled to 30 cm."""
    height = float(np.ptp(vertices[:, 1]))
    if height <= 0 or HEAD_CM[0] <= height <= HEAD_CM[1]:
        return 1.0, ""
    for name, scale in UNITS.items():
        if HEAD_CM[0] <= height * scale <= HEAD_CM[1]:
            return scale, f"taken as {name}: the head is {height * scale:.0f} cm high"
    return 30.0 / height, f"{height:.3g} units high fits no unit of length: scaled to 30 cm"
