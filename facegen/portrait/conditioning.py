"""What the refiner is told of a frame beside pictures: the emotion shown and the sound heard."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from facegen.emotion import EmotionTrack
from facegen.speech.phones import FEATURE_BANDS

TOKEN_SIZE = FEATURE_BANDS
"""Numbers a token: weights of the emotion categories, filled up with zeros; levels of so many bands of the sound."""
LOUD, RANGE = -2.0, 6.0
"""The logarithm of a band's power that counts as 0, and the step that counts as 1."""


def conditioning_vectors(
    count: int, fps: Fraction, emotion: EmotionTrack | None, audio: str | None, start: float = 0.0
) -> np.ndarray:
    """[count, 2, TOKEN_SIZE] float32: emotion and sound of each frame; neutral and silence where not given."""
    tokens = np.zeros((count, 2, TOKEN_SIZE), np.float32)
    times = (np.arange(count) + 0.5) / float(fps)
    weights = (emotion or EmotionTrack()).weights(times)
    tokens[:, 0, : weights.shape[1]] = weights
    tokens[:, 1] = _levels(count, fps, audio, start)
    return tokens


def _levels(count: int, fps: Fraction, audio: str | None, start: float) -> np.ndarray:
    from facegen.speech.audio import open_audio
    from facegen.speech.logmel import SILENCE, broad, logmel

    if audio is None:
        return np.full((count, TOKEN_SIZE), (SILENCE - LOUD) / RANGE, np.float32)
    sound = open_audio(audio, start=start, duration=float(count / fps))
    samples = np.concatenate([*sound.blocks(), np.zeros(0, np.float32)])
    rows = broad(logmel(samples))
    place = ((np.arange(count) + 0.5) * float(100 / fps)).astype(int)
    heard = np.full((count, TOKEN_SIZE), SILENCE, np.float32)
    inside = place < len(rows)
    heard[inside] = rows[place[inside]]
    return (heard - LOUD) / RANGE
