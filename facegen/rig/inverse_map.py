"""Backwards through a ``RigMap``: bounded least squares for all frames at once.

Cyclic coordinate descent (Wright 2015, "Coordinate descent algorithms"): each source control in turn takes the
value that is best given the others, for a whole block of frames together. A map is sparse, so that few controls
share a target and a few rounds settle it; a control is visited again only where one of its targets has moved.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from facegen.core.animation import Animation
from facegen.rig.least_squares import weighed
from facegen.rig.map import RigMap

BLOCK = 4096
"""Frames solved together."""
ROUNDS = 200
SETTLED = 1e-5
"""A control that moves by less than this is at rest."""
TINY = 1e-12
BINDING = 1e-6
"""A target this near its clamp is at it."""
LEAST_HOLD = 0.02
"""A step is held back by this part at least of all that a control moves."""
FAR = 1e3
"""How far beyond its curve a control without bounds is looked for."""


@dataclass(frozen=True, eq=False)
class _Column:
    """What one source control does: targets [k] and, between ``ends`` [K], the values ``starts`` [K-1, k] at a
    piece's beginning and ``slopes`` [K-1, k]. A straight control has one piece, which begins at 0."""

    targets: np.ndarray
    ends: np.ndarray
    starts: np.ndarray
    slopes: np.ndarray

    def values(self, x: np.ndarray) -> np.ndarray:
        """Contributions [k, F] at the control values ``x`` [F]."""
        if len(self.slopes) == 1:
            return self.starts[0][:, None] + self.slopes[0][:, None] * (x - self.ends[0])
        piece = np.clip(np.searchsorted(self.ends, x, side="right") - 1, 0, len(self.slopes) - 1)
        return (self.starts[piece] + self.slopes[piece] * (x - self.ends[piece])[:, None]).T


def invert(
    rig_map: RigMap,
    animation: Animation,
    smooth: float = 1e-4,
    low: float | np.ndarray = 0.0,
    high: float | np.ndarray = np.inf,
) -> Animation:
    """The source values within ``low``..``high`` from which ``rig_map`` makes ``animation`` best: bounded least squares,
    in which ``smooth`` pulls to 0 and a target at its clamp is met by anything beyond it."""
    values = _inverted(rig_map, animation.select(rig_map.target).values, smooth, low, high)
    return replace(animation, controls=rig_map.source, values=values)


def _inverted(
    rig_map: RigMap, wanted: np.ndarray, smooth: float, low: float | np.ndarray, high: float | np.ndarray
) -> np.ndarray:
    """Source values [F, S] whose image under ``rig_map`` is nearest to ``wanted`` [F, T]."""
    count = len(rig_map.source)
    lows, highs = (np.broadcast_to(np.asarray(b, np.float32), count) for b in (low, high))
    columns = _columns(rig_map, lows, highs)
    values = np.zeros((len(wanted), count), np.float32)
    for start in range(0, len(wanted), BLOCK):
        rows = slice(start, start + BLOCK)
        goal = np.ascontiguousarray(wanted[rows].T)
        values[rows] = _descend(columns, goal, rig_map, smooth, (lows, highs)).T
    return values


def _columns(rig_map: RigMap, lows: np.ndarray, highs: np.ndarray) -> list[_Column]:
    straight, bends = rig_map.straight(), rig_map.bends()
    columns = []
    for s in range(len(rig_map.source)):
        bent = [(t, weight, knots) for source, t, weight, knots in bends if source == s]
        targets = np.unique(np.r_[np.flatnonzero(straight[s]), [t for t, _, _ in bent]]).astype(np.int64)
        linear = straight[s, targets]
        if not bent:
            zero = np.zeros((1, len(targets)), np.float32)
            columns.append(_Column(targets, np.array([0.0, np.inf], np.float32), zero, linear[None]))
            continue
        inner = np.unique(np.concatenate([knots[:, 0] for _, _, knots in bent]))
        first, last = max(lows[s], inner[0] - FAR), min(highs[s], inner[-1] + FAR)
        ends = np.unique(np.r_[min(first, inner[0]), inner, max(last, inner[-1])]).astype(np.float32)
        at = ends[:, None] * linear
        for t, weight, knots in bent:
            at[:, np.searchsorted(targets, t)] += weight * np.interp(ends, knots[:, 0], knots[:, 1])
        slopes = np.diff(at, axis=0) / np.diff(ends)[:, None]
        columns.append(_Column(targets, ends, at[:-1].astype(np.float32), slopes.astype(np.float32)))
    return columns


