"""The terms of a bounded least squares problem that all of its frames share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class BoundedProblem:
    """The terms of the problem that all frames share; see the package's formula.

    Attributes
    ----------
    gram : (C, C) array
        ``A' A`` of the effects of the controls.
    low, high : (C,) array
        Limits in control units; ``low`` is at least 0 for controls with a price.
    sparse, ridge, smooth : float or (C,) array
        What a control costs by its size, by its square and by the square of its change from frame to frame, in the
        unit of ``gram``.
    """

    gram: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sparse: float | np.ndarray = 0.0
    ridge: float | np.ndarray = 0.0
    smooth: float | np.ndarray = 0.0

    @property
    def smoothness(self) -> np.ndarray:
        """``smooth`` of each control, (C,) float32."""
        return np.broadcast_to(np.asarray(self.smooth, np.float32), len(self.gram))
