"""Bounded, temporally smooth least squares for whole clips at once."""

from __future__ import annotations

import numpy as np
from scipy.fft import dct, idct

ROUNDS = 1000
RELAX = 1.6
SETTLED = 3e-4
LOOK_EVERY = 10
ADAPT_AT = 4.0
"""The penalty is looked at every few rounds and moved where one residual is so many times the other."""
BLOCK, OVERLAP = 4096, 128
"""Longer clips are solved in blocks that overlap by so many frames."""


def solve_bounded(
    gram: np.ndarray, goal: np.ndarray, smooth: float, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The x [T, C] between ``low`` and ``high`` [C] that minimises the sum over frames of x·``gram``·x / 2 - x·``goal``
    and of ``smooth`` / 2 times the squared change from frame to frame.

    Alternating directions (Boyd et al. 2011, over-relaxed). The step without limits is exact and cheap: controls
    separate by the eigenvectors of ``gram``, frames by cosines. All controls should be of like size.
    """
    count = len(goal)
    if count <= BLOCK + OVERLAP:
        return _solve(gram, goal, smooth, low, high)
    found = np.empty_like(goal)
    for start in range(0, count, BLOCK):
        first, last = max(0, start - OVERLAP), min(count, start + BLOCK + OVERLAP)
        piece = _solve(gram, goal[first:last], smooth, low, high)
        found[start : start + BLOCK] = piece[start - first :][:BLOCK]
    return found


def _solve(
    gram: np.ndarray, goal: np.ndarray, smooth: float, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    values, vectors = np.linalg.eigh(gram)
    waves = smooth * (2 - 2 * np.cos(np.pi * np.arange(len(goal)) / len(goal)))
    stiff = np.maximum(values, 0) + waves[:, None]
    pull = dct(goal, axis=0, norm="ortho") @ vectors
    penalty = float(np.sqrt(max(values[0], 1e-6) * values[-1]))
    z = np.clip(np.zeros_like(goal), low, high)
    dual = np.zeros_like(z)
    for number in range(ROUNDS):
        right = pull + penalty * (dct(z - dual, axis=0, norm="ortho") @ vectors)
        x = idct((right / (stiff + penalty)) @ vectors.T, axis=0, norm="ortho")
        mixed = RELAX * x + (1 - RELAX) * z
        before, z = z, np.clip(mixed + dual, low, high)
        dual += mixed - z
        if number % LOOK_EVERY == LOOK_EVERY - 1:
            apart, moved = np.abs(x - z).max(initial=0.0), np.abs(z - before).max(initial=0.0)
            if max(apart, moved) < SETTLED:
                break
            factor = 2.0 if apart > ADAPT_AT * moved else 0.5 if moved > ADAPT_AT * apart else 1.0
            penalty, dual = penalty * factor, dual / factor
    return z