def _descend(
    columns: list[_Column], goal: np.ndarray, rig_map: RigMap, smooth: float, bounds: tuple
) -> np.ndarray:
    """Source values [S, F] for ``goal`` [T, F]."""
    lows, highs = bounds
    frames = goal.shape[1]
    rest = np.clip(np.zeros(len(columns), np.float32), lows, highs)
    values = np.repeat(rest[:, None], frames, axis=1)
    left = goal.copy()
    for s, column in enumerate(columns):
        if len(column.targets):
            left[column.targets] -= column.values(values[s])
    # Beyond a clamp everything is as good: there a residual of the clamped sign counts as none.
    over = goal >= rig_map.high[:, None] - BINDING  # type: ignore[index]
    under = goal <= rig_map.low[:, None] + BINDING  # type: ignore[index]
    clamps = (over, under, over.any(axis=1), under.any(axis=1))
    sharers = _sharers(columns)
    waiting = {s for s, column in enumerate(columns) if len(column.targets)}
    for _ in range(ROUNDS):
        now, waiting = sorted(waiting), set()
        for s in now:
            column = columns[s]
            error = left[column.targets]
            excused = _excuse(error, column.targets, clamps)
            new = _best(column, error, values[s], smooth, (lows[s], highs[s]), excused)
            moved = float(np.abs(new - values[s]).max(initial=0.0))
            if moved > SETTLED:
                left[column.targets] += column.values(values[s]) - column.values(new)
                values[s] = new
                waiting |= sharers[s]
        if not waiting:
            break
    return values


def _sharers(columns: list[_Column]) -> list[set[int]]:
    """For each control those, itself among them, that share a target with it."""
    users: dict[int, set[int]] = {}
    for s, column in enumerate(columns):
        for t in column.targets.tolist():
            users.setdefault(t, set()).add(s)
    return [set().union(*(users[t] for t in column.targets.tolist())) for column in columns]


def _excuse(error: np.ndarray, targets: np.ndarray, clamps: tuple) -> list[tuple[int, np.ndarray]]:
    """Take away the errors [k, F] that lie beyond a clamp; gives the rows that have some, and where [F]."""
    over, under, any_over, any_under = clamps
    excused = []
    for row, t in enumerate(targets.tolist()):
        if any_over[t] or any_under[t]:
            beyond = (over[t] & (error[row] < 0)) | (under[t] & (error[row] > 0))
            error[row][beyond] = 0.0
            excused.append((row, beyond))
    return excused


def _best(
    column: _Column,
    error: np.ndarray,
    old: np.ndarray,
    smooth: float,
    bounds: tuple[float, float],
    excused: list[tuple[int, np.ndarray]],
) -> np.ndarray:
    """The values [F] of one control that leave least of ``error`` [k, F], which is what ``old`` leaves. Targets that
    are ``excused`` hold no step back, or else a control that moves them would settle too slowly."""
    low, high = bounds
    if len(column.slopes) == 1:
        slope = column.slopes[0]
        whole_size = max(float(slope @ slope) + smooth, TINY)
        size = np.full(len(old), whole_size, np.float32)
        for row, beyond in excused:
            size -= slope[row] ** 2 * beyond
        size = np.maximum(size, LEAST_HOLD * whole_size)
        return np.clip(old + (weighed(slope, error) - smooth * old) / size, low, high)
    whole = error + column.values(old)
    best, least = old, np.full(len(old), np.inf, np.float32)
    for piece, slope in enumerate(column.slopes):
        begin, end = max(low, column.ends[piece]), min(high, column.ends[piece + 1])
        if begin > end:
            continue
        here = whole - (column.starts[piece] - slope * column.ends[piece])[:, None]
        x = np.clip(weighed(slope, here) / max(float(slope @ slope) + smooth, TINY), begin, end)
        cost = ((here - slope[:, None] * x) ** 2).sum(axis=0) + smooth * x * x
        best, least = np.where(cost < least, x, best), np.minimum(cost, least)
    return best
