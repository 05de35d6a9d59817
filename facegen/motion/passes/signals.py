"""What several passes share: where a clip is speech, where its stresses fall, pulses and slow noise over time."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from facegen.core.memory import chunks
from facegen.emotion.style import load_style, style_share
from facegen.motion.context import Context

QUIET_DB = -70.0


def frame_times(context: Context, part: slice | None = None) -> np.ndarray:
    """The middle of each animation frame, [T] seconds, or of those of ``part``."""
    first, last = (0, context.frames) if part is None else (part.start, part.stop)
    return (np.arange(first, last) + 0.5) / float(context.fps)


def duration(context: Context) -> float:
    """Seconds that the animation lasts."""
    return context.frames / float(context.fps)


def style_value(context: Context, name: str) -> float | np.ndarray:
    """A number of the style over time: one value, or [T] where spans of the timeline name styles of their own."""
    usual = float(getattr(load_style(context.config.style), name))
    spans = [span for span in context.emotion.spans if span.style]
    if not spans:
        return usual
    times = frame_times(context)
    rows = np.full(context.frames, usual, np.float32)
    for span in spans:
        rows += style_share(span.start, span.end, times) * (getattr(load_style(span.style), name) - rows)
    return rows


def value_at(context: Context, rows: np.ndarray | float, seconds: float) -> float:
    """The value of ``rows`` ([T], [1] or one number) in the frame at ``seconds``."""
    values = np.atleast_1d(rows)
    return float(values[min(len(values) - 1, max(0, int(seconds * float(context.fps))))])


def mean_over(rows: np.ndarray, frames: int) -> np.ndarray:
    """Centred moving mean of ``rows`` [F] over ``frames`` of them, held at the ends."""
    if len(rows) == 0:
        return np.zeros(0, np.float32)
    return uniform_filter1d(rows, max(1, frames), output=np.float32, mode="nearest")  # sums in float64


def speaking(context: Context, seconds: float = 0.3) -> np.ndarray:
    """How much a talker talks about each feature frame, [F] in 0..1; 0 where all within ``seconds`` is silent."""
    features = context.features
    voiced = features.speech
    voiced -= 0.15
    voiced /= 0.35
    np.clip(voiced, 0, 1, out=voiced)
    voiced *= features.energy > QUIET_DB
    talks = mean_over(voiced, max(1, round(seconds * features.rate)))
    talks *= 2
    return np.clip(talks, 0, 1, out=talks)


def stresses(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Times [N] s and strengths [N] in 0..1 of stressed syllables: peaks of loudness, higher where pitch is too."""
    features = context.features
    if len(features) == 0:
        return np.zeros(0), np.zeros(0)
    loud = mean_over(np.maximum(features.energy, QUIET_DB), 9)
    around = mean_over(loud, 81)
    peak = (loud == maximum_filter1d(loud, 35)) & (speaking(context, 0.1) > 0.6) & (loud > around + 2.0)
    at = np.flatnonzero(peak)
    louder = loud[at] - around[at]
    del loud, around  # those of hours are big
    strength = np.clip(louder / 14 + 1.5 * np.maximum(_raised(features.pitch)[at], 0), 0, 1)
    return (at + 0.5) / features.rate, strength


def _raised(pitch: np.ndarray) -> np.ndarray:
    """Octaves [F] by which ``pitch`` [F] Hz lies above that of the two seconds around it; 0 where unvoiced."""
    voiced = pitch > 0
    octaves = np.log2(np.where(voiced, pitch, np.float32(1)))
    usual = mean_over(octaves * voiced, 201)
    usual /= np.maximum(mean_over(voiced, 201), 1e-3)
    octaves -= usual
    np.clip(octaves, -0.5, 0.5, out=octaves)
    octaves *= voiced
    return mean_over(octaves, 15)


def pulses(context: Context, at: np.ndarray, size: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """A sum of smooth pulses, [T]: each grows for ``rise`` s to ``size`` at its time, and goes in ``fall`` s."""
    rows = np.zeros(context.frames, np.float32)
    for centre, height in zip(at, size, strict=True):
        span, curve = pulse(context, centre, rise, fall)
        rows[span] += (height * curve).astype(np.float32)
    return rows


def pulse(context: Context, centre: float, rise: float, fall: float) -> tuple[slice, np.ndarray]:
    """The frames of one pulse and its values there, up to 1."""
    fps = float(context.fps)
    first, last = max(0, int((centre - rise) * fps)), min(context.frames, int((centre + fall) * fps) + 2)
    away = (np.arange(first, last) + 0.5) / fps - centre
    part = np.clip(np.where(away < 0, 1 + away / rise, 1 - away / fall), 0, 1)
    return slice(first, last), part * part * (3 - 2 * part)


def slow_noise(context: Context, rng: np.random.Generator, period: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise [T] of standard deviation about 1, with power falling as 1/f from one turn in ``period`` s up.

    The values at early times do not depend on how long the clip is.
    """
    curves = []
    for octave, stream in enumerate(rng.spawn(octaves)):
        step, shift = period / 2**octave, stream.random()
        knots = stream.standard_normal(int(duration(context) / step) + 5)
        curves.append((0.5**octave, step, shift, knots))
    rows, size = np.zeros(context.frames, np.float32), np.sqrt(0.6 * (1 - 0.25**octaves) / 0.75)
    for part in chunks(context.frames):
        times, total = frame_times(context, part), np.zeros(part.stop - part.start)
        for height, step, shift, knots in curves:
            total += height * _spline(knots, times / step + shift)
        rows[part] = total / size
    return rows


def _spline(knots: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Catmull-Rom curve through ``knots`` at fractional knot numbers ``place`` (shifted by one)."""
    at = place.astype(np.int64)
    t = place - at
    a, b, c, d = (knots[at + i] for i in range(4))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
