"""Curves with a value a frame as few Bézier keys, within a stated bound.

After Schneider, "An Algorithm for Automatically Fitting Digitized Curves" (Graphics Gems, 1990): fit by least squares,
split where the error is largest, fit again. Curves here are functions of time, so handles lie at a third of the way to
the next key; such a Bézier is a cubic Hermite piece, and the slopes at all keys of all curves are one banded system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.errors import UsageError

HEAD_SHARE = 0.2
"""Bound of the head's angles (radians) and shifts (cm), as a share of the controls' bound."""
STILL = 3
"""Frames of one value from which on they are held: a straight piece between two keys."""
EASE = 1e-3
"""How strongly slopes that little else decides are drawn to the curve's own."""
ROUNDING = 1 - 1e-6
"""Part of the bound that is used, so that keys stored as float32 still keep it."""


@dataclass(frozen=True, eq=False)
class Keys:
    """The keys of one curve.

    Attributes
    ----------
    frames : ndarray of int64, shape (K,)
        Frame numbers, rising.
    values : ndarray of float64, shape (K,)
        The curve there.
    arriving, leaving : ndarray of float64, shape (K,)
        Slopes a frame before and after the key; they differ only where the curve has a corner.
    """

    frames: np.ndarray
    values: np.ndarray
    arriving: np.ndarray
    leaving: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    def handles(self) -> tuple[np.ndarray, np.ndarray]:
        """Left and right Bézier handles, each [K, 2] (frame, value); the outer ones point as their inner ones do."""
        step = np.diff(self.frames) / 3.0
        ends = step if len(step) else np.ones(1)
        before, after = np.r_[ends[0], step], np.r_[step, ends[-1]]
        left = np.column_stack([self.frames - before, self.values - before * self.arriving])
        right = np.column_stack([self.frames + after, self.values + after * self.leaving])
        return left, right

    def at(self, frames: np.ndarray) -> np.ndarray:
        """The curve [N] at ``frames`` [N], which may be fractional; held beyond its ends."""
        place = np.clip(np.asarray(frames, np.float64), self.frames[0], self.frames[-1])
        if len(self) == 1:
            return np.full(place.shape, self.values[0])
        piece = np.clip(np.searchsorted(self.frames, place, side="right") - 1, 0, len(self) - 2)
        span = np.diff(self.frames)[piece]
        basis = _hermite((place - self.frames[piece]) / span)
        ends = (self.values[piece], self.leaving[piece] * span, self.values[piece + 1])
        return sum(b * e for b, e in zip(basis, (*ends, self.arriving[piece + 1] * span), strict=True))


@dataclass(frozen=True, eq=False)
class Reduced:
    """An animation's keys by control, and the head's by ``HEAD_CHANNELS`` (empty where it has none)."""

    controls: Mapping[str, Keys]
    head: Mapping[str, Keys]

    def __len__(self) -> int:
        """How many keys there are in all."""
        return sum(len(keys) for keys in (*self.controls.values(), *self.head.values()))


def reduce_keys(animation: Animation, bound: float) -> Reduced:
    """Keys that give ``animation`` at every frame to within ``bound`` (the head's to HEAD_SHARE of it).

    Keys lie on the curve itself; held values (closures, lids at rest) stay held exactly; half-way between two frames
    a curve leaves their values by ``bound`` at most. With a bound of 0 they give the curve exactly. Raises UsageError
    for a bound that is negative or not finite.
    """
    if not 0 <= bound < np.inf:
        raise UsageError(f"the bound {bound} is not a number of at least 0", remedy="use for example 0.005")
    controls = fit_keys(animation.values, bound)
    head = [] if animation.head is None else fit_keys(animation.head, bound * HEAD_SHARE)
    return Reduced(
        dict(zip(animation.controls, controls, strict=True)), dict(zip(HEAD_CHANNELS, head, strict=False))
    )


def fit_keys(values: np.ndarray, bound: float) -> list[Keys]:
    """The keys of each column of ``values`` [T, C], within ``bound`` at every row; none where T is 0."""
    return [_Fit(column, bound * ROUNDING).keys() for column in values.T] if len(values) else []


