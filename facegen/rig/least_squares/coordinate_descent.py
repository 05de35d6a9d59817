"""Cyclic coordinate descent: each control in turn takes its optimum given the others, in all frames together.

References
----------
Wright, "Coordinate descent algorithms", Mathematical Programming 151, 2015.
Cryer, "The solution of a quadratic programming problem using systematic overrelaxation", SIAM J. Control 9, 1971.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facegen.rig.least_squares.problem import BoundedProblem

MAX_SWEEPS = 800
SWEEPS_PER_CHECK = 8
"""Sweeps over all controls at most, and between two looks at which frames have converged."""
OVER_RELAXATION = 1.4
"""Each step goes this many times as far as its optimum (Cryer 1971); 1 is plain descent, 2 no longer converges."""
FRAMES_PER_BLOCK = 16384
"""Frames solved together where none depends on the one before; bounds the memory."""
TOLERANCE = 2e-4
"""Control units: a sweep in which no control moves further is the last."""
CORRECTIVE_ROUNDS = 3
LEAST_PRODUCT = 0.02
"""Control units: corrective shapes weaker than this are not taken into account."""


def solve_coordinate_descent(
    problem: BoundedProblem, moment: np.ndarray, tolerance: float = TOLERANCE
) -> np.ndarray:
    """Solve the whole problem by cyclic coordinate descent (Wright 2015), over-relaxed (Cryer 1971).

    With smoothness the even frames of a control move first and then the odd ones (red-black Gauss-Seidel), so that
    each step is exact and the cost never rises. Without it, frames that have converged are left alone.

    Parameters
    ----------
    problem : BoundedProblem
    moment : (T, C) array
        ``A' b[t]`` of each frame.
    tolerance : float
        Control units; the result is within a few times this of the optimum.

    Returns
    -------
    (T, C) float32 array
        Control values.
    """
    price = np.broadcast_to(np.asarray(problem.sparse, np.float32), len(problem.gram))
    goal = np.ascontiguousarray((moment - price).T, np.float32)
    start = np.clip(np.zeros(len(goal), np.float32), problem.low, problem.high)
    x = np.repeat(start[:, None], goal.shape[1], axis=1)
    if problem.smoothness.any():
        _sweep(problem, goal, x, MAX_SWEEPS, tolerance)
        return x.T
    for first in range(0, x.shape[1], FRAMES_PER_BLOCK):
        frames = np.arange(first, min(first + FRAMES_PER_BLOCK, x.shape[1]))
        for _ in range(MAX_SWEEPS // SWEEPS_PER_CHECK):
            goals, values = np.ascontiguousarray(goal[:, frames]), np.ascontiguousarray(x[:, frames])
            change = _sweep(problem, goals, values, SWEEPS_PER_CHECK, tolerance)
            x[:, frames] = values
            frames = frames[change > tolerance]
            if not len(frames):
                break
    return x.T


def _sweep(
    problem: BoundedProblem, goal: np.ndarray, x: np.ndarray, sweeps: int, tolerance: float
) -> np.ndarray:
    """Move ``x`` (C, T) towards the optimum in place; returns how far the last sweep moved each frame (T,)."""
    gram = problem.gram.astype(np.float32)
    ridge = np.broadcast_to(np.asarray(problem.ridge, np.float32), len(gram))
    curvature = np.diag(gram) + ridge
    step = _step_smooth if problem.smoothness.any() else _step
    change = np.zeros(x.shape[1], np.float32)
    for _ in range(sweeps):
        change[:] = 0
        for c in np.flatnonzero(np.diag(gram) > 0):
            descent = weighted_sum(gram[c], x)
            np.subtract(goal[c], descent, out=descent)
            descent -= ridge[c] * x[c]
            before = x[c].copy()
            step(problem, c, curvature[c], descent, x[c])
            before -= x[c]
            np.maximum(change, np.abs(before, out=before), out=change)
        if change.max(initial=0.0) < tolerance:
            break
    return change


def _step(problem: BoundedProblem, c: int, curvature: float, descent: np.ndarray, row: np.ndarray) -> None:
    """Move one control's ``row`` (T,) beyond its optimum; ``descent`` (T,) is its negative gradient."""
    descent *= np.float32(OVER_RELAXATION / curvature)
    descent += row
    np.clip(descent, problem.low[c], problem.high[c], out=row)


def _step_smooth(
    problem: BoundedProblem, c: int, curvature: float, descent: np.ndarray, row: np.ndarray
) -> None:
    """The same where frames are tied to their neighbours: every other frame, and then those between."""
    for half in (slice(0, None, 2), slice(1, None, 2)):
        neighbours, count = _neighbours(row)
        smooth = problem.smoothness[c]
        pull = descent + smooth * (neighbours - count * row)
        step = row + OVER_RELAXATION * pull / (curvature + smooth * count)
        row[half] = np.clip(step[half], problem.low[c], problem.high[c])


def weighted_sum(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """``weights @ rows`` (T,) of ``rows`` (C, T), not by BLAS, whose threads cost more than so small a product."""
    return np.einsum("c,cf->f", weights, rows)


def _neighbours(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the frames before and after each frame, and how many there are."""
    total, count = np.zeros_like(row), np.zeros_like(row)
    total[1:] += row[:-1]
    total[:-1] += row[1:]
    count[1:] += 1
    count[:-1] += 1
    return total, count


def solve_with_correctives(
    problem: BoundedProblem,
    moment: np.ndarray,
    coupling: np.ndarray,
    products: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Solve with corrective shapes, whose weights are products of controls, by fixed-point iteration.

    The effect of the correctives at the last solution is taken off the goal, and the rest is solved again.

    Parameters
    ----------
    problem, moment
        As for ``solve_coordinate_descent``.
    coupling : (K, C) array
        Inner products of the K corrective shapes with the effects of the controls.
    products : callable
        Control values (T, C) to the weights of the correctives (T, K).

    Returns
    -------
    (T, C) float32 array
    """
    values = solve_coordinate_descent(problem, moment)
    for _ in range(CORRECTIVE_ROUNDS if len(coupling) else 0):
        weights = products(values)
        if weights.max(initial=0.0) < LEAST_PRODUCT:
            break
        values = solve_coordinate_descent(problem, moment - weights @ coupling)
    return values
