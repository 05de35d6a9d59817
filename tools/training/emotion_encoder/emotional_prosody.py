"""Read speech said again with an emotion: pitch, tempo, effort and voice quality changed as studies of acted voices found.

A vocoder (WORLD: Morise, Yokomori, Ozawa, 2016) parts a voice into pitch, spectrum and breath. Directions and rough sizes of
the changes: Murray and Arnott 1993; Burkhardt and Sendlmeier 2000; Juslin and Laukka 2003. Effort lifts a voice's spectrum
from the lowest harmonics to about 1 kHz (Traunmüller and Eriksson 2000).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyworld

from facegen.speech.audio import read_audio
from tools.training.corpora import Sample

RATE = 16_000
FRAME_S = 0.005
LEVEL_DB = -32.0  # of a neutral voice: the loudest is then still far from clipping
EACH = {"speechocean762": 2, "grid": 8}
"""Recordings of one talker that are said again."""
LEAST_S, LEAST_VOICED = 1.0, 60  # frames
_RISE_S = 0.5  # the end of an utterance, over which its pitch falls or rises
_EFFORT_HZ = (120.0, 1000.0)


class Change(NamedTuple):
    """What an emotion at full strength does to a neutral voice."""

    pitch: float = 0.0  # semitones
    range: float = 0.0  # log of the factor
    rise: float = 0.0  # semitones at the end
    tempo: float = 0.0  # log of the factor
    level: float = 0.0  # dB
    effort: float = 0.0  # dB that 1 kHz and more have over the lowest harmonics
    breath: float = 0.0  # 1: all noise
    shake: float = 0.0  # semitones of slow random pitch
    throat: float = 0.0  # log of the factor of formants


CHANGES = {
    "neutral": Change(),
    "happy": Change(7.0, 0.45, 1.0, 0.0, 6.0, 5.0, -0.1, 0.1, 0.04),
    "sad": Change(-0.5, -0.4, -0.5, -0.28, -6.0, -3.0, 0.25, 0.15, -0.01),
    "angry": Change(7.0, 0.3, -1.0, 0.03, 11.0, 9.0, -0.2, 0.15, 0.01),
    "fearful": Change(6.5, 0.0, 0.5, 0.15, 2.0, 2.0, 0.15, 0.3, 0.01),
    "disgusted": Change(1.5, 0.1, -1.5, -0.25, 2.0, 2.0, 0.0, 0.2, -0.03),
    "surprised": Change(7.0, 0.6, 3.5, -0.03, 4.0, 3.0, 0.05, 0.1, 0.02),
    "contempt": Change(-1.0, -0.1, -2.0, -0.12, 0.5, 1.0, -0.1, 0.1, -0.01),
}
SPREADS = Change(1.5, 0.12, 0.7, 0.06, 2.0, 1.5, 0.08, 0.05, 0.015)
STRENGTHS = (0.5, 1.3)


class Voice(NamedTuple):
    """Pitch [T] Hz (0 unvoiced), spectrum [T, F] power and breath [T, F] 0..1, every FRAME_S."""

    pitch: np.ndarray
    spectrum: np.ndarray
    breath: np.ndarray


def sayings(clips: Iterator[Sample], each: int) -> Iterator[tuple[Sample, Voice]]:
    """The voices of the first ``each`` recordings of each talker that are long enough and voiced."""
    seen: dict[str, int] = {}
    for sample in clips:
        if seen.get(sample.speaker, 0) >= each or sample.audio is None:
            continue
        sound = read_audio(sample.audio).samples[: 6 * RATE]
        if len(sound) < LEAST_S * RATE:
            continue
        voice = parted(sound)
        if (voice.pitch > 0).sum() >= LEAST_VOICED:
            seen[sample.speaker] = seen.get(sample.speaker, 0) + 1
            yield sample, voice


def parted(sound: np.ndarray) -> Voice:
    """The voice in ``sound`` [N] at RATE."""
    sound = sound.astype(np.float64)
    pitch, times = pyworld.dio(sound, RATE, f0_floor=65, f0_ceil=500, frame_period=1000 * FRAME_S)
    pitch = pyworld.stonemask(sound, pitch, times, RATE)
    return Voice(pitch, pyworld.cheaptrick(sound, pitch, times, RATE), pyworld.d4c(sound, pitch, times, RATE))


def drawn(emotion: str, rng: np.random.Generator) -> Change:
    """The change of one saying: of a random strength, each part off by its own spread."""
    change, spread = np.array(CHANGES[emotion]), np.array(SPREADS)
    return Change(*(rng.uniform(*STRENGTHS) * change + spread * rng.normal(size=len(change))))


def resynthesized(voice: Voice, change: Change, rng: np.random.Generator) -> np.ndarray:
    """``voice`` with a ``change``, [N] float32 at RATE."""
    count = max(2, round(len(voice.pitch) / np.exp(change.tempo)))
    at = np.linspace(0, len(voice.pitch) - 1, count)
    near = np.rint(at).astype(int)
    spectrum = _shaped(voice.spectrum[near], change)
    breath = np.clip(voice.breath[near], 1e-6, 1 - 1e-6) ** np.clip(1 - change.breath, 0.05, 3)
    sound = pyworld.synthesize(
        _melody(voice.pitch[near], change, rng), spectrum, breath, RATE, 1000 * FRAME_S
    )
    power = np.sqrt(np.mean(sound**2)) + 1e-9
    return np.clip(sound / power * 10 ** ((LEVEL_DB + change.level) / 20), -1, 1).astype(np.float32)


def _melody(pitch: np.ndarray, change: Change, rng: np.random.Generator) -> np.ndarray:
    """``pitch`` [T] Hz about its mean, moved, widened, bent at its end and shaken."""
    voiced = pitch > 0
    if not voiced.any():
        return pitch
    steps = 12 * np.log2(np.maximum(pitch, 1.0))
    middle = steps[voiced].mean()
    last = np.flatnonzero(voiced)[-1]
    end = np.clip(1 - (last - np.arange(len(pitch))) * FRAME_S / _RISE_S, 0, 1)
    knots = rng.normal(size=len(pitch) // 20 + 2)  # ten a second
    shake = np.interp(np.arange(len(pitch)) / 20, np.arange(len(knots)), knots)
    moved = middle + np.exp(change.range) * (steps - middle) + change.pitch + change.rise * end
    moved += max(change.shake, 0.0) * shake
    return np.where(voiced, np.clip(2 ** (moved / 12), 50, 700), 0.0)


def _shaped(spectrum: np.ndarray, change: Change) -> np.ndarray:
    """``spectrum`` [T, F] with formants moved and effort."""
    bins = np.arange(spectrum.shape[1])
    source = np.clip(bins / np.exp(change.throat), 0, bins[-1])
    low = np.minimum(source.astype(int), bins[-1] - 1)
    part = source - low
    moved = spectrum[:, low] ** (1 - part) * spectrum[:, low + 1] ** part
    hz = bins * RATE / 2 / bins[-1]
    low_hz, high_hz = np.log(_EFFORT_HZ)
    lifted = change.effort * np.clip((np.log(np.maximum(hz, 1.0)) - low_hz) / (high_hz - low_hz), 0, 1)
    return np.ascontiguousarray(moved * 10 ** (lifted / 10))
