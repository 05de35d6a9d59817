"""Report on a retargeting: clipped, unmapped and idle controls, and the error of a round trip, in mm on the face."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from facegen.core.animation import Animation
from facegen.rig.load import default_head
from facegen.rig.map import RigMap
from facegen.rig.model import Rig
from facegen.rig.retarget import MOVED_CM, RetargetChain, control_fields

MOVING = 1e-3
"""Control units: a control that stays below this does not move."""
CLIPPED = 1e-3
"""Control units: a value further than this beyond its clamp is clipped."""


class _Mapping(Protocol):
    @property
    def target(self) -> tuple[str, ...]: ...

    def apply(self, animation: Animation) -> Animation: ...


@dataclass(frozen=True)
class RegionResidual:
    """Root mean square error over the vertices (or controls) of a region: its mean over the frames and that of the worst
    frame, in ``unit``."""

    name: str
    mean: float
    worst: float
    unit: str


@dataclass(frozen=True)
class RetargetReport:
    """``clipped``: target control, share of the frames, furthest beyond its clamp. ``unmapped``: source control that
    moves and goes nowhere, its peak. ``idle``: target controls that nothing drives. ``round_trip``: source control,
    mean absolute error there and back; ``mean_round_trip`` is over all controls that are not unmapped."""

    source: str
    target: str
    frames: int
    regions: tuple[RegionResidual, ...]
    clipped: tuple[tuple[str, float, float], ...]
    unmapped: tuple[tuple[str, float], ...]
    idle: tuple[str, ...]
    round_trip: tuple[tuple[str, float], ...]
    mean_round_trip: float

    def plain(self) -> dict[str, Any]:
        """The report as JSON values."""
        return asdict(self)


def measure_retargeting(
    animation: Animation, chain: RetargetChain, back: _Mapping, source: Rig, target: Rig
) -> RetargetReport:
    """Measure what is lost on the way from ``source`` to ``target`` and back.

    Parameters
    ----------
    animation : Animation
        On the controls of ``source``.
    chain, back
        The chain to ``target`` and the one back (``facegen.rig.retarget.find_mapping``).
    source, target : Rig

    Returns
    -------
    RetargetReport
    """
    names = source.control_names
    original = animation.select(names)
    retargeted = chain.apply(original)
    returned = back.apply(retargeted).select(names)
    low, high = (np.array([getattr(c, end) for c in source.controls], np.float32) for end in ("low", "high"))
    error = returned.values - np.clip(original.values, low, high)
    unmapped = _unmapped(original, chain)
    lost = {name for name, _ in unmapped}
    trip = [(n, float(e)) for n, e in zip(names, _mean(np.abs(error)), strict=True) if n not in lost]
    return RetargetReport(
        source.name,
        target.name,
        len(original),
        tuple(_regions(source, error)),
        tuple(_clipped(original, chain)),
        unmapped,
        tuple(n for n in chain.target if n not in _driven(chain)),
        tuple(sorted(trip, key=lambda row: -row[1])),
        float(np.mean([e for _, e in trip])) if trip else 0.0,
    )


def _mean(rows: np.ndarray) -> np.ndarray:
    return rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])


def _regions(source: Rig, error: np.ndarray) -> list[RegionResidual]:
    """The residual of each region of the source: mm where its controls have a head, else in control units."""
    names = list(dict.fromkeys(c.region or "face" for c in source.controls))
    members = {n: [i for i, c in enumerate(source.controls) if (c.region or "face") == n] for n in names}
    if source.mesh is None and not source.head:
        return [_region(n, (error[:, m] ** 2).mean(axis=1), "control units", 1.0) for n, m in members.items()]
    fields = control_fields(default_head(source), source.control_names)
    far = np.linalg.norm(fields, axis=2)
    found = []
    for name, rows in members.items():
        moved = far[rows].max(axis=0) > MOVED_CM
        if moved.any():
            kept = fields[:, moved].reshape(len(fields), -1).astype(np.float64)
            square = np.einsum("fc,cd,fd->f", error, kept @ kept.T / moved.sum(), error, optimize=True)
            found.append(_region(name, square, "mm", 10.0))
    return found


def _region(name: str, square: np.ndarray, unit: str, scale: float) -> RegionResidual:
    size = scale * np.sqrt(np.maximum(square, 0))
    return RegionResidual(name, float(size.mean()) if len(size) else 0.0, float(size.max(initial=0.0)), unit)


def _clipped(animation: Animation, chain: RetargetChain) -> list[tuple[str, float, float]]:
    found = []
    for step in chain.steps:
        if isinstance(step, RigMap):
            free = step.free(animation)
            beyond = np.maximum(free - step.high, step.low - free)
            for column in np.flatnonzero(beyond.max(axis=0, initial=0.0) > CLIPPED).tolist():
                share = float((beyond[:, column] > CLIPPED).mean())
                found.append((step.target[column], share, float(beyond[:, column].max())))
        animation = step.apply(animation)
    return sorted(found, key=lambda row: -row[1])


def _unmapped(animation: Animation, chain: RetargetChain) -> tuple[tuple[str, float], ...]:
    peaks = np.abs(animation.values).max(axis=0, initial=0.0)
    first = chain.steps[0]
    used = {name for name, row in zip(first.source, _links(first), strict=True) if row.any()}
    return tuple(
        (name, float(peak))
        for name, peak in zip(animation.controls, peaks, strict=True)
        if peak > MOVING and name not in used
    )


def _driven(chain: RetargetChain) -> set[str]:
    reached = np.ones(len(chain.source), bool)
    names: Sequence[str] = chain.source
    for step in chain.steps:
        live = np.isin(step.source, [n for n, on in zip(names, reached, strict=True) if on])
        reached, names = _links(step)[live].any(axis=0), step.target
    return {n for n, on in zip(names, reached, strict=True) if on}


def _links(step: Any) -> np.ndarray:
    """Which source [S] of a step leads to which of its targets [T], [S, T]."""
    return step.weights != 0 if isinstance(step, RigMap) else (step.map.weights != 0).T
