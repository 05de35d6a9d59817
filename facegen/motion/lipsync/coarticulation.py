"""The rule decoder: phone probabilities to mouth controls by dominance functions.

Each frame's probability mass of a phone spreads over the frames around it by a dominance function (Cohen and
Massaro 1993, "Modeling coarticulation in synthetic visual speech"); a gesture is the mean of the phones' targets
weighed by their dominance, separately for the jaw, the lips and their shape (JALI: Edwards, Landreth, Fiume and
Singh 2016). Loudness and rate then scale the opening, and a gate holds the mouth at rest where nobody speaks.
A frame depends on the BEFORE frames before it and the AHEAD frames after it only, so decoding in pieces gives
what decoding whole gives.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.threads import run_parallel
from facegen.core.units import FEATURE_HZ
from facegen.emotion.style import load_style
from facegen.motion.context import Context
from facegen.motion.lipsync.gestures import CONTROLS, controls
from facegen.motion.lipsync.speech_level import GATE_REACH, LEVEL_BEHIND, level_and_gate, windowed
from facegen.motion.lipsync.visemes import GESTURES, TARGETS, viseme_table
from facegen.speech.phones import LABELS, Features

KERNEL_AHEAD = 15  # frames of coming speech that a frame sees: anticipation
KERNEL_BEHIND = 20  # frames of past speech that it remembers: carry-over
AHEAD = KERNEL_AHEAD + GATE_REACH
BEFORE = LEVEL_BEHIND + KERNEL_BEHIND + GATE_REACH
BLOCK = 4096  # frames decoded at a time

LOUDNESS_SLOPE = 0.02  # change of the opening a dB over or under the talker's level
LOUDNESS_RANGE = (0.45, 1.3)
SMILE_SHARE = 0.4  # of spreading the lips; the rest is stretching them
RATE_USUAL = 12.0  # phones a second
RATE_SLOPE = 0.006  # how much a phone a second more narrows the opening


class CoarticulationDecoder:
    """Phones to mouth by readable tables; the same for any voice and language."""

    controls = CONTROLS
    before, ahead = BEFORE, AHEAD

    def decode(self, context: Context) -> Animation:
        """The ``lips`` layer on CONTROLS, [context.frames, 17], in 0..1."""
        rows = self.rows(context.features, context.config)
        return Animation(context.fps, CONTROLS, context.at_frames(rows))

    def rows(self, features: Features, config: Config, span: slice = slice(0, None)) -> np.ndarray:
        """CONTROLS [F, 17] in 0..1 of each feature frame; only those of ``span`` are worked out."""
        strength = config.mouth * load_style(config.style).strength
        return mouth(features.posteriors, features.energy, strength, span)


def mouth(
    posteriors: np.ndarray, energy: np.ndarray, strength: float = 1.0, span: slice = slice(0, None)
) -> np.ndarray:
    """Mouth controls [F, 17] in 0..1 of ``posteriors`` [F, 40] and ``energy`` [F] dB; ``strength`` scales the motion.
    Outside ``span`` they stay 0."""
    count = len(energy)
    end = count if span.stop is None else span.stop
    rows = np.zeros((count, len(CONTROLS)), np.float32)

    def decode(start: int) -> None:
        stop = min(end, start + BLOCK)
        low, high = max(0, start - BEFORE), min(count, stop + AHEAD)
        heard = posteriors[low:high].astype(np.float32)
        piece = _decode_piece(heard, energy[low:high], strength)
        rows[start:stop] = piece[start - low : stop - low]

    run_parallel(decode, range(span.start, end, BLOCK))
    return rows


def _decode_piece(posteriors: np.ndarray, energy: np.ndarray, strength: float) -> np.ndarray:
    rows, scale = gestures_of(posteriors, energy)
    gestures = dict(zip(TARGETS, rows.T, strict=True))
    gestures["smile"], gestures["stretch"] = (
        SMILE_SHARE * gestures["wide"],
        (1 - SMILE_SHARE) * gestures["wide"],
    )
    return controls(gestures, scale, strength)


def gestures_of(posteriors: np.ndarray, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gestures TARGETS [F, 11] and how much loudness and rate widen the opening, [F]."""
    level, gate = level_and_gate(posteriors, energy)
    masses = posteriors * gate[:, None]
    masses[:, 0] = 1.0 - masses[:, 1:].sum(axis=1)
    return _dominance(masses), _opening_scale(posteriors, energy, level)


@lru_cache(maxsize=1)
def _kernel() -> np.ndarray:
    """What a unit of each phone at each place adds to numerators and denominators, [40, 36 * (11 + 3)] float32.

    Place 0 is KERNEL_BEHIND frames before the frame, the last KERNEL_AHEAD after it. Dominance is
    ``hold * exp(-distance / reach)``, faded to 0 at the window's ends.
    """
    table = viseme_table()
    places = np.arange(-KERNEL_BEHIND, KERNEL_AHEAD + 1)
    seconds = np.abs(places)[:, None] / FEATURE_HZ
    reach = np.where(places[:, None] < 0, table.behind, table.ahead)
    window = np.where(places < 0, KERNEL_BEHIND + 1, KERNEL_AHEAD + 1)
    fade = np.cos(0.5 * np.pi * places / window) ** 2
    hold = (np.exp(-seconds / reach) * fade[:, None])[:, :, None] * table.hold
    weights = np.concatenate([np.repeat(hold, _SIZES, axis=2) * table.targets, hold], axis=2)
    return np.ascontiguousarray(weights.transpose(1, 0, 2).reshape(len(LABELS), -1), dtype=np.float32)


_SIZES = [len(names) for names in GESTURES.values()]


def _dominance(masses: np.ndarray) -> np.ndarray:
    """Gestures [F, 11] of phone masses [F, 40]; beyond the ends lies silence."""
    count, window = len(masses), KERNEL_BEHIND + KERNEL_AHEAD + 1
    padded = np.zeros((count + window - 1, len(LABELS)), np.float32)
    padded[:, 0] = 1.0
    padded[KERNEL_BEHIND : KERNEL_BEHIND + count] = masses
    spread = (padded @ _kernel()).reshape(len(padded), window, -1)
    sums = spread[:count, 0].copy()
    for place in range(1, window):
        sums += spread[place : place + count, place]
    return sums[:, : len(TARGETS)] / np.repeat(sums[:, len(TARGETS) :], _SIZES, axis=1)


def _opening_scale(posteriors: np.ndarray, energy: np.ndarray, level: np.ndarray) -> np.ndarray:
    """How much loudness and rate of speech widen or narrow the opening, [F] about 1."""
    span = AHEAD - GATE_REACH
    above = windowed(np.maximum(energy - level, -30.0), 3, 3) / 7
    loud = np.clip(1 + LOUDNESS_SLOPE * above, *LOUDNESS_RANGE)
    turns = 0.5 * np.abs(np.diff(posteriors, axis=0, prepend=posteriors[:1])).sum(axis=1)
    rate = windowed(turns, 2 * span, span) / (3 * span + 1) * FEATURE_HZ
    return (loud * np.clip(1 - RATE_SLOPE * (rate - RATE_USUAL), 0.8, 1.1)).astype(np.float32)
