"""What a measure may look at, and what a measure is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from facegen.core.animation import Animation
from facegen.rig import Rig
from facegen.speech.phones import Features, PhoneTrack


class NotApplicable(Exception):
    """Raised by a measure that has no answer for its evidence; the message says why."""


@dataclass(frozen=True)
class MetricInputs:
    """``pred`` and what it is held against.

    ``reference`` has the rate of ``pred`` (the caller resamples it); of two lengths the shorter counts. ``rig`` is
    a head with a mesh, ``features`` and ``phones`` are those of the sound, ``others`` the same clip by other seeds.
    """

    pred: Animation
    reference: Animation | None = None
    rig: Rig | None = None
    features: Features | None = None
    phones: PhoneTrack | None = None
    others: tuple[Animation, ...] = ()

    def __post_init__(self) -> None:
        against = [*self.others, *([self.reference] if self.reference is not None else [])]
        if any(other.fps != self.pred.fps for other in against):
            raise ValueError("animations that are held against one another must have one frame rate")
        object.__setattr__(self, "others", tuple(self.others))

    @property
    def fps(self) -> Fraction:
        return self.pred.fps

    def has(self, needs: Sequence[str]) -> bool:
        """Whether every one of the fields ``needs`` is given."""
        return all(getattr(self, name) not in (None, ()) for name in needs)

    def pair(self) -> tuple[Animation, Animation]:
        """``pred`` and ``reference``, both cut to the frames that they share. NotApplicable where there are none."""
        assert self.reference is not None
        return trimmed(self.pred, self.reference)


def trimmed(one: Animation, other: Animation) -> tuple[Animation, Animation]:
    """Both cut to the frames that they share. NotApplicable where there are none."""
    count = min(len(one), len(other))
    if count == 0:
        raise NotApplicable("there is no frame to compare")
    return _first(one, count), _first(other, count)


def _first(animation: Animation, count: int) -> Animation:
    if len(animation) == count:
        return animation
    head = None if animation.head is None else animation.head[:count]
    return replace(animation, values=animation.values[:count], head=head)


@dataclass(frozen=True)
class Measure:
    """One row of the table.

    ``better`` is ``low``, ``high`` or ``range`` (neither less nor more than people); ``needs`` names
    the fields of MetricInputs beside ``pred`` that ``run`` reads. ``run`` raises NotApplicable where there is no answer.
    """

    name: str
    group: str
    unit: str
    better: str
    needs: tuple[str, ...]
    source: str
    formula: str
    run: Callable[[MetricInputs], float | None]


@dataclass(frozen=True)
class MetricResult:
    """The value of one measure, or None and the reason."""

    measure: Measure
    value: float | None
    reason: str = ""


def chosen(animation: Animation, names: Sequence[str], what: str) -> np.ndarray:
    """The curves [T, n] float64 of those of ``names`` that the animation has. NotApplicable where it has none of them."""
    columns = [i for i, name in enumerate(animation.controls) if name in names]
    if not columns:
        raise NotApplicable(f"it has no controls of the {what}")
    return animation.values[:, columns].astype(np.float64)
