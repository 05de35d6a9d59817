"""A rig map taken backwards: the source controls from which it makes given target controls best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facegen.core.animation import Animation
from facegen.rig.least_squares import PiecewiseLinearColumn, solve_piecewise_linear
from facegen.rig.map import RigMap

EXTRAPOLATION = 1e3
"""Control units: how far beyond its curve a control without limits is searched."""


def invert(
    rig_map: RigMap,
    animation: Animation,
    ridge: float = 1e-4,
    low: float | np.ndarray = 0.0,
    high: float | np.ndarray = np.inf,
) -> Animation:
    """Find the source controls whose image under ``rig_map`` is nearest to ``animation``.

    Parameters
    ----------
    rig_map : RigMap
        From S source to G target controls; may have curves.
    animation : Animation
        On the map's target controls; those that it lacks count as 0.
    ridge : float
        What the square of a source control costs beside the squared error; draws undetermined controls to 0.
    low, high : float or (S,) array
        Limits of the source controls, control units.

    Returns
    -------
    Animation
        On the map's source controls. A target at its clamp is met by anything beyond it.
    """
    count = len(rig_map.source)
    lows, highs = (np.broadcast_to(np.asarray(b, np.float32), count) for b in (low, high))
    columns = _columns(rig_map, lows, highs)
    goals = animation.select(rig_map.target).values
    clamps = (rig_map.low, rig_map.high)
    values = solve_piecewise_linear(columns, goals, clamps, ridge, lows, highs)  # type: ignore[arg-type]
    return replace(animation, controls=rig_map.source, values=values)


def _columns(rig_map: RigMap, lows: np.ndarray, highs: np.ndarray) -> list[PiecewiseLinearColumn]:
    """What each source control does to the target controls, its curves added to its straight weights."""
    straight, bends = rig_map.straight(), rig_map.bends()
    columns = []
    for s in range(len(rig_map.source)):
        bent = [(t, weight, knots) for source, t, weight, knots in bends if source == s]
        targets = np.unique(np.r_[np.flatnonzero(straight[s]), [t for t, _, _ in bent]]).astype(np.int64)
        linear = straight[s, targets]
        if not bent:
            zero = np.zeros((1, len(targets)), np.float32)
            columns.append(
                PiecewiseLinearColumn(targets, np.array([0.0, np.inf], np.float32), zero, linear[None])
            )
            continue
        inner = np.unique(np.concatenate([knots[:, 0] for _, _, knots in bent]))
        first, last = max(lows[s], inner[0] - EXTRAPOLATION), min(highs[s], inner[-1] + EXTRAPOLATION)
        ends = np.unique(np.r_[min(first, inner[0]), inner, max(last, inner[-1])]).astype(np.float32)
        effect = ends[:, None] * linear
        for t, weight, knots in bent:
            effect[:, np.searchsorted(targets, t)] += weight * np.interp(ends, knots[:, 0], knots[:, 1])
        slopes = np.diff(effect, axis=0) / np.diff(ends)[:, None]
        columns.append(
            PiecewiseLinearColumn(targets, ends, effect[:-1].astype(np.float32), slopes.astype(np.float32))
        )
    return columns
