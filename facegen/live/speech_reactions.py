"""What live speech moves beside the lips as such: shut lips at p b m, nods and raised brows with stress."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.units import FEATURE_HZ
from facegen.emotion import EmotionTrack
from facegen.motion.context import Context
from facegen.motion.passes import enabled
from facegen.motion.passes.lip_closure import CONFUSABLE_MIN
from facegen.motion.passes.signals import speaking, stresses
from facegen.motion.take import Layer, Take
from facegen.speech.phone_timing import decode_labels
from facegen.speech.phones import BILABIALS, LABELS, LABIODENTALS, Features, PhoneTrack

WINDOW_S = 0.5  # of the past that decides which phones are heard
SURE_S = 0.1  # a stress counts once so much has followed it
NOD_DEGREES, TURN_DEGREES, NOD_RISE_S, NOD_FALL_S, NOD_SHARE = 2.6, 1.2, 0.16, 0.34, 0.7
BROW_SIZE, BROW_RISE_S, BROW_FALL_S, BROW_LEAD_S, BROW_SHARE, BROW_LEAST = 0.3, 0.13, 0.30, 0.1, 0.55, 0.35
_CONTACTS = [LABELS.index(label) for label in (*BILABIALS, *LABIODENTALS)]
BROWS = {"browInnerUp": 1.0, "browOuterUpLeft": 0.7, "browOuterUpRight": 0.7}


class RecognizedBlock:
    """A window of features that begins ``start`` feature frames after the sound does."""

    def __init__(self, features: Features, start: int) -> None:
        self.features, self.start = features, start

    def at(self, rows: np.ndarray, frames: np.ndarray, fps: Fraction) -> np.ndarray:
        """Feature ``rows`` [F] at the middles of ``frames`` [N]."""
        places = (frames + 0.5) * float(FEATURE_HZ / fps) - 0.5 - self.start
        return np.interp(places, np.arange(len(rows)), rows).astype(np.float32)

    def since(self, seconds: float) -> RecognizedBlock:
        """The window's last ``seconds`` beyond the frame where ``at`` is asked for."""
        first = max(0, round(seconds * FEATURE_HZ) - self.start)
        f = self.features
        return RecognizedBlock(
            Features(f.posteriors[first:], f.energy[first:], f.pitch[first:]), self.start + first
        )

    def context(self, config: Config, fps: Fraction, first: int, last: int, emotion: EmotionTrack) -> Context:
        """A clip of the frames ``first``..``last``, which begins with the first of them."""
        shift = round(float(first / fps) * FEATURE_HZ) - self.start
        f = self.features
        part = Features(f.posteriors[shift:], f.energy[shift:], f.pitch[shift:])
        phones = PhoneTrack.from_frames(decode_labels(part.posteriors)) if len(part) else PhoneTrack()
        return Context(config, fps, last - first, part, phones, emotion)


def is_speaking(heard: RecognizedBlock, frames: np.ndarray, fps: Fraction) -> np.ndarray:
    """How much the talker talks about each of ``frames``, [N] in 0..1."""
    nothing = Context(Config(), fps, 0, heard.features, PhoneTrack(), EmotionTrack())
    return heard.at(speaking(nothing, 0.5), frames, fps)


def closures(heard: RecognizedBlock, config: Config, first: int, last: int, fps: Fraction) -> Layer | None:
    """The layer of the pass ``lip_closure`` for the frames ``first``..``last``."""
    row = next((row for row in enabled(config) if row.name == "lip_closure"), None)
    if row is None:
        return None
    lead = min(first, round(WINDOW_S * fps), int((first / fps - Fraction(heard.start, FEATURE_HZ)) * fps))
    begin = first - max(0, lead)
    if not _contacts(heard, float(begin / fps)):
        return None
    context = heard.context(config, fps, begin, last, EmotionTrack())
    layer = row.run(Take(fps, last - begin), context)
    if layer is None or layer.mask is None:
        return None
    mask = layer.mask[first - begin :]
    if not mask.any():
        return None
    values = layer.animation.values[first - begin :]
    return replace(layer, animation=replace(layer.animation, values=values), mask=mask)


def _contacts(heard: RecognizedBlock, since: float) -> bool:
    """Whether a phone at which lips shut or meet the teeth may be among those heard since then."""
    first = max(0, int(since * FEATURE_HZ) - heard.start)
    likely = heard.features.posteriors[first:, _CONTACTS].sum(axis=1, dtype=np.float32)
    return bool(likely.max(initial=0.0) > CONFUSABLE_MIN)


class Stress:
    """Nods and brows at stressed syllables, each begun no earlier than it can be shown."""

    def __init__(self, config: Config, fps: Fraction) -> None:
        names = [row.name for row in enabled(config)]
        self._nods, self._brows = "head" in names, "expression" in names
        self._fps, self._amount = fps, config.upper_face
        self._rng = np.random.default_rng([config.seed, 0x5712E55])
        self._known = -1.0
        self._pulses: list[tuple[float, float, float, float]] = []  # centre s, nod, turn, brows

    def layer(self, heard: RecognizedBlock, first: int, last: int) -> Layer | None:
        """Pitch and yaw of the head and the brows, added to what lies below."""
        now = first / self._fps
        self._hear(heard, float(now))
        self._pulses = [p for p in self._pulses if p[0] + max(NOD_FALL_S, BROW_FALL_S) > now]
        if not self._pulses:
            return None
        times = (np.arange(first, last) + 0.5) / float(self._fps)
        head = np.zeros((len(times), 6))
        raised = np.zeros(len(times))
        for centre, nod, turn, brow in self._pulses:
            shape = _pulse(times - centre, NOD_RISE_S, NOD_FALL_S)
            head[:, 1] += nod * shape
            head[:, 0] += turn * shape
            raised += brow * _pulse(times - centre, BROW_RISE_S, BROW_FALL_S)
        values = raised[:, None] * np.array(list(BROWS.values()))
        return Layer("stress", "add", Animation(self._fps, tuple(BROWS), values, head))

    def _hear(self, heard: RecognizedBlock, now: float) -> None:
        recent = heard.since(now - 1.0)
        context = Context(Config(), self._fps, 0, recent.features, PhoneTrack(), EmotionTrack())
        at, strength = stresses(context)
        at = at + recent.start / FEATURE_HZ
        end = (recent.start + len(recent.features)) / FEATURE_HZ
        for when, much in zip(at, strength, strict=True):
            if self._known + 0.15 < when <= end - SURE_S:
                self._known = float(when)
                self._add(float(when), float(much), now)

    def _add(self, when: float, much: float, now: float) -> None:
        nods, turns, size, side, brow = self._rng.random(5)
        nod = self._nods * much * (0.4 + 0.6 * size) * (nods < NOD_SHARE)
        raise_ = self._brows * self._amount * BROW_SIZE * much * (0.5 + 0.5 * size)
        raise_ *= much > BROW_LEAST and brow < BROW_SHARE
        centre = max(when, now + NOD_RISE_S)
        self._pulses.append(
            (centre, np.radians(NOD_DEGREES) * nod, np.radians(TURN_DEGREES) * nod * (2 * side - 1), raise_)
        )


def _pulse(away: np.ndarray, rise: float, fall: float) -> np.ndarray:
    part = np.clip(np.where(away < 0, 1 + away / rise, 1 - away / fall), 0, 1)
    return part * part * (3 - 2 * part)
