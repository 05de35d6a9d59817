"""Controls from what they move: bounded, sparse, temporally smooth least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 800
ROUNDS_AT_ONCE = 8
DROPS = 5
OVER = 1.4
"""Each step goes so much further than its best (projected successive over-relaxation, Cryer 1971)."""
BLOCK = 16384
"""Frames solved together where none depends on the one before."""
SETTLED = 2e-4
"""A round that moves no control by more than this is the last."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Least squares by its normal equations: minimise x·``gram``·x / 2 - x·moment over ``low`` <= x <= ``high`` [C]
    (``low`` at least 0 for controls with a price).

    ``sparse`` is the price of a control's size, ``ridge`` of its square and ``smooth`` of the square of its change
    from frame to frame (each one number, or [C]; the latter two halved, as the first term).
    """

    gram: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sparse: float | np.ndarray = 0.0
    ridge: float | np.ndarray = 0.0
    smooth: float | np.ndarray = 0.0

    @property
    def ties(self) -> np.ndarray:
        """``smooth`` of each control [C]."""
        return np.broadcast_to(np.asarray(self.smooth, np.float32), len(self.gram))


def solve_gram(problem: Problem, moment: np.ndarray, settled: float = SETTLED) -> np.ndarray:
    """The best x [F, C] float32 for ``moment`` [F, C], to within a few times ``settled``.

    Cyclic coordinate descent; with ``smooth`` the even frames move first and then the odd ones between them, so
    that each step is exact and the cost never rises (red-black Gauss-Seidel). Without it frames that have settled
    are left alone.
    """
    price = np.broadcast_to(np.asarray(problem.sparse, np.float32), len(problem.gram))
    goal = np.ascontiguousarray((moment - price).T, np.float32)
    rest = np.clip(np.zeros(len(goal), np.float32), problem.low, problem.high)
    x = np.repeat(rest[:, None], goal.shape[1], axis=1)
    if problem.ties.any():
        _descend(problem, goal, x, ROUNDS, settled)
        return x.T
    for start in range(0, x.shape[1], BLOCK):
        frames = np.arange(start, min(start + BLOCK, x.shape[1]))
        for _ in range(ROUNDS // ROUNDS_AT_ONCE):
            goals, piece = np.ascontiguousarray(goal[:, frames]), np.ascontiguousarray(x[:, frames])
            moved = _descend(problem, goals, piece, ROUNDS_AT_ONCE, settled)
            x[:, frames] = piece
            frames = frames[moved > settled]
            if not len(frames):
                break
    return x.T


def solve_chosen(problem: Problem, moment: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The best x [F, C] float32 of the ``chosen`` controls [F, C] alone; the others are 0, as are those that would
    fall below their limit. Frames that chose alike are solved together (van Benthem and Keenan 2004)."""
    matrix = problem.gram + np.diag(np.broadcast_to(problem.ridge, len(problem.gram)))
    goal = (moment - problem.sparse).astype(np.float64)
    x, kept = np.zeros(goal.shape), chosen & (np.diag(matrix) > 0)
    rows = np.arange(len(goal))
    for _ in range(DROPS):
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


def _descend(problem: Problem, goal: np.ndarray, x: np.ndarray, rounds: int, settled: float) -> np.ndarray:
    """Move ``x`` [C, F] towards its best; returns how far the last round moved each frame [F]."""
    gram = problem.gram.astype(np.float32)
    ridge = np.broadcast_to(np.asarray(problem.ridge, np.float32), len(gram))
    sizes = np.diag(gram) + ridge
    move = _move_smooth if problem.ties.any() else _move
    moved = np.zeros(x.shape[1], np.float32)
    for _ in range(rounds):
        moved[:] = 0
        for c in np.flatnonzero(np.diag(gram) > 0):
            slope = weighed(gram[c], x)
            np.subtract(goal[c], slope, out=slope)
            slope -= ridge[c] * x[c]
            before = x[c].copy()
            move(problem, c, sizes[c], slope, x[c])
            before -= x[c]
            np.maximum(moved, np.abs(before, out=before), out=moved)
        if moved.max(initial=0.0) < settled:
            break
    return moved


def _move(problem: Problem, c: int, size: float, slope: np.ndarray, row: np.ndarray) -> None:
    """Move one control's ``row`` [F] beyond its best by OVER; ``slope`` [F] is how fast its cost falls there."""
    slope *= np.float32(OVER / size)
    slope += row
    np.clip(slope, problem.low[c], problem.high[c], out=row)


def _move_smooth(problem: Problem, c: int, size: float, slope: np.ndarray, row: np.ndarray) -> None:
    """The same where a frame is tied to those beside it: every other frame, and then those between."""
    for half in (slice(0, None, 2), slice(1, None, 2)):
        near, ties = _neighbours(row)
        smooth = problem.ties[c]
        pull = slope + smooth * (near - ties * row)
        step = row + OVER * pull / (size + smooth * ties)
        row[half] = np.clip(step[half], problem.low[c], problem.high[c])


def weighed(weights: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The sum [F] of ``rows`` [C, F], weighed. Not by BLAS, whose threads cost more than so small a product."""
    return np.einsum("c,cf->f", weights, rows)


def _neighbours(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the frames before and after each frame, and how many there are."""
    near, ties = np.zeros_like(row), np.zeros_like(row)
    near[1:] += row[:-1]
    near[:-1] += row[1:]
    ties[1:] += 1
    ties[:-1] += 1
    return near, ties
