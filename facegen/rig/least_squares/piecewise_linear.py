"""Bounded least squares whose controls act along piecewise linear curves, by coordinate descent over whole clips.

With ``f[s]`` the curve of control ``s`` on the goals that it moves and ``b[t]`` the goal of frame ``t``:

    minimise    sum_t  |b[t] - sum_s f[s](x[t, s])|^2 + ridge |x[t]|^2
    subject to  low <= x[t] <= high

where the part of a residual that lies beyond the clamp of its goal counts as none. Such effects are sparse, so that
few controls share a goal and a few sweeps converge; a control is visited again only where one of its goals has moved.

References
----------
Wright, "Coordinate descent algorithms", Mathematical Programming 151, 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from facegen.rig.least_squares.coordinate_descent import weighted_sum

FRAMES_PER_BLOCK = 4096
"""Frames solved together; bounds the memory."""
MAX_SWEEPS = 200
TOLERANCE = 1e-5
"""Control units: a control that moves by less than this has converged."""
LEAST_CURVATURE = 1e-12
"""Keeps the step of a control that moves nothing finite."""
CLAMP_MARGIN = 1e-6
"""A goal this near its clamp counts as clamped."""
LEAST_DAMPING = 0.02
"""Clamped goals don't damp a step, but this share of the whole curvature stays, which keeps the step finite."""


@dataclass(frozen=True, eq=False)
class PiecewiseLinearColumn:
    """What one control does to its goals.

    Attributes
    ----------
    targets : (k,) int array
        Numbers of the goals that it moves.
    knots : (K,) array
        Control values between which the effect is linear; a straight control has one piece, which begins at 0.
    starts, slopes : (K - 1, k) array
        The effect at the beginning of each piece and its slope.
    """

    targets: np.ndarray
    knots: np.ndarray
    starts: np.ndarray
    slopes: np.ndarray

    def values(self, x: np.ndarray) -> np.ndarray:
        """Effects (k, T) at the control values ``x`` (T,)."""
        if len(self.slopes) == 1:
            return self.starts[0][:, None] + self.slopes[0][:, None] * (x - self.knots[0])
        piece = np.clip(np.searchsorted(self.knots, x, side="right") - 1, 0, len(self.slopes) - 1)
        return (self.starts[piece] + self.slopes[piece] * (x - self.knots[piece])[:, None]).T


@dataclass(frozen=True, eq=False)
class _Clamps:
    """Which goals (G, T) lie at their upper and lower clamp, and which goals (G,) do so in any frame."""

    upper: np.ndarray
    lower: np.ndarray
    any_upper: np.ndarray
    any_lower: np.ndarray

    @classmethod
    def of(cls, goal: np.ndarray, limits: tuple[np.ndarray, np.ndarray]) -> _Clamps:
        upper = goal >= limits[1][:, None] - CLAMP_MARGIN
        lower = goal <= limits[0][:, None] + CLAMP_MARGIN
        return cls(upper, lower, upper.any(axis=1), lower.any(axis=1))


def solve_piecewise_linear(
    columns: Sequence[PiecewiseLinearColumn],
    goals: np.ndarray,
    goal_limits: tuple[np.ndarray, np.ndarray],
    ridge: float,
    low: np.ndarray,
    high: np.ndarray,
) -> np.ndarray:
    """Solve for the controls whose curves add up to ``goals``.

    Parameters
    ----------
    columns : sequence of S PiecewiseLinearColumn
    goals : (T, G) float32 array
    goal_limits : pair of (G,) arrays
        Low and high clamp of each goal: a goal at its clamp is met by anything beyond it.
    ridge : float
        What the square of a control costs.
    low, high : (S,) float32 array
        Limits of the controls.

    Returns
    -------
    (T, S) float32 array
    """
    values = np.zeros((len(goals), len(columns)), np.float32)
    for start in range(0, len(goals), FRAMES_PER_BLOCK):
        rows = slice(start, start + FRAMES_PER_BLOCK)
        goal = np.ascontiguousarray(goals[rows].T)
        values[rows] = _descend(columns, goal, _Clamps.of(goal, goal_limits), ridge, (low, high)).T
    return values


