"""``Emotion``: valence, arousal, dominance and a distribution over categories; ``EmotionTrack`` over time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from facegen.errors import ConfigError, UsageError, nearest

CATEGORIES = ("neutral", "happy", "sad", "angry", "fearful", "disgusted", "surprised", "contempt")

# Valence, arousal, dominance of each category, after Russell and Mehrabian 1977, "Evidence for a
# three-factor theory of emotions" (rounded; contempt from their "contemptuous").
CATEGORY_VAD: Mapping[str, tuple[float, float, float]] = MappingProxyType(
    {
        "neutral": (0.0, 0.0, 0.0),
        "happy": (0.81, 0.51, 0.46),
        "sad": (-0.63, -0.27, -0.33),
        "angry": (-0.51, 0.59, 0.25),
        "fearful": (-0.64, 0.60, -0.43),
        "disgusted": (-0.60, 0.35, 0.11),
        "surprised": (0.40, 0.67, -0.13),
        "contempt": (-0.23, 0.31, 0.18),
    }
)
FADE_SECONDS = 0.4


@dataclass(frozen=True)
class Emotion:
    """A point in emotion space: each of ``valence``, ``arousal``, ``dominance`` in -1..1, and ``categories``,
    weights in 0..1 of ``CATEGORIES`` other than neutral that add to at most 1 (neutral is the rest).

    Raises UsageError for numbers that are not finite or out of range.
    """

    valence: float = 0.0
    arousal: float = 0.0
    dominance: float = 0.0
    categories: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in (
            ("valence", self.valence),
            ("arousal", self.arousal),
            ("dominance", self.dominance),
        ):
            if not -1 <= value <= 1:
                raise UsageError(f"{name} {value} is not in -1..1", remedy="use a number in -1..1")
        weights = {n: float(w) for n, w in self.categories.items() if n != "neutral" and w != 0}
        for name, weight in weights.items():
            if name not in CATEGORIES:
                raise UsageError(f"no emotion is called {name!r}", remedy=nearest(name, CATEGORIES))
            if not 0 <= weight <= 1:
                raise UsageError(
                    f"the weight {weight} of {name} is not in 0..1", remedy="use a number in 0..1"
                )
        if sum(weights.values()) > 1 + 1e-6:
            raise UsageError("the weights of the emotions add to more than 1", remedy="lower them")
        object.__setattr__(self, "categories", MappingProxyType(weights))

    __hash__ = None  # type: ignore[assignment]

    @classmethod
    def from_weights(cls, weights: Mapping[str, float]) -> Emotion:
        """The emotion of signed category weights; a negative weight moves the other way in valence, arousal and
        dominance. Weights that add to more than 1 are scaled to 1."""
        for name in weights:
            if name not in CATEGORIES:
                raise UsageError(f"no emotion is called {name!r}", remedy=nearest(name, CATEGORIES))
        total = sum(abs(w) for w in weights.values())
        scale = 1.0 if total <= 1 else 1.0 / total
        point = np.clip(
            sum((scale * w * np.array(CATEGORY_VAD[n]) for n, w in weights.items()), np.zeros(3)), -1, 1
        )
        positive = {n: scale * w for n, w in weights.items() if w > 0}
        if any(w < 0 for w in weights.values()) and not positive:
            return cls.from_vad(*point)
        valence, arousal, dominance = (float(x) for x in point)
        return cls(valence, arousal, dominance, positive)

    @classmethod
    def from_vad(cls, valence: float, arousal: float, dominance: float) -> Emotion:
        """The emotion at a point; its categories are those near it, weighted by closeness and its distance from
        neutral."""
        point = np.array([valence, arousal, dominance], dtype=float)
        if not np.isfinite(point).all() or (np.abs(point) > 1).any():
            raise UsageError(
                f"the point {valence},{arousal},{dominance} is not in -1..1", remedy="use numbers in -1..1"
            )
        names = CATEGORIES[1:]
        places = np.array([CATEGORY_VAD[n] for n in names])
        radius = float(np.linalg.norm(point))
        if radius < 1e-6:
            return cls()
        cosine = places @ point / (np.linalg.norm(places, axis=1) * radius)
        close = np.exp(6.0 * (cosine - cosine.max())) * (cosine > 0)
        strength = min(1.0, radius / 0.8)
        weights = close / close.sum() * strength if close.sum() > 0 else close
        kept = {n: float(w) for n, w in zip(names, weights, strict=True) if w > 0.02}
        return cls(float(point[0]), float(point[1]), float(point[2]), kept)

    @property
    def intensity(self) -> float:
        """Distance from neutral, 0..1."""
        return min(1.0, float(np.linalg.norm([self.valence, self.arousal, self.dominance])))

    def scale(self, factor: float) -> Emotion:
        """The same emotion stronger or weaker; factor 0 is neutral. Held to the valid range."""
        if not (np.isfinite(factor) and factor >= 0):
            raise UsageError(f"the intensity {factor} is not a number of at least 0", remedy="use 0 to 2")
        total = sum(self.categories.values())
        part = min(factor, 1.0 / total) if total > 0 else factor
        vad = np.clip(np.array([self.valence, self.arousal, self.dominance]) * factor, -1, 1)
        valence, arousal, dominance = (float(x) for x in vad)
        return Emotion(valence, arousal, dominance, {n: w * part for n, w in self.categories.items()})

    def mix(self, other: Emotion, amount: float) -> Emotion:
        """From this emotion (0) to ``other`` (1), linearly."""
        if not 0 <= amount <= 1:
            raise UsageError(f"the mixture {amount} is not in 0..1", remedy="use a number in 0..1")
        names = {**self.categories, **other.categories}
        mine, theirs = 1 - amount, amount
        weights = {
            n: mine * self.categories.get(n, 0.0) + theirs * other.categories.get(n, 0.0) for n in names
        }
        return Emotion(
            mine * self.valence + theirs * other.valence,
            mine * self.arousal + theirs * other.arousal,
            mine * self.dominance + theirs * other.dominance,
            weights,
        )


_TERM = re.compile(r"^(-?)([a-z]+)(?::([0-9.eE+-]+|nan|inf))?$")


def parse_emotion(text: str) -> Emotion:
    """The emotion that ``happy``, ``happy:0.6``, ``happy:0.5+surprised:0.3``, ``-angry`` or
    ``vad:0.4,0.7,0.1`` stands for. Raises UsageError with the nearest valid name."""
    plain = text.strip().lower()
    if not plain or len(plain) > 10_000:
        raise UsageError(
            f"the emotion is {'empty' if not plain else 'too long'}", remedy="use for example happy:0.6"
        )
    if plain.startswith("vad:"):
        return Emotion.from_vad(*_numbers(plain[4:], text))
    weights: dict[str, float] = {}
    for part in re.split(r"(?<![eE])\+", plain):
        match = _TERM.match(part.strip())
        if match is None:
            raise UsageError(
                f"{text!r} is not an emotion",
                remedy=f"use for example happy:0.6 or vad:0.4,0.7,0.1; {nearest(part, CATEGORIES)}",
            )
        sign, name, amount = match.groups()
        weight = _weight(amount, text)
        if name in weights:
            raise UsageError(f"{name} occurs twice in {text!r}", remedy="name each emotion once")
        weights[name] = -weight if sign else weight
    return Emotion.from_weights(weights)


def _weight(text: str | None, whole: str) -> float:
    if text is None:
        return 1.0
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise UsageError(f"the weight {text} in {whole!r} is not in 0..1", remedy="use a number in 0..1")
    return value


def _numbers(text: str, whole: str) -> tuple[float, float, float]:
    try:
        a, b, c = (float(x) for x in text.split(","))
    except ValueError as error:
        raise UsageError(
            f"{whole!r} does not hold three numbers", remedy="use for example vad:0.4,0.7,0.1"
        ) from error
    return a, b, c


@dataclass(frozen=True)
class EmotionSpan:
    """An emotion held from ``start`` to ``end`` seconds."""

    start: float
    end: float
    emotion: Emotion

    def __post_init__(self) -> None:
        if not (0 <= self.start < self.end):
            raise ConfigError(
                f"the emotion span {self.start}..{self.end} s is empty or reversed", remedy="start < end"
            )


@dataclass(frozen=True)
class EmotionTrack:
    """An emotion for each instant: ``base`` and spans over it, cross-faded over FADE_SECONDS.

    Raises ConfigError for spans that overlap or are out of order.
    """

    base: Emotion = field(default_factory=Emotion)
    spans: tuple[EmotionSpan, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "spans", tuple(self.spans))
        for before, after in zip(self.spans, self.spans[1:], strict=False):
            if after.start < before.end - 1e-9:
                raise ConfigError(
                    f"the emotion spans at {before.start} s and {after.start} s overlap or are out of order",
                    remedy="let each start where the one before ends, or later",
                )

    def weights(self, times: np.ndarray) -> np.ndarray:
        """Weights of ``CATEGORIES`` [T, 8] float32 at ``times`` [T] seconds; rows sum to 1."""
        rows = np.tile(_row(self.base), (len(times), 1))
        for span in self.spans:
            fade = min(FADE_SECONDS, (span.end - span.start) / 2)
            into = np.clip((times - span.start) / fade + 0.5, 0, 1)
            out = np.clip((span.end - times) / fade + 0.5, 0, 1)
            amount = np.minimum(into, out)
            amount = amount * amount * (3 - 2 * amount)
            rows += amount[:, None] * (_row(span.emotion) - rows)
        return rows.astype(np.float32)


def _row(emotion: Emotion) -> np.ndarray:
    row = np.array([emotion.categories.get(name, 0.0) for name in CATEGORIES])
    row[0] = max(0.0, 1.0 - row.sum())
    return row
