"""Controls from what they move: bounded, sparse, temporally smooth least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 800
ROUNDS_AT_ONCE = 8
OVER = 1.4
"""Each step goes so much further than its best (projected successive over-relaxation, Cryer 1971)."""
BLOCK = 8192
"""Frames solved together where none depends on the one before."""
SETTLED = 2e-4
"""A round that moves no control by more than this is the last."""


@dataclass(frozen=True, eq=False)
class Problem:
    """Least squares by its normal equations: minimise x·``gram``·x / 2 - x·moment over ``low`` <= x <= ``high`` [C]
    (``low`` at least 0 for controls with a price).

    ``sparse`` is the price of a control's size and ``ridge`` of its square (one number, or [C]), ``smooth`` of the
    square of its change from frame to frame (these two halved, as the first term).
    """

    gram: np.ndarray
    low: np.ndarray
    high: np.ndarray
    sparse: float | np.ndarray = 0.0
    ridge: float | np.ndarray = 0.0
    smooth: float = 0.0


def solve_gram(problem: Problem, moment: np.ndarray) -> np.ndarray:
    """The best x [F, C] float32 for ``moment`` [F, C].

    Cyclic coordinate descent; with ``smooth`` the even frames move first and then the odd ones between them, so
    that each step is exact and the cost never rises (red-black Gauss-Seidel). Without it frames that have settled
    are left alone.
    """
    price = np.broadcast_to(np.asarray(problem.sparse, np.float32), len(problem.gram))
    goal = np.ascontiguousarray((moment - price).T, np.float32)
    rest = np.clip(np.zeros(len(goal), np.float32), problem.low, problem.high)
    x = np.repeat(rest[:, None], goal.shape[1], axis=1)
    if problem.smooth > 0:
        _descend(problem, goal, x, ROUNDS)
        return x.T
    for start in range(0, x.shape[1], BLOCK):
        frames = np.arange(start, min(start + BLOCK, x.shape[1]))
        for _ in range(ROUNDS // ROUNDS_AT_ONCE):
            piece = np.ascontiguousarray(x[:, frames])
            moved = _descend(problem, np.ascontiguousarray(goal[:, frames]), piece, ROUNDS_AT_ONCE)
            x[:, frames] = piece
            frames = frames[moved > SETTLED]
            if not len(frames):
                break
    return x.T


def _descend(problem: Problem, goal: np.ndarray, x: np.ndarray, rounds: int) -> np.ndarray:
    """Move ``x`` [C, F] towards its best; returns how far the last round moved each frame [F]."""
    gram = problem.gram.astype(np.float32)
    sizes = np.diag(problem.gram) + problem.ridge
    moved = np.zeros(x.shape[1], np.float32)
    free = np.flatnonzero(np.diag(gram) > 0)
    for _ in range(rounds):
        moved[:] = 0
        for c in free:
            before = x[c].copy()
            _move(problem, c, sizes[c], goal[c] - gram[c] @ x + gram[c, c] * before, x[c])
            np.maximum(moved, np.abs(x[c] - before), out=moved)
        if moved.max(initial=0.0) < SETTLED:
            break
    return moved


def _move(problem: Problem, c: int, size: float, pull: np.ndarray, row: np.ndarray) -> None:
    """Move one control's ``row`` [F] to its best for the ``pull`` [F] on it."""
    if problem.smooth <= 0:
        np.clip(row + OVER * (pull / size - row), problem.low[c], problem.high[c], out=row)
        return
    for half in (slice(0, None, 2), slice(1, None, 2)):
        near, ties = _neighbours(row)
        best = (pull + problem.smooth * near)[half] / (size + problem.smooth * ties[half])
        row[half] = np.clip(best, problem.low[c], problem.high[c])


def _neighbours(row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the frames before and after each frame, and how many there are."""
    near, ties = np.zeros_like(row), np.zeros_like(row)
    near[1:] += row[:-1]
    near[:-1] += row[1:]
    ties[1:] += 1
    ties[:-1] += 1
    return near, ties