def _hermite(u: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights of value and slope at the start, value and slope at the end, at ``u`` in 0..1."""
    square = u * u
    cube = square * u
    end = 3 * square - 2 * cube
    return 1 - end, cube - 2 * square + u, end, cube - square


class _Fit:
    """One curve; keys are places in it, pieces run from one key to the next.

    A piece that is a single step or holds its value is ``straight``; elsewhere the two pieces at a key share one slope
    there.
    """

    def __init__(self, curve: np.ndarray, bound: float) -> None:
        self.bound = bound
        self.curve = np.ascontiguousarray(curve, np.float64)
        self.last = len(self.curve) - 1
        self.held = self._held()
        following = np.r_[self.curve[1:], self.curve[-1:]]
        self.below, self.above = np.minimum(self.curve, following), np.maximum(self.curve, following)
        step = np.diff(self.curve, prepend=self.curve[0])
        ahead = np.r_[step[1:], 0.0]
        # The curve's own slope; level at its extremes.
        self.own = np.where(step * ahead > 0, (step + ahead) / 2, 0.0)

    def _held(self) -> np.ndarray:
        """Whether each place begins a step within a run of STILL or more equal values."""
        same = np.r_[np.diff(self.curve) == 0, False]
        edges = np.flatnonzero(np.diff(np.r_[False, same, False]))
        held = np.zeros(len(self.curve), bool)
        for start, end in edges.reshape(-1, 2):
            if end - start >= STILL - 1:
                held[start:end] = True
        return held

    def keys(self) -> Keys:
        if self.last == 0:
            return Keys(np.zeros(1, np.int64), self.curve, np.zeros(1), np.zeros(1))
        slopes, keyed = self.thinned(*self.split())
        return Keys(keyed, self.curve[keyed], *self.sides(slopes, keyed))

    def split(self) -> tuple[np.ndarray, np.ndarray]:
        """Slopes and places of keys that keep the bound.

        They are those it began with, and the worst place of each piece that broke the bound, until none does.
        """
        chosen = np.diff(np.r_[False, self.held].astype(np.int8)) != 0
        chosen |= (self.bound == 0) & ~self.held
        chosen[[0, -1]] = True
        while True:
            keyed = np.flatnonzero(chosen)
            slopes = self.slopes(keyed)
            error = self.error(slopes, keyed)
            worst = np.maximum.reduceat(error, keyed[:-1])
            broken = worst > self.bound
            if not broken.any():
                return slopes, keyed
            bounds = np.r_[np.where(broken, worst, np.inf), np.inf]
            peaks = np.flatnonzero(error >= np.repeat(bounds, self._sizes(keyed)))
            owners = np.searchsorted(keyed, peaks, side="right")
            chosen[peaks[np.unique(owners, return_index=True)[1]]] = True

    def straight(self, keyed: np.ndarray) -> np.ndarray:
        """Which pieces [K - 1] are straight."""
        return self.held[keyed[:-1]] | (np.diff(keyed) == 1)

    def slopes(self, keyed: np.ndarray) -> np.ndarray:
        """The slopes [K] at the keys that fit all pieces best, by least squares."""
        free, starts = ~self.straight(keyed), keyed[:-1]
        span = np.diff(keyed).astype(np.float64)
        basis = _hermite(self._within(keyed))
        at_start, at_end = (
            np.repeat(self.curve[starts], np.diff(keyed)),
            np.repeat(self.curve[keyed[1:]], np.diff(keyed)),
        )
        rest = self.curve[: self.last] - basis[0] * at_start - basis[2] * at_end
        start, end = basis[1], basis[3]
        own, after, cross, pull, pull_after = (
            np.where(free, np.add.reduceat(x * y, starts) * span**power, 0.0)
            for x, y, power in (
                (start, start, 2),
                (end, end, 2),
                (start, end, 2),
                (start, rest, 1),
                (end, rest, 1),
            )
        )
        diagonal = np.r_[own, 0.0] + np.r_[0.0, after]
        ease = EASE * diagonal + (diagonal == 0)
        right = np.r_[pull, 0.0] + np.r_[0.0, pull_after] + ease * self.own[keyed]
        banded = np.stack([np.r_[0.0, cross], diagonal + ease])
        return np.asarray(solveh_banded(banded, right, check_finite=False))

    def sides(self, slopes: np.ndarray, keyed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Arriving and leaving slopes [K]: straight pieces have their own; at the curve's ends both are the inner."""
        straight = self.straight(keyed)
        chord = np.diff(self.curve[keyed]) / np.diff(keyed)
        leaving = np.where(straight, chord, slopes[:-1])
        arriving = np.where(straight, chord, slopes[1:])
        return np.r_[leaving[0], arriving], np.r_[leaving, arriving[-1]]

    def error(self, slopes: np.ndarray, keyed: np.ndarray) -> np.ndarray:
        """How far each place, of shape (T,), is from its piece.

        Or, if that is more, how far the piece strays half a frame later beyond the values on either side.
        """
        arriving, leaving = self.sides(slopes, keyed)
        sizes = np.diff(keyed)
        start, end = self.curve[keyed[:-1]], self.curve[keyed[1:]]
        out, into = leaving[:-1] * sizes, arriving[1:] * sizes
        cubic = (start, out, 3 * (end - start) - 2 * out - into, 2 * (start - end) + out + into)
        const, linear, square, cube = (np.repeat(part, sizes) for part in cubic)
        u = self._within(keyed)
        error = np.abs(self.curve[:-1] - (((cube * u + square) * u + linear) * u + const))
        u += np.repeat(0.5 / sizes, sizes)
        between = ((cube * u + square) * u + linear) * u + const
        stray = np.maximum(between - self.above[:-1], self.below[:-1] - between)
        # At a key itself nothing can be split: the place after it is blamed.
        blamed = keyed[:-1][~self.straight(keyed)]
        error[blamed + 1] = np.maximum(error[blamed + 1], stray[blamed])
        stray[keyed[:-1]] = 0.0
        return np.r_[np.maximum(error, stray), 0.0]

    def _sizes(self, keyed: np.ndarray) -> np.ndarray:
        return np.diff(np.r_[keyed, self.last + 1])

    def _within(self, keyed: np.ndarray) -> np.ndarray:
        """Where each place but the last lies in its piece, 0..1."""
        sizes = np.diff(keyed)
        return (np.arange(self.last) - np.repeat(keyed[:-1], sizes)) / np.repeat(sizes, sizes)

    def thinned(self, slopes: np.ndarray, keyed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The keys without those that the bound does not need, given the slopes of the others.

        Every second key is tried, then the rest.
        """
        for parity in (0, 1, 0, 1):
            straight = np.r_[True, self.straight(keyed), True]
            loose = ~(straight[:-1] | straight[1:]) & (np.arange(len(keyed)) % 2 == parity)
            without = np.flatnonzero(~loose)
            worst = np.maximum.reduceat(self.error(slopes[without], keyed[without]), keyed[without][:-1])
            kept = ~loose
            kept[loose] = worst[np.searchsorted(without, np.flatnonzero(loose)) - 1] > self.bound
            slopes, keyed = slopes[kept], keyed[kept]
        return slopes, keyed
