"""``RigMap``: how one rig's controls drive another's, as data that a rigger can read and edit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from facegen.animation import Animation, frozen
from facegen.errors import RigError
from facegen.rig.model import Rig


@dataclass(frozen=True, eq=False)
class RigMap:
    """Target = clamp(source · ``weights``): [S, T] float32, clamped to ``low``..``high`` [T].

    Raises RigError for names given twice and shapes that disagree.
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    weights: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

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
            given = getattr(self, name)
            put(self, name, frozen(np.full(len(self.target), default) if given is None else given, name, 1))
        if (self.low > self.high).any():  # type: ignore[operator]
            raise RigError("a clamp has its low above its high")

    @classmethod
    def identity(cls, controls: tuple[str, ...]) -> RigMap:
        """The map of a set of controls onto itself, without clamps."""
        unbounded = np.full(len(controls), np.finfo(np.float32).max)
        return cls(controls, controls, np.eye(len(controls)), -unbounded, unbounded)

    def apply(self, animation: Animation) -> Animation:
        """``animation`` on the target's controls; source controls that it lacks count as 0."""
        values = animation.select(self.source).values @ self.weights
        return replace(animation, controls=self.target, values=np.clip(values, self.low, self.high))

    def then(self, other: RigMap) -> RigMap:
        """This map followed by ``other``, the clamps of this one aside."""
        place = {name: i for i, name in enumerate(self.target)}
        middle = np.zeros((len(self.target), len(other.target)), np.float32)
        for row, name in enumerate(other.source):
            if name in place:
                middle[place[name]] = other.weights[row]
        return RigMap(self.source, other.target, self.weights @ middle, other.low, other.high)

    def invert(self, animation: Animation, smooth: float = 1e-3) -> Animation:
        """The non-negative source values that give ``animation`` best (least squares, ``smooth`` pulls to 0)."""
        from scipy.optimize import nnls

        wanted = animation.select(self.target).values
        bound = np.vstack([self.weights.T, np.sqrt(smooth) * np.eye(len(self.source))])
        pad = np.zeros(len(self.source))
        values = (
            np.stack([nnls(bound, np.r_[row, pad])[0] for row in wanted])
            if len(wanted)
            else np.zeros((0, len(pad)))
        )
        return replace(animation, controls=self.source, values=values)


def find_map(source: Rig, target: Rig) -> RigMap:
    """The map between two rigs: controls of one name drive each other.

    Raises RigError where they share no control.
    """
    shared = [name for name in source.control_names if name in target.control_names]
    if not shared:
        raise RigError(
            f"the rigs {source.name} and {target.name} share no control",
            remedy="give a map from one to the other",
        )
    weights = np.zeros((len(source.controls), len(target.controls)), np.float32)
    for name in shared:
        weights[source.control_names.index(name), target.control_names.index(name)] = 1.0
    low = np.array([c.low for c in target.controls])
    high = np.array([c.high for c in target.controls])
    return RigMap(source.control_names, target.control_names, weights, low, high)
