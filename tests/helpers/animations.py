"""An animation in which every control and the head move."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation
from facegen.rig import ARKIT


def wave(frames=12, fps=30, head=True):
    """Curves that rise and fall one after another, and a head that nods."""
    phase = np.linspace(0, 3, frames)[:, None] + np.arange(52) / 9
    turn = 0.1 * np.sin(np.linspace(0, 3, frames))[:, None] * np.array([1, 2, -1, 0, 0.5, 0])
    return Animation(fps, ARKIT, 0.5 + 0.5 * np.sin(phase), turn if head else None)
