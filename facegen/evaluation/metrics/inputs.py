"""``MetricInputs``, what a metric may read, and ``Metric``, one row of the table of metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from facegen.core.animation import Animation
from facegen.rig import Rig
from facegen.speech.phones import Features, PhoneTrack


class NotApplicable(Exception):
    """Raised by a metric that has no value for its inputs; the message says why."""


@dataclass(frozen=True)
class MetricInputs:
    """The animation to judge and what it is compared with.

    Attributes
    ----------
    pred : Animation
        The animation to judge.
    reference : Animation or None
        The true animation, at the frame rate of ``pred`` (the caller resamples it); the shorter length counts.
    rig : Rig or None
        A head with a mesh on which both are shown.
    features, phones : Features and PhoneTrack or None
        What the sound holds.
    others : tuple of Animation
        The same clip solved with other seeds.

    Raises
    ------
    ValueError
        Where frame rates differ.
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
            raise ValueError("animations that are compared must have one frame rate")
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
class Metric:
    """One row of the table of metrics: a figure of an animation, and how to compute it.

    To add one, write a function of ``MetricInputs`` and append a row to ``ROWS`` of the file that fits
    (``lips.py``, ``vertices.py``, ``eyes.py``, ``motion.py``, ``audio_sync.py``); ``table.py`` collects them:

    .. code-block:: python

        def mean_jaw(inputs: MetricInputs) -> float:
            return float(chosen(inputs.pred, ("jawOpen",), "jaw").mean())

        Metric("mean_jaw", "lips", "1", "range", (), "", "mean over frames of jawOpen", mean_jaw)

    Attributes
    ----------
    name : str
        Unique name, as JSON output has it.
    group : str
        One of ``GROUPS``.
    unit : str
        Unit of the value; ``1`` for a plain number.
    better : str
        ``low``, ``high`` or ``range`` (neither less nor more than people show).
    needs : tuple of str
        Fields of MetricInputs beside ``pred`` that ``run`` reads; the metric is left out where one is missing.
    source : str
        Paper and year, or the method.
    formula : str
        The definition in words.
    run : callable
        Returns the value. Raises NotApplicable, with the reason as its message, where there is none.
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
    """The value of one metric, or None and the reason why there is none."""

    measure: Metric
    value: float | None
    reason: str = ""


def chosen(animation: Animation, names: Sequence[str], what: str) -> NDArray[np.float64]:
    """Return the curves of those of ``names`` that the animation has.

    Parameters
    ----------
    animation : Animation
        Curves (T, C).
    names : sequence of str
        Control names.
    what : str
        What the controls move, for the error's message.

    Returns
    -------
    (T, n) float64
        The curves, in the animation's order.

    Raises
    ------
    NotApplicable
        Where the animation has none of ``names``.
    """
    columns = [i for i, name in enumerate(animation.controls) if name in names]
    if not columns:
        raise NotApplicable(f"it has no controls of the {what}")
    return animation.values[:, columns].astype(np.float64)
