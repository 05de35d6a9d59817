"""Nonverbal sounds: brows, lids, cheeks and mouth at laughs, sighs, gasps, cries, groans and breaths.

The emotion encoder gives the probability of each sound; the table ``nonverbal_sounds.csv`` says which controls it holds and
which follow its loudness (laughter: Ruch and Ekman 2001). Sounds far below the talker's level are taken for the room.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.ndimage import maximum_filter1d

from facegen.core.animation import Animation
from facegen.emotion import EMOTION_HZ, SOUNDS
from facegen.motion.context import Context
from facegen.motion.passes.signals import QUIET_DB, frame_times, mean_over
from facegen.motion.take import Layer, Take

TABLE = Path(__file__).resolve().parents[2] / "data" / "nonverbal_sounds.csv"
"""A row for each sound and control: ``hold``, its value while the sound lasts, and ``pulse``, what its loudness adds."""
MIN_PROBABILITY, FULL_PROBABILITY = 0.4, 0.8
"""Probability from which a sound shows, and shows fully. Hand-tuned."""
ONSET_S, OFFSET_S = 0.12, 0.45
"""Time constants in seconds in which the face follows the start and the end of a sound. Hand-tuned."""
PEAK_WINDOW_S, RANGE_DB = 1.0, 18.0
"""Pulses follow the level relative to the loudest within so many seconds, over so many dB below it. Hand-tuned."""
TALKER_WINDOW_S = 8.0
"""Seconds within which the loudest frame is the talker's level. Hand-tuned."""
FAINT_DB, NEAR_DB = -22.0, -12.0
"""dB relative to the talker's level: below the first a sound is the room's, from the second it counts fully. Hand-tuned."""
MOUTH_PREFIXES = ("jaw", "mouth")
"""Prefixes of the controls that the strength of the mouth scales; that of the upper face scales the others."""


def nonverbal(take: Take, context: Context) -> Layer | None:
    """Move the face at nonverbal sounds.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Emotion track (for the sounds' probabilities), level, strengths of mouth and upper face.

    Returns
    -------
    Layer or None
        Mode ``max``: controls of the table, float32 of shape (T, C) in 0..1. None without such a sound.
    """
    curve = context.emotion.heard
    if curve is None or not len(curve) or float(curve.sounds.max()) <= MIN_PROBABILITY:
        return None
    names, hold, pulse = sound_table()
    amount = curve.at(_smoothed(curve.sounds), frame_times(context))
    amount = amount * context.at_frames(_proximity(context))[:, None]
    loudness = context.at_frames(_loudness(context))[:, None]
    values = amount @ hold + (amount * loudness) @ pulse
    mouth = np.array([name.startswith(MOUTH_PREFIXES) for name in names])
    values *= np.where(mouth, context.config.mouth, context.config.upper_face)
    if not values.any():
        return None
    return Layer("nonverbal", "max", Animation(context.fps, names, np.minimum(values, 1).astype(np.float32)))


@lru_cache(maxsize=1)
def sound_table() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """The table of nonverbal sounds.

    Returns
    -------
    controls : tuple of str
        The columns.
    hold : ndarray of float32, shape (S, C)
        Values while a sound of SOUNDS lasts.
    pulse : ndarray of float32, shape (S, C)
        What its loudest instant adds.
    """
    rows = list(csv.DictReader(TABLE.open(encoding="utf-8")))
    entries = [(row, name) for row in rows for name in _sides(row["control"])]
    names = tuple(dict.fromkeys(name for _, name in entries))
    hold, pulse = np.zeros((2, len(SOUNDS), len(names)), np.float32)
    for row, name in entries:
        place = SOUNDS.index(row["sound"]), names.index(name)
        hold[place], pulse[place] = float(row["hold"]), float(row["pulse"])
    return names, hold, pulse


def _sides(control: str) -> list[str]:
    return [control[:-1] + side for side in ("Left", "Right")] if control.endswith("*") else [control]


def _smoothed(sounds: np.ndarray) -> np.ndarray:
    """How far each sound shows, [N, S] in 0..1, smoothed with time constants ONSET_S and OFFSET_S."""
    targets = np.clip((sounds - MIN_PROBABILITY) / (FULL_PROBABILITY - MIN_PROBABILITY), 0, 1)
    rise, fall = (1 - np.exp(-1 / (EMOTION_HZ * seconds)) for seconds in (ONSET_S, OFFSET_S))
    rows, state = np.zeros_like(targets), np.zeros(targets.shape[1])
    for at, target in enumerate(targets):
        state = state + np.where(target > state, rise, fall) * (target - state)
        rows[at] = state
    return rows


def _proximity(context: Context) -> np.ndarray:
    """How certainly each feature frame comes from the talker and not from the room, by its level, [F] in 0..1."""
    energy = mean_over(np.maximum(context.features.energy, QUIET_DB), 5)
    if not len(energy):
        return energy
    width = max(1, round(TALKER_WINDOW_S * context.features.rate))
    relative = maximum_filter1d(energy, 21) - maximum_filter1d(energy, width)
    return mean_over(np.clip((relative - FAINT_DB) / (NEAR_DB - FAINT_DB), 0, 1), 11)


def _loudness(context: Context) -> np.ndarray:
    """Level of each feature frame relative to the loudest within PEAK_WINDOW_S, [F] in 0..1."""
    energy = mean_over(np.maximum(context.features.energy, QUIET_DB), 5)
    if not len(energy):
        return energy
    peak = maximum_filter1d(energy, max(1, round(PEAK_WINDOW_S * context.features.rate)))
    return np.clip((energy - peak + RANGE_DB) / RANGE_DB, 0, 1) * np.clip((peak - QUIET_DB) / 12, 0, 1)
