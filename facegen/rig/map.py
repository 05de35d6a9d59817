"""The rig map: weights and curves by which the controls of one rig drive those of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from facegen.core.animation import Animation, frozen
from facegen.core.errors import RigError

Knots = tuple[tuple[float, float], ...]
"""A piecewise linear curve: (in, out) pairs in control units with rising ``in``; held beyond its ends."""


@dataclass(frozen=True, eq=False)
class RigMap:
    """A linear map of controls with clamps and, for single entries, curves: target = clamp(source @ weights).

    Attributes
    ----------
    source, target : tuple of str
        The S source and T target controls.
    weights : (S, T) float32 array
    low, high : (T,) float32 array
        Clamps of the target controls, control units; 0 and 1 by default.
    curves : mapping
        (source, target) to the knots that the source's value passes through before it is weighted.

    Raises
    ------
    RigError
        For names given twice, shapes that disagree and broken curves.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    curves: Mapping[tuple[str, str], Knots] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "weights", frozen(self.weights, "weights", 2))
        for names in (self.source, self.target):
            if len(set(names)) != len(names):
                double = next(n for n in names if names.count(n) > 1)
                raise RigError(f"the map names {double!r} twice", remedy="remove one of the rows")
        if self.weights.shape != (len(self.source), len(self.target)):
            raise RigError(
                f"weights have shape {self.weights.shape} for {len(self.source)} x {len(self.target)} controls"
            )
        for name, default in (("low", 0.0), ("high", 1.0)):
            limits = getattr(self, name)
            put(self, name, frozen(np.full(len(self.target), default) if limits is None else limits, name, 1))
        if (self.low > self.high).any():  # type: ignore[operator]
            raise RigError("a clamp has its low above its high")
        put(self, "curves", MappingProxyType({k: check_knots(v) for k, v in dict(self.curves).items()}))
        for source, target in self.curves:
            if source not in self.source or target not in self.target:
                raise RigError(f"a curve leads from {source!r} to {target!r}, which the map has not")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RigMap):
            return NotImplemented
        return (
            (self.source, self.target, dict(self.curves)) == (other.source, other.target, dict(other.curves))
            and np.array_equal(self.weights, other.weights)
            and np.array_equal(self.low, other.low)  # type: ignore[arg-type]
            and np.array_equal(self.high, other.high)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def identity(cls, controls: tuple[str, ...]) -> RigMap:
        """The map of a set of controls onto itself, without clamps."""
        unbounded = np.full(len(controls), np.finfo(np.float32).max)
        return cls(controls, controls, np.eye(len(controls)), -unbounded, unbounded)

    def bends(self) -> list[tuple[int, int, float, np.ndarray]]:
        """Each curved entry: source and target number, weight, and knots (K, 2)."""
        bends = []
        for (source, target), knots in self.curves.items():
            s, t = self.source.index(source), self.target.index(target)
            bends.append((s, t, float(self.weights[s, t]), np.array(knots, np.float32)))
        return bends

    def straight(self) -> np.ndarray:
        """``weights`` (S, T) with 0 for the curved entries."""
        weights = self.weights.copy()
        for s, t, _, _ in self.bends():
            weights[s, t] = 0.0
        return weights

    def free(self, animation: Animation) -> np.ndarray:
        """Target values (frames, T) before they are clamped; source controls that ``animation`` lacks count as 0."""
        source_values = animation.select(self.source).values
        values = source_values @ self.straight()
        for s, t, weight, knots in self.bends():
            values[:, t] += weight * np.interp(source_values[:, s], knots[:, 0], knots[:, 1]).astype(
                np.float32
            )
        return values

    def apply(self, animation: Animation) -> Animation:
        """Drive the target controls by an animation of the source controls.

        Parameters
        ----------
        animation : Animation
            Source controls that it lacks count as 0.

        Returns
        -------
        Animation
            On the target controls, clamped.
        """
        values = self.free(animation)
        return replace(
            animation, controls=self.target, values=np.clip(values, self.low, self.high, out=values)
        )

    def then(self, other: RigMap) -> RigMap:
        """Compose this map, its clamps aside, with ``other``.

        Raises
        ------
        RigError
            Where either has curves: such maps are applied one after the other.
        """
        if self.curves or other.curves:
            raise RigError("maps with curves do not make one map", remedy="apply one after the other")
        place = {name: i for i, name in enumerate(self.target)}
        middle = np.zeros((len(self.target), len(other.target)), np.float32)
        for row, name in enumerate(other.source):
            if name in place:
                middle[place[name]] = other.weights[row]
        return RigMap(self.source, other.target, self.weights @ middle, other.low, other.high)


def check_knots(knots: Knots) -> Knots:
    """``knots`` as plain tuples; RigError unless there are two or more, finite, with rising inputs."""
    pairs = tuple((float(x), float(y)) for x, y in knots)
    if len(pairs) < 2 or not np.isfinite(pairs).all() or (np.diff([x for x, _ in pairs]) <= 0).any():
        raise RigError(
            f"a curve is {' '.join(f'{x:g}:{y:g}' for x, y in pairs) or 'empty'}",
            remedy="give two or more in:out pairs whose inputs rise, such as 0:0 0.5:0.2 1:1",
        )
    return pairs