def _descend(
    columns: Sequence[PiecewiseLinearColumn],
    goal: np.ndarray,
    clamps: _Clamps,
    ridge: float,
    bounds: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Control values (S, T) for ``goal`` (G, T)."""
    low, high = bounds
    start = np.clip(np.zeros(len(columns), np.float32), low, high)
    values = np.repeat(start[:, None], goal.shape[1], axis=1)
    residual = goal.copy()
    for s, column in enumerate(columns):
        if len(column.targets):
            residual[column.targets] -= column.values(values[s])
    sharing = _sharing_targets(columns)
    pending = {s for s, column in enumerate(columns) if len(column.targets)}
    for _ in range(MAX_SWEEPS):
        sweep, pending = sorted(pending), set()
        for s in sweep:
            column = columns[s]
            error = residual[column.targets]
            clamped = _ignore_beyond_clamps(error, column.targets, clamps)
            new = _optimum(column, error, values[s], ridge, (low[s], high[s]), clamped)
            change = float(np.abs(new - values[s]).max(initial=0.0))
            if change > TOLERANCE:
                residual[column.targets] += column.values(values[s]) - column.values(new)
                values[s] = new
                pending |= sharing[s]
        if not pending:
            break
    return values


def _sharing_targets(columns: Sequence[PiecewiseLinearColumn]) -> list[set[int]]:
    """For each control those, itself among them, that share a goal with it."""
    users: dict[int, set[int]] = {}
    for s, column in enumerate(columns):
        for t in column.targets.tolist():
            users.setdefault(t, set()).add(s)
    return [set().union(*(users[t] for t in column.targets.tolist())) for column in columns]


def _ignore_beyond_clamps(
    error: np.ndarray, targets: np.ndarray, clamps: _Clamps
) -> list[tuple[int, np.ndarray]]:
    """Set the errors (k, T) beyond a clamp to 0 in place; returns the rows that have some, and in which frames (T,)."""
    clamped = []
    for row, t in enumerate(targets.tolist()):
        if clamps.any_upper[t] or clamps.any_lower[t]:
            beyond = (clamps.upper[t] & (error[row] < 0)) | (clamps.lower[t] & (error[row] > 0))
            error[row][beyond] = 0.0
            clamped.append((row, beyond))
    return clamped


def _optimum(
    column: PiecewiseLinearColumn,
    error: np.ndarray,
    old: np.ndarray,
    ridge: float,
    bounds: tuple[float, float],
    clamped: list[tuple[int, np.ndarray]],
) -> np.ndarray:
    """The values (T,) of one control that leave least of ``error`` (k, T), which is what ``old`` leaves. Goals that are
    ``clamped`` don't damp the step, or else a control that moves them would converge too slowly."""
    low, high = bounds
    if len(column.slopes) == 1:
        slope = column.slopes[0]
        whole = max(float(slope @ slope) + ridge, LEAST_CURVATURE)
        curvature = np.full(len(old), whole, np.float32)
        for row, beyond in clamped:
            curvature -= slope[row] ** 2 * beyond
        curvature = np.maximum(curvature, LEAST_DAMPING * whole)
        return np.clip(old + (weighted_sum(slope, error) - ridge * old) / curvature, low, high)
    goal = error + column.values(old)
    best, least_cost = old, np.full(len(old), np.inf, np.float32)
    for piece, slope in enumerate(column.slopes):
        begin, end = max(low, column.knots[piece]), min(high, column.knots[piece + 1])
        if begin > end:
            continue
        rise = goal - (column.starts[piece] - slope * column.knots[piece])[:, None]
        x = np.clip(
            weighted_sum(slope, rise) / max(float(slope @ slope) + ridge, LEAST_CURVATURE), begin, end
        )
        cost = ((rise - slope[:, None] * x) ** 2).sum(axis=0) + ridge * x * x
        best, least_cost = np.where(cost < least_cost, x, best), np.minimum(cost, least_cost)
    return best
