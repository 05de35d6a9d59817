"""The alternating direction method of multipliers: few iterations however strongly frames are tied together.

References
----------
Boyd, Parikh, Chu, Peleato and Eckstein, "Distributed optimization and statistical learning via the alternating
direction method of multipliers", Foundations and Trends in Machine Learning 3, 2011.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, idct

MAX_ITERATIONS = 1000
RELAXATION = 1.6
"""Boyd et al. 2011, section 3.4.3, recommend 1.5 to 1.8."""
TOLERANCE = 3e-4
"""Control units, of the primal and the dual residual alike."""
ITERATIONS_PER_CHECK = 10
MAX_IMBALANCE = 4.0
"""Every few iterations the penalty is doubled or halved where one residual is this many times the other."""
FRAMES_PER_BLOCK, OVERLAP = 4096, 128
"""Longer clips are solved in blocks of so many frames, each with so many more at both ends."""


def solve_admm(
    gram: np.ndarray, moment: np.ndarray, smooth: float, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Solve the smooth problem without prices by the alternating direction method (Boyd et al. 2011).

    The step without limits is exact and cheap: controls separate by the eigenvectors of ``gram``, frames by cosines
    (DCT-II). All controls should be of like size.

    Parameters
    ----------
    gram : (C, C) array
    moment : (T, C) array
    smooth : float
        As in the package's formula, the same for all controls.
    low, high : (C,) array

    Returns
    -------
    (T, C) float64 array
    """
    count = len(moment)
    if count <= FRAMES_PER_BLOCK + OVERLAP:
        return _admm(gram, moment, smooth, low, high)
    x = np.empty_like(moment)
    for start in range(0, count, FRAMES_PER_BLOCK):
        first, last = max(0, start - OVERLAP), min(count, start + FRAMES_PER_BLOCK + OVERLAP)
        block = _admm(gram, moment[first:last], smooth, low, high)
        x[start : start + FRAMES_PER_BLOCK] = block[start - first :][:FRAMES_PER_BLOCK]
    return x


def _admm(
    gram: np.ndarray, moment: np.ndarray, smooth: float, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    values, vectors = np.linalg.eigh(gram)
    frequencies = smooth * (2 - 2 * np.cos(np.pi * np.arange(len(moment)) / len(moment)))
    stiffness = np.maximum(values, 0) + frequencies[:, None]
    pull = dct(moment, axis=0, norm="ortho") @ vectors
    penalty = float(np.sqrt(max(values[0], 1e-6) * values[-1]))
    z = np.clip(np.zeros_like(moment), low, high)
    dual = np.zeros_like(z)
    for number in range(MAX_ITERATIONS):
        right = pull + penalty * (dct(z - dual, axis=0, norm="ortho") @ vectors)
        x = idct((right / (stiffness + penalty)) @ vectors.T, axis=0, norm="ortho")
        relaxed = RELAXATION * x + (1 - RELAXATION) * z
        before, z = z, np.clip(relaxed + dual, low, high)
        dual += relaxed - z
        if number % ITERATIONS_PER_CHECK == ITERATIONS_PER_CHECK - 1:
            primal, change = np.abs(x - z).max(initial=0.0), np.abs(z - before).max(initial=0.0)
            if max(primal, change) < TOLERANCE:
                break
            factor = (
                2.0 if primal > MAX_IMBALANCE * change else 0.5 if change > MAX_IMBALANCE * primal else 1.0
            )
            penalty, dual = penalty * factor, dual / factor
    return z
