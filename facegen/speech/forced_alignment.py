"""Forced alignment: where in the sound a known sequence of phones was said (banded Viterbi)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from facegen.core.units import FEATURE_HZ
from facegen.speech.phones import LABELS, Phone, PhoneTrack

BAND = 1600  # states held at a time, about 80 s of speech around the best
FLOOR = 6.0  # nats: the most that one badly heard frame can cost
OTHER = 3.5  # nats a frame of sounds that the text does not name, allowed between words
MISFIT = 3.0  # nats: a stretch that costs more on average was not what the text says
_FIT_FRAMES = 151  # over which that average is taken
_SEGMENT = 6000  # frames between trace-backs
_STATES = 2  # of a phone, which so lasts 20 ms at least
_BAND_STEP = 64  # frames between moves of the band
_NEVER = np.float32(-1e30)


@dataclass(frozen=True, eq=False)
class Path:
    """The phone behind each frame: ``unit`` [F] its place in ``names`` (label indices), -1 for a pause;
    ``fits`` [F] where the sound bears the text out."""

    names: np.ndarray
    unit: np.ndarray
    fits: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Label index of each frame, [F]; 0 in pauses."""
        return np.where(self.unit < 0, 0, self.names[self.unit])

    def phones(self, offset: float = 0.0) -> list[Phone]:
        """The phones in order, ``offset`` seconds later."""
        edges = np.flatnonzero(np.diff(self.unit)) + 1
        bounds = np.r_[0, edges, len(self.unit)]
        return [
            Phone(
                int(a) / FEATURE_HZ + offset, int(b) / FEATURE_HZ + offset, LABELS[self.names[self.unit[a]]]
            )
            for a, b in zip(bounds, bounds[1:], strict=False)
            if self.unit[a] >= 0
        ]

    def track(self, heard: PhoneTrack) -> PhoneTrack:
        """The phones where the text fits, those of ``heard`` elsewhere."""
        mine = [p for p in self.phones() if self._fits_at(p)]
        ends = np.array([0.0, *(p.end for p in mine)])
        starts = np.array([*(p.start for p in mine), np.inf])
        others = []
        for phone in heard:
            gap = int(np.searchsorted(starts, phone.start, side="right"))
            start, end = max(phone.start, ends[gap]), min(phone.end, starts[gap])
            if not self._fits_at(phone) and end - start > 0.5 / FEATURE_HZ:
                others.append(Phone(float(start), float(end), phone.label))
        return PhoneTrack(tuple(sorted([*mine, *others], key=lambda p: p.start)))

    def _fits_at(self, phone: Phone) -> bool:
        middle = int((phone.start + phone.end) / 2 * FEATURE_HZ)
        return bool(self.fits[min(middle, len(self.fits) - 1)])


@dataclass(frozen=True, eq=False)
class _Chain:
    """States in a row: each phone is _STATES of them, a pause one that can be stepped over."""

    label: np.ndarray
    unit: np.ndarray
    skip: np.ndarray
    names: np.ndarray

    @classmethod
    def of(cls, words: Sequence[tuple[str, ...]], pauses: bool) -> _Chain:
        label, unit = [0] * pauses, [-1] * pauses
        names: list[int] = []
        for word in words:
            for phone in word:
                index = LABELS.index(phone)
                label += [index] * _STATES
                unit += [len(names)] * _STATES
                names.append(index)
            if pauses:
                label.append(0)
                unit.append(-1)
        pause = np.array(unit) < 0
        skip = np.full(len(unit), _NEVER)
        skip[2:][pause[1:-1]] = 0.0
        return cls(np.array(label), np.array(unit), skip, np.array(names))


def align_phones(
    posteriors: np.ndarray, words: Sequence[tuple[str, ...]], pauses: bool = True
) -> Path | None:
    """The best way to say ``words`` (tuples of phone labels) over ``posteriors`` [F, 40], or None if there are
    more phones than fit. With ``pauses`` there may be silence, or sounds the text does not name, between words.

    Time grows with F, memory does not: what was decided a minute ago is settled.
    """
    count = len(posteriors)
    chain = _Chain.of(words, pauses)
    least = int((chain.unit >= 0).sum())
    if count == 0 or least == 0 or least > count:
        return _even(chain, count) if not pauses and 0 < least else None
    state = np.concatenate(list(_segments(posteriors, chain)))
    state = np.maximum.accumulate(state)
    unit, label = chain.unit[state], chain.label[state]
    cost = np.empty(count, np.float32)
    for first in range(0, count, _SEGMENT):
        span = slice(first, first + _SEGMENT)
        heard = posteriors[span]
        said = heard[np.arange(len(heard)), label[span]].astype(np.float32)
        cost[span] = -np.log(np.maximum(said, np.exp(-FLOOR)))
    pause = unit < 0
    silent = pause & (posteriors[:, 0] > 0.5)
    fits = _average_cost(cost, ~silent) < MISFIT
    fits &= silent | ~(pause & (posteriors[:, 0] < 0.2))
    return Path(chain.names, unit, fits)


