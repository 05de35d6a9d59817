"""The life of a face that needs no sound: blinks, gaze, drift of the head, breath, and expression, without end.

The passes themselves make it, a stretch of a few seconds at a time, each stretch with a seed of its own and faded into
the next. Each is made twice, for a face at rest and for one that talks, and mixed by how much it talks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.units import FEATURE_HZ
from facegen.emotion import EmotionTrack
from facegen.motion.context import Context
from facegen.motion.passes import enabled
from facegen.motion.take import Layer, Take
from facegen.speech.phones import LABELS, Features, PhoneTrack

STRETCH_S = 12.0
LEAD_S = 3.0
"""Made before each stretch and thrown away: passes settle in it, and emotions that began before have come."""
FADE_S = 0.8
SPEAKING_DB, SILENT_DB = -25.0, -100.0
TURN_S, SLOW_TURN_S = 0.3, 1.5
"""In which a face goes over from rest to talking, and its head."""
SLOW = ("head", "breath", "gaze")
FROM_SPEECH = ("prepare", "lip_closure")
"""Passes made of what is said: they have no life of their own."""
_NEUTRAL = {"multiply": 1.0}


@dataclass(frozen=True, eq=False)
class Stretch:
    """Layers at rest and talking, by name, for the frames ``first``..``last``."""

    first: int
    last: int
    layers: dict[str, tuple[Layer | None, Layer | None]]


class IdleMotion:
    """Layers of the enabled passes for any span of frames, asked for in order.

    ``emotion`` may be changed: the face passes over to it within FADE_S.
    """

    def __init__(self, config: Config, fps: Fraction, emotion: EmotionTrack) -> None:
        self._config, self._fps = config, fps
        self._names = [row.name for row in enabled(config) if row.name not in FROM_SPEECH]
        self._emotion = emotion
        self._stretches: list[Stretch] = []
        self._made = 0
        self._talk = {seconds: 0.0 for seconds in (TURN_S, SLOW_TURN_S)}

    def change(self, config: Config, emotion: EmotionTrack, frame: int) -> None:
        """From ``frame`` on live by other settings."""
        self._config, self._emotion = config, emotion
        kept = [s for s in self._stretches if s.first <= frame]
        if kept:
            self._stretches = [*kept[:-1], replace(kept[-1], last=frame)]

    def layers(self, first: int, last: int, talking: np.ndarray) -> list[Layer]:
        """Layers [last - first]; ``talking`` [last - first] in 0..1 is how much the face talks."""
        fade = max(1, round(FADE_S * self._fps))
        self._stretches = [s for s in self._stretches if s.last + fade > first]
        while not self._stretches or self._stretches[-1].last < last:
            begin = self._stretches[-1].last if self._stretches else first
            self._stretches.append(self._make(begin, fade))
        frames = np.arange(first, last)
        eased = {seconds: self._eased(talking, seconds) for seconds in self._talk}
        found = []
        for name in self._names:
            parts = []
            talk = eased[SLOW_TURN_S if name in SLOW else TURN_S]
            for stretch in self._stretches:
                share = _share(frames, stretch, fade, stretch is self._stretches[0])
                if share.any():
                    parts += [
                        (share * amount, layer, stretch.first)
                        for amount, layer in zip((1 - talk, talk), stretch.layers[name], strict=True)
                    ]
            layer = _mixed(name, parts, frames, self._fps)
            if layer is not None:
                found.append(layer)
        return found

    def _eased(self, talking: np.ndarray, seconds: float) -> np.ndarray:
        """``talking`` [N] that goes from 0 to 1 in no less than ``seconds``."""
        most, now = 1 / (seconds * float(self._fps)), self._talk[seconds]
        rows = np.empty(len(talking))
        for index, wanted in enumerate(talking.tolist()):
            now += min(most, max(-most, wanted - now))
            rows[index] = now
        self._talk[seconds] = now
        return rows * rows * (3 - 2 * rows)

    def _make(self, first: int, fade: int) -> Stretch:
        """The stretch that begins at the frame ``first``; its layers last ``fade`` frames longer."""
        lead = round(LEAD_S * self._fps) if self._made else 0
        length = round(STRETCH_S * self._fps)
        config = replace(self._config, seed=(self._config.seed + 7919 * self._made) % 2**63)
        self._made += 1
        count = lead + length + fade + 1
        emotion = _shifted(self._emotion, float((first - lead) / self._fps))
        rest, talk = (
            _solved(config, self._fps, count, emotion, speech, self._names) for speech in (False, True)
        )
        layers = {
            name: tuple(_cut(found.get(name), lead, count) for found in (rest, talk)) for name in self._names
        }
        return Stretch(first, first + length, layers)  # type: ignore[arg-type]


def _solved(
    config: Config, fps: Fraction, count: int, emotion: EmotionTrack, speech: bool, names: list[str]
) -> dict[str, Layer]:
    """The layers of passes over ``count`` frames of silence, or of even speech without stress."""
    context = Context(
        config, fps, count, _even(math.ceil(count * FEATURE_HZ / fps), speech), PhoneTrack(), emotion
    )
    take = Take(fps, count, emotion=emotion)
    found = {}
    for row in enabled(config):
        layer = row.run(take, context) if row.name in names else None
        if layer is not None:
            take = take.with_layer(layer)
            found[row.name] = layer
    return found


def _even(count: int, speech: bool) -> Features:
    posteriors = np.zeros((count, len(LABELS)), np.float32)
    posteriors[:, LABELS.index("AH") if speech else 0] = 1
    energy = np.full(count, SPEAKING_DB if speech else SILENT_DB, np.float32)
    return Features(posteriors, energy, np.zeros(count, np.float32))


def _shifted(track: EmotionTrack, seconds: float) -> EmotionTrack:
    """``track`` as seen from ``seconds`` on."""
    spans = [
        replace(s, start=max(0.0, s.start - seconds), end=s.end - seconds)
        for s in track.spans
        if s.end > seconds
    ]
    return EmotionTrack(track.base, tuple(spans))


def _cut(layer: Layer | None, first: int, last: int) -> Layer | None:
    if layer is None:
        return None
    animation = layer.animation
    head = None if animation.head is None else animation.head[first:last]
    part = replace(animation, values=animation.values[first:last], head=head)
    return replace(layer, animation=part, mask=None if layer.mask is None else layer.mask[first:last])


def _share(frames: np.ndarray, stretch: Stretch, fade: int, oldest: bool) -> np.ndarray:
    """How much of the stretch there is in each frame, [N]: neighbours' shares add up to 1."""
    rise = np.ones(len(frames)) if oldest else np.clip((frames - stretch.first) / fade, 0, 1)
    part = rise * np.clip(1 - (frames - stretch.last) / fade, 0, 1)
    return part * (frames >= stretch.first)


