"""``Animation``: control curves over time, independent of any rig's mesh or file format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np

from facegen.core.errors import AnimationFileError, UsageError, nearest
from facegen.core.registry import load_object
from facegen.core.units import as_fps, frame_count

HEAD_CHANNELS = ("yaw", "pitch", "roll", "x", "y", "z")
"""Head pose columns: radians (yaw turns to the character's left, pitch down, roll to its right), cm."""


CHECKED = 2**16  # rows looked at at a time


def frozen(array: Any, name: str, ndim: int) -> np.ndarray:
    """A read-only, contiguous, finite float32 array, copied unless it is all that already.

    Parameters
    ----------
    array : array_like
        Numbers.
    name : str
        What messages call it.
    ndim : int
        The number of axes that it must have.

    Raises
    ------
    AnimationFileError
        For what is no array of numbers, has other axes, or holds a value that is not finite.
    """
    try:
        if _settled(array):
            return _checked(array, name, ndim)
        values = np.array(array, dtype=np.float32, order="C")
    except (TypeError, ValueError, OverflowError) as error:
        raise AnimationFileError(f"{name} is not an array of numbers") from error
    _checked(values, name, ndim).flags.writeable = False
    return values


def _settled(array: Any) -> bool:
    """Whether nobody can change ``array``, which has the form of curves."""
    if not isinstance(array, np.ndarray) or array.dtype != np.float32 or array.flags.writeable:
        return False
    return array.base is None and array.flags.c_contiguous


def _checked(values: np.ndarray, name: str, ndim: int) -> np.ndarray:
    if values.ndim != ndim:
        raise AnimationFileError(f"{name} has {values.ndim} axes where {ndim} are expected")
    for first in range(0, len(values), CHECKED):
        part = values[first : first + CHECKED]
        if not np.isfinite(part).all():
            where = np.argwhere(~np.isfinite(part))[0].tolist()
            where[0] += first
            raise AnimationFileError(
                f"{name} holds a value that is not finite at {where}", remedy="replace it by a number"
            )
    return values


def owned(values: np.ndarray) -> np.ndarray:
    """``values``, which nobody else holds, made read-only, so that an animation takes them without a copy."""
    values.flags.writeable = False
    return values


def same(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    """Whether two optional arrays are both absent, or equal."""
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


@dataclass(frozen=True, eq=False)
class Animation:
    """Curves of named controls at one frame rate; immutable and checked when it is made.

    Frame i covers [i / fps, (i + 1) / fps) seconds.

    Parameters
    ----------
    fps : Fraction or what ``as_fps`` reads
        Frames a second.
    controls : tuple of str
        Names of the C controls, each once.
    values : ndarray of float32, shape (T, C)
        Column c belongs to ``controls[c]``; 0 is rest and 1 the full pose for shapes of ARKit.
    head : ndarray of float32, shape (T, 6), or None
        ``HEAD_CHANNELS``: yaw, pitch and roll in radians, x, y and z in cm.
    meta : mapping
        What travels along, such as the sound's name.

    Raises
    ------
    AnimationFileError
        For shapes that disagree, a name that occurs twice, or values that are not finite.
    """

    fps: Fraction
    controls: tuple[str, ...]
    values: np.ndarray
    head: np.ndarray | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "fps", as_fps(self.fps))
        put(self, "controls", tuple(str(c) for c in self.controls))
        put(self, "values", frozen(self.values, "values", 2))
        put(self, "meta", MappingProxyType(dict(self.meta)))
        if len(set(self.controls)) != len(self.controls):
            double = next(c for c in self.controls if self.controls.count(c) > 1)
            raise AnimationFileError(f"the control {double!r} occurs twice", remedy="rename or remove one")
        if self.values.shape[1] != len(self.controls):
            raise AnimationFileError(
                f"{self.values.shape[1]} columns of values for {len(self.controls)} controls"
            )
        if self.head is not None:
            put(self, "head", frozen(self.head, "head", 2))
            if self.head.shape != (len(self.values), 6):
                raise AnimationFileError(
                    f"head has shape {self.head.shape}, expected ({len(self.values)}, 6)"
                )

    def __len__(self) -> int:
        return len(self.values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Animation):
            return NotImplemented
        return (
            self.fps == other.fps
            and self.controls == other.controls
            and np.array_equal(self.values, other.values)
            and same(self.head, other.head)
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def seconds(self) -> float:
        """Duration in seconds: frames / fps."""
        return float(len(self) / self.fps)

    @property
    def times(self) -> np.ndarray:
        """Start of each frame, [T] seconds float64."""
        return np.arange(len(self), dtype=np.float64) * float(1 / self.fps)

    def channel(self, name: str) -> np.ndarray:
        """The curve of one control.

        Parameters
        ----------
        name : str
            One of ``controls``.

        Returns
        -------
        ndarray of float32, shape (T,)

        Raises
        ------
        UsageError
            For an unknown name, with the nearest ones.
        """
        if name not in self.controls:
            raise UsageError(f"no control is called {name!r}", remedy=nearest(name, self.controls))
        return self.values[:, self.controls.index(name)]

    def select(self, controls: Sequence[str]) -> Animation:
        """The same animation with other controls.

        Parameters
        ----------
        controls : sequence of str
            The controls of the result in order; those that this animation lacks are 0.
        """
        values = np.zeros((len(self), len(controls)), dtype=np.float32)
        place = {name: i for i, name in enumerate(self.controls)}
        for column, name in enumerate(controls):
            if name in place:
                values[:, column] = self.values[:, place[name]]
        return replace(self, controls=tuple(controls), values=values)

    def slice(self, start_s: float = 0.0, end_s: float | None = None) -> Animation:
        """The frames that cover a span.

        Parameters
        ----------
        start_s, end_s : float
            Seconds; the end is left out, None is the animation's end.
        """
        first = max(0, round(start_s * self.fps))
        last = len(self) if end_s is None else min(len(self), frame_count(end_s, self.fps))
        rows = slice(first, max(first, last))
        return replace(self, values=self.values[rows], head=None if self.head is None else self.head[rows])

    def resample(self, fps: str | int | float | Fraction) -> Animation:
        """The same motion at another rate.

        Linear between the middles of frames, so that no curve moves in time. The same rate gives this animation.

        Parameters
        ----------
        fps : str, int, float or Fraction
            Frames a second, such as 60, "29.97" or "24000/1001".

        Raises
        ------
        UsageError
            For what is no frame rate.
        """
        rate = as_fps(fps)
        if rate == self.fps:
            return self
        count = frame_count(Fraction(len(self)) / self.fps, rate)
        places = (np.arange(count, dtype=np.float64) + 0.5) * float(self.fps / rate) - 0.5
        head = None if self.head is None else _interpolate(self.head, places)
        return replace(self, fps=rate, values=_interpolate(self.values, places), head=head)

    def concat(self, other: Animation) -> Animation:
        """``other`` after this animation.

        Raises
        ------
        UsageError
            Where rates or controls differ.
        """
        if other.fps != self.fps or other.controls != self.controls:
            raise UsageError(
                "animations of different rates or controls can't be joined", remedy="resample or select first"
            )
        head = None
        if self.head is not None or other.head is not None:
            head = np.concatenate([_head_or_zero(self), _head_or_zero(other)])
        return replace(self, values=np.concatenate([self.values, other.values]), head=head)

    def save(self, path: str | PathLike, **options: Any) -> None:
        """Write to a file in the format that its suffix names.

        Parameters
        ----------
        path : str or path
            Such as ``take.csv``, ``take.json`` or ``take.glb``.
        **options
            Of the format.

        Raises
        ------
        UsageError
            For a suffix of no format.
        OutputError
            Where the file can't be written.
        """
        load_object("facegen.formats:save")(self, path, **options)


def _head_or_zero(animation: Animation) -> np.ndarray:
    return np.zeros((len(animation), 6), np.float32) if animation.head is None else animation.head


def _interpolate(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """``rows`` [T, C] read at fractional row numbers ``places`` [N]; held at the ends."""
    if len(rows) == 0:
        return np.zeros((len(places), rows.shape[1]), np.float32)
    low = np.clip(np.floor(places).astype(np.int64), 0, len(rows) - 1)
    high = np.minimum(low + 1, len(rows) - 1)
    part = np.clip(places - low, 0.0, 1.0)[:, None].astype(np.float32)
    return rows[low] * (1 - part) + rows[high] * part
