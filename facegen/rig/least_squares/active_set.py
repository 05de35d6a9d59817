"""Exact least squares of a given choice of controls: frames with the same choice share one factorisation.

References
----------
van Benthem and Keenan, "Fast algorithm for the solution of large-scale non-negativity-constrained least squares
problems", J. Chemometrics 18, 2004.
"""

from __future__ import annotations

import numpy as np

from facegen.rig.least_squares.problem import BoundedProblem

MAX_EXCLUSIONS = 5
"""How often controls that fall below their limit are excluded and the rest solved again."""


def solve_active_set(problem: BoundedProblem, moment: np.ndarray, active: np.ndarray) -> np.ndarray:
    """Solve for the ``active`` controls alone, exactly; the others are 0 (van Benthem and Keenan 2004).

    Frames with the same choice share one factorisation. Controls that fall below their limit are excluded.

    Parameters
    ----------
    problem : BoundedProblem
        Without ``smooth``.
    moment : (T, C) array
    active : (T, C) bool array

    Returns
    -------
    (T, C) float32 array
    """
    matrix = problem.gram + np.diag(np.broadcast_to(problem.ridge, len(problem.gram)))
    goal = (moment - problem.sparse).astype(np.float64)
    x, kept = np.zeros(goal.shape), active & (np.diag(matrix) > 0)
    rows = np.arange(len(goal))
    for _ in range(MAX_EXCLUSIONS):
        patterns, group = np.unique(np.packbits(kept[rows], axis=1), axis=0, return_inverse=True)
        order = np.argsort(group.reshape(-1), kind="stable")
        ends = np.searchsorted(group.reshape(-1)[order], np.arange(len(patterns) + 1))
        for number in range(len(patterns)):
            same = rows[order[ends[number] : ends[number + 1]]]
            on = np.flatnonzero(kept[same[0]])
            x[same] = 0.0
            x[np.ix_(same, on)] = np.linalg.solve(matrix[np.ix_(on, on)], goal[np.ix_(same, on)].T).T
        below = kept[rows] & (x[rows] < problem.low)
        kept[rows] &= ~below
        rows = rows[below.any(axis=1)]
        if not len(rows):
            break
    return np.clip(x, problem.low, problem.high).astype(np.float32)