def _mixed(
    name: str, parts: Sequence[tuple[np.ndarray, Layer | None, int]], frames: np.ndarray, fps: Fraction
) -> Layer | None:
    """The mean of layers by their shares [N]; one that is missing counts as one that does nothing."""
    there = [(share, layer, first) for share, layer, first in parts if layer is not None]
    if not there:
        return None
    mode = there[0][1].mode
    names = tuple(dict.fromkeys(n for _, layer, _ in there for n in layer.animation.controls))
    values = np.full((len(frames), len(names)), _NEUTRAL.get(mode, 0.0))
    neutral = values[0].copy() if len(frames) else values
    head = np.zeros((len(frames), 6))
    mask = np.zeros(len(frames))
    moves = masked = False
    for share, layer, first in there:
        rows = np.clip(frames - first, 0, len(layer.animation) - 1)
        columns = [names.index(n) for n in layer.animation.controls]
        values[:, columns] += share[:, None] * (layer.animation.values[rows] - neutral[columns])
        if layer.animation.head is not None:
            head += share[:, None] * layer.animation.head[rows]
            moves = True
        masked |= layer.mask is not None
        mask += share * (1.0 if layer.mask is None else layer.mask[rows])
    animation = Animation(fps, names, values, head if moves else None)
    return Layer(name, mode, animation, np.clip(mask, 0, 1) if masked else None)
