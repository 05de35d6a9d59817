"""The mood of a live voice: what is heard, told to the face in steps at fixed times, however the sound is cut."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from facegen.emotion import CATEGORIES, EMOTION_HZ, Emotion, EmotionCurve
from facegen.emotion.encoder import EmotionEncoder
from facegen.speech.encoder import Encoder

EVERY = 10  # answers from one look to the next: a second
PAST = 80  # answers that a look takes in
LAG_S = 1.1  # from what is heard to the frame that shows it: what an answer looks ahead, and the blocks of its encoders
STEP = 20  # phone frames worked out at a time
LEAST = 0.06  # change of the weights that is worth a new face


class StreamingEmotion:
    """``push(block)`` takes samples [n] at 16 kHz and gives the turns that are due: a frame, and the emotion from it on."""

    def __init__(self, encoder: Encoder, emotion_encoder: EmotionEncoder, fps: Fraction) -> None:
        self._phones = encoder.stream(STEP)
        self._stream = emotion_encoder.stream(live=True)
        self._fps = fps
        self._heard, self._first = EmotionCurve.nothing(), 0
        self._shown = np.zeros(len(CATEGORIES) - 1)

    def push(self, block: np.ndarray) -> list[tuple[int, Emotion]]:
        block = np.asarray(block, np.float32)
        fresh = self._stream.push(block, self._phones.push(block))
        before = self._first + len(self._heard)
        self._heard = EmotionCurve.joined([self._heard, fresh])
        turns = []
        for at in range(-(-(before + 1) // EVERY) * EVERY, before + len(fresh) + 1, EVERY):
            turns += self._look(at)
        extra = len(self._heard) - PAST
        if extra > 0:
            self._heard = EmotionCurve(*(rows[extra:] for rows in self._heard.arrays))
            self._first += extra
        return turns

    def _look(self, at: int) -> list[tuple[int, Emotion]]:
        """The turn at the answer ``at``, if there is one."""
        rows = (part[max(0, at - PAST - self._first) : at - self._first] for part in self._heard.arrays)
        shown = EmotionCurve(*rows).shown[-1, 1:].astype(np.float64)
        if np.abs(shown - self._shown).max() < LEAST:
            return []
        self._shown = shown
        weights = dict(zip(CATEGORIES[1:], shown.tolist(), strict=True))
        frame = math.ceil((Fraction(at, EMOTION_HZ) + Fraction(LAG_S).limit_denominator(100)) * self._fps)
        return [(frame, Emotion.from_weights(weights))]
