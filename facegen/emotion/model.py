"""``Emotion``: a point of valence, arousal and dominance, a distribution over categories, a mixture of names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from facegen.core.errors import UsageError, nearest
from facegen.emotion.lexicon import CATEGORIES, category_table, named_emotions, vad_table

ANGLE = 0.22  # radians: how far apart in direction two emotions still blend
RADIUS = 0.5  # and in the logarithm of their distance from neutral
LEAST = 0.05  # a smaller part of a mixture is left out
ONSET_S = 0.4  # of what no name tells


@dataclass(frozen=True)
class Emotion:
    """A point in emotion space.

    Distance from neutral is intensity and direction is kind (Cho et al. 2024, EmoSphere-TTS).

    Parameters
    ----------
    valence, arousal, dominance : float
        Each in -1..1.
    categories : mapping of str to float
        Weights in 0..1 of ``CATEGORIES`` other than neutral, which add to at most 1; neutral is the rest.
    names : mapping of str to float, optional
        Such weights of named emotions, which the face shows; by default the categories.

    Raises
    ------
    UsageError
        For numbers that are not finite or out of range, and for unknown names.
    """

    valence: float = 0.0
    arousal: float = 0.0
    dominance: float = 0.0
    categories: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        for axis, value in zip(("valence", "arousal", "dominance"), self.vad, strict=True):
            if not -1 <= value <= 1:
                raise UsageError(f"{axis} {value} is not in -1..1", remedy="use a number in -1..1")
        names = self.categories if self.names is None else self.names
        object.__setattr__(self, "categories", _checked(self.categories, CATEGORIES))
        object.__setattr__(self, "names", _checked(names, tuple(named_emotions())))

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def from_weights(cls, weights: Mapping[str, float]) -> Emotion:
        """The emotion of signed weights of named emotions.

        Parameters
        ----------
        weights : mapping of str to float
            A negative weight moves the other way in valence, arousal and dominance. Weights that add to more than 1
            are scaled to 1.

        Raises
        ------
        UsageError
            For an unknown name.
        """
        table = named_emotions()
        _known(weights, tuple(table))
        total = sum(abs(w) for w in weights.values())
        part = 1.0 if total <= 1 else 1.0 / total
        plus = {n: part * w for n, w in weights.items() if w > 0}
        minus = {n: part * -w for n, w in weights.items() if w < 0}
        against = cls.from_vad(*(-_place(minus)))
        if not plus:
            return against
        return _held(_place(plus) - _place(minus), _sum(((1, plus), (1, against.parts))))

    @classmethod
    def from_vad(cls, valence: float, arousal: float, dominance: float) -> Emotion:
        """The emotion at a point of valence, arousal and dominance, each in -1..1.

        It is a mixture of the named ones in about its direction, as strong as it is far from neutral beside them. Raises
        UsageError for numbers that are not finite or out of range.
        """
        point = np.array([valence, arousal, dominance], dtype=float)
        if not np.isfinite(point).all() or (np.abs(point) > 1).any():
            raise UsageError(
                f"the point {valence},{arousal},{dominance} is not in -1..1", remedy="use numbers in -1..1"
            )
        radius = float(np.linalg.norm(point))
        if radius < 1e-6:
            return cls()
        places = vad_table()
        radii = np.maximum(np.linalg.norm(places, axis=1), 1e-9)
        angle = np.arccos(np.clip(places @ point / (radii * radius), -1, 1))
        away = (angle / ANGLE) ** 2 + (np.log(radius / radii) / RADIUS) ** 2
        away[[row.kind == "state" or not any(row.vad) for row in named_emotions().values()]] = np.inf
        close = np.exp(-0.5 * (away - away.min()))
        close[close < LEAST * close.sum()] = 0
        close /= close.sum()
        close *= min(1.0, radius / float(close @ radii))
        names = dict(zip(named_emotions(), close.tolist(), strict=True))
        return _held(point, names)

    @classmethod
    def from_sphere(cls, radius: float, azimuth: float, elevation: float) -> Emotion:
        """The emotion at a point in spherical coordinates.

        Parameters
        ----------
        radius : float
            Intensity, 0..1.
        azimuth : float
            Radians from valence towards arousal.
        elevation : float
            Radians towards dominance.

        Raises
        ------
        UsageError
            For a radius that is not in 0..1.
        """
        if not 0 <= radius <= 1:
            raise UsageError(f"the radius {radius} is not in 0..1", remedy="use a number in 0..1")
        flat = radius * np.cos(elevation)
        return cls.from_vad(flat * np.cos(azimuth), flat * np.sin(azimuth), radius * np.sin(elevation))

    @property
    def vad(self) -> tuple[float, float, float]:
        """Valence, arousal and dominance."""
        return self.valence, self.arousal, self.dominance

    @property
    def sphere(self) -> tuple[float, float, float]:
        """Distance from neutral, and the azimuth and elevation in radians of ``from_sphere``."""
        flat = np.hypot(self.valence, self.arousal)
        radius = float(np.hypot(flat, self.dominance))
        return radius, float(np.arctan2(self.arousal, self.valence)), float(np.arctan2(self.dominance, flat))

    @property
    def intensity(self) -> float:
        """Distance from neutral, 0..1."""
        return min(1.0, float(np.linalg.norm(self.vad)))

    @property
    def parts(self) -> Mapping[str, float]:
        """Weights of named emotions, without neutral."""
        return self.names or {}

    @property
    def onset(self) -> float:
        """Seconds in which it comes."""
        total = sum(self.parts.values())
        rows = named_emotions()
        return sum(w * rows[n].onset for n, w in self.parts.items()) / total if total > 0 else ONSET_S

    def distribution(self) -> np.ndarray:
        """Weights [8] of ``CATEGORIES``, which sum to 1."""
        return _whole(self.categories, CATEGORIES)

    def named_distribution(self) -> np.ndarray:
        """Weights [N] of the named emotions, which sum to 1."""
        return _whole(self.parts, tuple(named_emotions()))

    def scale(self, factor: float) -> Emotion:
        """The same emotion stronger or weaker; factor 0 is neutral. Held to the valid range."""
        if not (np.isfinite(factor) and factor >= 0):
            raise UsageError(f"the intensity {factor} is not a number of at least 0", remedy="use 0 to 2")
        total = max(sum(self.parts.values()), sum(self.categories.values()))
        part = min(factor, 1.0 / total) if total > 0 else factor
        return _held(
            np.array(self.vad) * factor, _sum(((part, self.parts),)), _sum(((part, self.categories),))
        )

    def clamp(self, limit: float = 1.0) -> Emotion:
        """The same emotion with an intensity of at most ``limit``."""
        radius = float(np.linalg.norm(self.vad))
        return self if radius <= limit else self.scale(limit / radius)

    def mix(self, other: Emotion, amount: float) -> Emotion:
        """From this emotion (0) to ``other`` (1), linearly."""
        mine, theirs = _shares(amount)
        return _held(
            mine * np.array(self.vad) + theirs * np.array(other.vad),
            _sum(((mine, self.parts), (theirs, other.parts))),
            _sum(((mine, self.categories), (theirs, other.categories))),
        )

    def interpolate(self, other: Emotion, amount: float) -> Emotion:
        """From this emotion (0) to ``other`` (1) about neutral: directions along the sphere, intensity linearly.

        Opposite emotions, between which no way is shortest, pass through neutral.
        """
        mine, theirs = _shares(amount)
        mixed = self.mix(other, amount)
        start, end = np.array(self.vad), np.array(other.vad)
        one, two = np.linalg.norm(start), np.linalg.norm(end)
        if min(one, two) < 1e-6 or not 0 < amount < 1:
            return mixed
        angle = np.arccos(np.clip(start @ end / (one * two), -1, 1))
        if np.sin(angle) < 1e-6:
            return mixed
        way = (np.sin(mine * angle) * start / one + np.sin(theirs * angle) * end / two) / np.sin(angle)
        return _held((mine * one + theirs * two) * way, mixed.parts, mixed.categories)

    def negate(self) -> Emotion:
        """The opposite: the emotion at the point across neutral."""
        return Emotion.from_vad(*(-x for x in self.vad))

    def subtract(self, other: Emotion) -> Emotion:
        """What this emotion has beyond ``other``; what only ``other`` has moves the other way."""
        left = {n: self.parts.get(n, 0.0) - other.parts.get(n, 0.0) for n in {**self.parts, **other.parts}}
        plus = {n: w for n, w in left.items() if w > 0}
        against = Emotion.from_vad(*(-_place({n: -w for n, w in left.items() if w < 0})))
        return _held(np.subtract(self.vad, other.vad), _sum(((1, plus), (1, against.parts))))


Weights = Mapping[str, float]


def _known(weights: Weights, known: tuple[str, ...]) -> None:
    for name in weights:
        if name not in known:
            raise UsageError(f"no emotion is called {name!r}", remedy=nearest(name, known))


def _checked(weights: Weights, known: tuple[str, ...]) -> Weights:
    _known(weights, known)
    kept = {n: float(w) for n, w in weights.items() if n != "neutral" and w != 0}
    for name, weight in kept.items():
        if not 0 <= weight <= 1:
            raise UsageError(f"the weight {weight} of {name} is not in 0..1", remedy="use a number in 0..1")
    if sum(kept.values()) > 1 + 1e-6:
        raise UsageError("the weights of the emotions add to more than 1", remedy="lower them")
    return MappingProxyType(kept)


def _shares(amount: float) -> tuple[float, float]:
    if not 0 <= amount <= 1:
        raise UsageError(f"the mixture {amount} is not in 0..1", remedy="use a number in 0..1")
    return 1 - amount, amount


def _sum(parts: Iterable[tuple[float, Weights]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for share, weights in parts:
        for name, weight in weights.items():
            total[name] = total.get(name, 0.0) + share * weight
    return total


def _place(names: Weights) -> np.ndarray:
    """The point [3] of a mixture."""
    table = named_emotions()
    return np.clip(sum((w * np.array(table[n].vad) for n, w in names.items()), np.zeros(3)), -1, 1)


def _held(point: np.ndarray, names: Weights, categories: Weights | None = None) -> Emotion:
    """The emotion of these values held to their ranges; its categories are those of its names if not given."""
    if categories is None:
        row = _whole(_bounded(names), tuple(named_emotions())) @ category_table()
        categories = dict(zip(CATEGORIES[1:], row[1:].tolist(), strict=True))
    valence, arousal, dominance = np.clip(point, -1, 1).tolist()
    return Emotion(valence, arousal, dominance, _bounded(categories), _bounded(names))


def _bounded(weights: Weights) -> Weights:
    kept = {n: w for n, w in weights.items() if n != "neutral"}
    total = sum(kept.values())
    return kept if total <= 1 else {n: w / total for n, w in kept.items()}


def _whole(weights: Weights, known: Sequence[str]) -> np.ndarray:
    """Weights in the order of ``known``, the first of which is neutral and takes the rest."""
    row = np.array([weights.get(name, 0.0) for name in known])
    row[0] = max(0.0, 1.0 - row[1:].sum())
    return row