def _even(chain: _Chain, count: int) -> Path | None:
    """A word too short for its phones: as many as fit, evenly."""
    if count == 0:
        return None
    unit = np.arange(count) * len(chain.names) // count
    return Path(chain.names, unit, np.ones(count, bool))


def _average_cost(cost: np.ndarray, counted: np.ndarray) -> np.ndarray:
    """Mean cost of the counted frames around each frame."""
    width = min(_FIT_FRAMES, len(cost))
    sums = [np.convolve(x, np.ones(width), "same") for x in (cost * counted, counted.astype(np.float64))]
    return sums[0] / np.maximum(sums[1], 1)


def _segments(posteriors: np.ndarray, chain: _Chain) -> Iterator[np.ndarray]:
    """The state of each frame, segment after segment; each is settled when the one after it has been read."""
    count, size = len(posteriors), len(chain.unit)
    score = np.full(size + 2, _NEVER, np.float32)  # two more before the first state
    score[1] = 0.0
    low = 0
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for first in range(0, count, _SEGMENT):
        costs = np.log(np.maximum(posteriors[first : first + _SEGMENT].astype(np.float32), np.exp(-FLOOR)))
        moves, lows = _forward(costs, chain, score, low, first == 0)
        low = int(lows[-1])
        held.append((moves, lows))
        if len(held) == 2:
            yield _back(held, score, size, False)[0]
            held.pop(0)
    yield _back(held, score, size, True)[-1]


def _forward(
    costs: np.ndarray, chain: _Chain, score: np.ndarray, low: int, opening: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Advance ``score`` in place over the frames of ``costs``; the moves [T, BAND] and each frame's band start."""
    size = len(chain.unit)
    width = min(BAND, size)
    moves = np.zeros((len(costs), width), np.uint8)
    lows = np.zeros(len(costs), np.int64)
    other = np.where(chain.unit < 0, np.float32(-OTHER), _NEVER)
    for t, row in enumerate(costs):
        if t % _BAND_STEP == 0:
            best = int(score[2 + low : 2 + low + width].argmax()) + low
            moved = min(max(low, best - width // 2), size - width)
            score[low : moved + 2] = _NEVER if moved > low else score[low : moved + 2]
            score -= max(score[2:].max(), score[1] if opening and t == 0 else _NEVER)
            low = moved
        high = low + width
        stay, step = score[low + 2 : high + 2], score[low + 1 : high + 1]
        leap = score[low:high] + chain.skip[low:high]
        best_score = np.maximum(stay, step)
        move = (step > stay).view(np.uint8)
        far = leap > best_score
        moves[t] = np.where(far, 2, move)
        heard = np.maximum(row[chain.label[low:high]], other[low:high])
        fresh = np.maximum(best_score, leap) + heard
        if opening and t == 0:  # enters the first state, or the one after a first pause
            fresh[:] = _NEVER
            fresh[: 1 + (chain.unit[0] < 0)] = heard[: 1 + (chain.unit[0] < 0)]
            score[:2] = _NEVER
        score[low + 2 : high + 2] = fresh
        lows[t] = low
    return moves, lows


def _back(
    held: list[tuple[np.ndarray, np.ndarray]], score: np.ndarray, size: int, last: bool
) -> list[np.ndarray]:
    """The best path's states over the held segments, from its end back."""
    low = int(held[-1][1][-1])
    width = held[-1][0].shape[1]
    state = int(score[2 + low : 2 + low + width].argmax()) + low
    if last:  # the text must have been said to its end, if that was in reach
        ends = [s for s in (size - 1, size - 2) if s >= low and score[2 + s] > _NEVER / 2]
        state = max(ends, key=lambda s: score[2 + s], default=state)
    paths = []
    for moves, lows in reversed(held):
        path = np.empty(len(moves), np.int64)
        for t in range(len(moves) - 1, -1, -1):
            path[t] = state
            state -= int(moves[t, state - lows[t]])
        paths.append(path)
    return paths[::-1]
