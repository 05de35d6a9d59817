"""Laughs, sighs, gasps, cries and groans: what the face does while they sound, by their own energy."""

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
LEAST, FULL = 0.4, 0.8  # probability from which a sound shows, and fully
ONSET_S, OFFSET_S = 0.12, 0.45
TOP_S, RANGE_DB = 1.0, 18.0  # a pulse is as strong as the sound is loud beside its loudest within TOP_S
LEVEL_S = 8.0  # within which the loudest sound is the talker's level
FAINT_DB, CLEAR_DB = (
    -22.0,
    -12.0,
)  # under that level: what is fainter is the room; from there a sound counts fully
MOUTH = ("jaw", "mouth")


def nonverbal(take: Take, context: Context) -> Layer | None:
    """Brows, lids, cheeks and mouth [T, C], never under what lies below; None where no such sound is heard."""
    heard = context.emotion.heard
    if heard is None or not len(heard) or float(heard.sounds.max()) <= LEAST:
        return None
    names, hold, pulse = sound_table()
    amount = heard.at(_eased(heard.sounds), frame_times(context))
    amount = amount * context.at_frames(_near(context))[:, None]
    loud = context.at_frames(_loudness(context))[:, None]
    values = amount @ hold + (amount * loud) @ pulse
    mouth = np.array([name.startswith(MOUTH) for name in names])
    values *= np.where(mouth, context.config.mouth, context.config.upper_face)
    if not values.any():
        return None
    return Layer("nonverbal", "max", Animation(context.fps, names, np.minimum(values, 1).astype(np.float32)))


@lru_cache(maxsize=1)
def sound_table() -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Controls, and what of each a sound holds [S, C] and adds at its loudest [S, C]."""
    rows = list(csv.DictReader(TABLE.open(encoding="utf-8")))
    wanted = [(row, name) for row in rows for name in _sides(row["control"])]
    names = tuple(dict.fromkeys(name for _, name in wanted))
    hold, pulse = np.zeros((2, len(SOUNDS), len(names)), np.float32)
    for row, name in wanted:
        place = SOUNDS.index(row["sound"]), names.index(name)
        hold[place], pulse[place] = float(row["hold"]), float(row["pulse"])
    return names, hold, pulse


def _sides(control: str) -> list[str]:
    return [control[:-1] + side for side in ("Left", "Right")] if control.endswith("*") else [control]


def _eased(sounds: np.ndarray) -> np.ndarray:
    """How far each sound shows, [N, S] in 0..1: it comes in ONSET_S and goes in OFFSET_S."""
    goals = np.clip((sounds - LEAST) / (FULL - LEAST), 0, 1)
    rise, fall = (1 - np.exp(-1 / (EMOTION_HZ * seconds)) for seconds in (ONSET_S, OFFSET_S))
    rows, now = np.zeros_like(goals), np.zeros(goals.shape[1])
    for at, goal in enumerate(goals):
        now = now + np.where(goal > now, rise, fall) * (goal - now)
        rows[at] = now
    return rows


def _near(context: Context) -> np.ndarray:
    """How surely each feature frame sounds as near as the talker, not like the room behind, [F] in 0..1."""
    energy = mean_over(np.maximum(context.features.energy, QUIET_DB), 5)
    if not len(energy):
        return energy
    width = max(1, round(LEVEL_S * context.features.rate))
    under = maximum_filter1d(energy, 21) - maximum_filter1d(energy, width)
    return mean_over(np.clip((under - FAINT_DB) / (CLEAR_DB - FAINT_DB), 0, 1), 11)


def _loudness(context: Context) -> np.ndarray:
    """Loudness of each feature frame beside the loudest near it, [F] in 0..1."""
    energy = mean_over(np.maximum(context.features.energy, QUIET_DB), 5)
    if not len(energy):
        return energy
    top = maximum_filter1d(energy, max(1, round(TOP_S * context.features.rate)))
    return np.clip((energy - top + RANGE_DB) / RANGE_DB, 0, 1) * np.clip((top - QUIET_DB) / 12, 0, 1)
