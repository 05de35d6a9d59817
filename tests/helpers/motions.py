"""Made-up motion, speech and sentences for the tests of the measures."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from facegen.core.animation import Animation
from facegen.speech.phones import LABELS, Features, Phone, PhoneTrack

FPS = Fraction(60)


def wave(frames: int, fps: float, seed: int = 0, cut: float = 4.0) -> np.ndarray:
    """Smooth noise [frames] between 0 and 1 without energy above ``cut`` Hz."""
    rng, time = np.random.default_rng(seed), np.arange(frames) / fps
    rows = sum(
        rng.normal() * np.sin(2 * np.pi * (f * time + rng.random())) for f in np.arange(0.5, cut, 0.25)
    )
    return (rows - rows.min()) / np.ptp(rows)


def take(fps=FPS, head=None, **curves) -> Animation:
    return Animation(fps, tuple(curves), np.stack(list(curves.values()), axis=1), head)


def speech(active: np.ndarray, energy: np.ndarray | None = None) -> Features:
    """Features that say speech where ``active`` [F]."""
    posteriors = np.zeros((len(active), len(LABELS)), np.float32)
    posteriors[:, 0] = ~active
    posteriors[:, 1] = active
    loud = np.where(active, -20.0, -80.0) if energy is None else energy
    return Features(posteriors, loud.astype(np.float32), np.zeros(len(active), np.float32))


def sentence(seconds: float, seed: int = 0) -> PhoneTrack:
    """Phones of 60 to 160 ms without end."""
    rng, phones, at = np.random.default_rng(seed), [], 0.3
    while at < seconds - 0.5:
        length = rng.uniform(0.06, 0.16)
        phones.append(Phone(at, at + length, str(rng.choice(LABELS[1:]))))
        at += length
    return PhoneTrack(tuple(phones))
