"""``CheckInputs``, what a check may read, and ``Check``, one row of a table of checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.registry import Registry
from facegen.core.units import FEATURE_HZ
from facegen.emotion import EmotionTrack
from facegen.evaluation.metrics import MetricInputs, NotApplicable, lips
from facegen.evaluation.report.audio_levels import Levels
from facegen.motion.context import Context
from facegen.motion.passes.lip_closure import lip_closure
from facegen.motion.take import Layer, Take, compose
from facegen.rig import Rig, load_rig
from facegen.speech.phone_timing import one_hot
from facegen.speech.phones import LABELS, Features, Phone, PhoneTrack

HEAD = "aria"
SURE = 0.5  # least mean probability of a recognized phone that is compared with the lips
USUAL_DB = -25.0  # dBFS: loudness assumed for speech whose sound is missing


@dataclass(frozen=True, eq=False)
class CheckInputs:
    """``phones`` were given with the take or by the user (``heard`` False), or recognised in the sound."""

    animation: Animation | None = None
    phones: PhoneTrack | None = None
    heard: bool = False
    features: Features | None = None
    levels: Levels | None = None
    rig: Rig = field(default_factory=lambda: load_rig(HEAD))

    def has(self, needs: tuple[str, ...]) -> bool:
        return all(getattr(self, name) is not None for name in needs)

    @property
    def moving(self) -> Animation:
        if self.animation is None:
            raise NotApplicable("there is no animation")
        return self.animation

    @property
    def fps(self) -> float:
        return float(self.moving.fps)

    @cached_property
    def metric_inputs(self) -> MetricInputs:
        return MetricInputs(self.moving, rig=self.rig, features=self.features, phones=self.sure_phones)

    @cached_property
    def sure_phones(self) -> PhoneTrack | None:
        """The phones, without those that were recognised but hardly."""
        if self.phones is None or not self.heard or self.features is None:
            return self.phones
        rows = self.features.posteriors
        return PhoneTrack(tuple(phone for phone in self.phones if _probability(rows, phone) >= SURE))

    @cached_property
    def gap(self) -> np.ndarray:
        """How far the lips are apart on the head that ships, [T]. NotApplicable where no control moves them."""
        if not set(self.moving.controls) & set(lips.MOUTH):
            raise NotApplicable("it has no controls of the mouth")
        return lips.lip_head(self.rig).aperture_and_width(self.moving)[0]

    @cached_property
    def expected_gap(self) -> np.ndarray:
        """The same of lips moved by rule for what is heard, or for the given phones where there is no sound."""
        features = (
            self.features if self.features is not None else _as_if_heard(self.phones, self.moving.seconds)
        )
        animation = by_rule(features, self.phones or PhoneTrack(), self.moving.fps, len(self.moving))
        return lips.lip_head(self.rig).aperture_and_width(animation)[0]


def by_rule(features: Features, phones: PhoneTrack, fps: Fraction, frames: int) -> Animation:
    """A neutral mouth, and nothing else, that speaks ``features``, ``frames`` long."""
    context = Context(Config(), fps, frames, features, phones, EmotionTrack())
    lips_layer = Layer("lips", "add", Registry("decoders").get("rules")().decode(context))
    take = Take(fps, frames, phones=phones, layers=(lips_layer,))
    closing = lip_closure(take, context)
    return compose(take if closing is None else take.with_layer(closing))


def _as_if_heard(phones: PhoneTrack | None, seconds: float) -> Features:
    count = max(1, round(seconds * FEATURE_HZ))
    if phones is None or not len(phones):
        raise NotApplicable("it is not known what is said")
    posteriors = one_hot(phones.frames(count))
    return Features(posteriors, np.full(count, USUAL_DB, np.float32), np.zeros(count, np.float32))


def _probability(posteriors: np.ndarray, phone: Phone) -> float:
    rows = posteriors[round(phone.start * FEATURE_HZ) : round(phone.end * FEATURE_HZ)]
    return float(rows[:, LABELS.index(phone.label)].mean(dtype=np.float32)) if len(rows) else 0.0


Reading = tuple[float, list]
"""A figure and the spans at fault."""


@dataclass(frozen=True)
class Check:
    """One row of a table of checks.

    Attributes
    ----------
    name : str
        That of a row of the table of thresholds.
    group, label : str
        As the report shows them.
    needs : tuple of str
        Fields of CheckInputs that ``run`` reads; the check is skipped where one is missing.
    run : callable
        Returns the figure and the spans at fault. Raises NotApplicable, with the reason, where there is none.
    """

    name: str
    group: str
    label: str
    needs: tuple[str, ...]
    run: Callable[[CheckInputs], Reading]


MISSING = {
    "animation": "there is no animation",
    "phones": "it is not known what is said; give the sound",
    "features": "there is no sound; give it",
    "levels": "there is no sound; give it",
}
"""What to say where a need is not met."""
