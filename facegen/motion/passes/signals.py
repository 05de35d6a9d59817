"""Signals that several passes share: frame times, speech activity, stressed syllables, pulses and slow noise.

Stresses are peaks of loudness that stand above the surrounding level, stronger where pitch rises too. Slow noise is a
sum of octaves of random knots with 1/f power, joined by Catmull-Rom splines. The windows and thresholds are hand-tuned.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from facegen.core.memory import chunks
from facegen.emotion.style import load_style, style_share
from facegen.motion.context import Context

QUIET_DB = -70.0
"""Level below which a frame counts as silent, dB re full scale. Hand-tuned; the lip-sync gate has the same floor."""


def frame_times(context: Context, part: slice | None = None) -> np.ndarray:
    """The middle of each animation frame.

    Parameters
    ----------
    context : Context
        Frame rate and length.
    part : slice, optional
        Only these frames.

    Returns
    -------
    ndarray of float64, shape (T,)
        Seconds.
    """
    first, last = (0, context.frames) if part is None else (part.start, part.stop)
    return (np.arange(first, last) + 0.5) / float(context.fps)


def duration(context: Context) -> float:
    """Length of the animation in seconds.

    Parameters
    ----------
    context : Context
        Frame rate and length.

    Returns
    -------
    float
    """
    return context.frames / float(context.fps)


def style_value(context: Context, name: str) -> float | np.ndarray:
    """A setting of the style over time.

    Parameters
    ----------
    context : Context
        The clip's style, and spans of the timeline that name styles of their own.
    name : str
        A field of ``Style``.

    Returns
    -------
    float or ndarray of float32, shape (T,)
        One value, or one a frame where spans have styles of their own.
    """
    baseline = float(getattr(load_style(context.config.style), name))
    spans = [span for span in context.emotion.spans if span.style]
    if not spans:
        return baseline
    times = frame_times(context)
    rows = np.full(context.frames, baseline, np.float32)
    for span in spans:
        rows += style_share(span.start, span.end, times) * (getattr(load_style(span.style), name) - rows)
    return rows


def value_at(context: Context, rows: np.ndarray | float, seconds: float) -> float:
    """The value of a signal at an instant.

    Parameters
    ----------
    context : Context
        Frame rate.
    rows : ndarray of shape (T,) or (1,), or float
        The signal, one value a frame, or one for all.
    seconds : float
        The instant; beyond the ends, the first or last value holds.

    Returns
    -------
    float
    """
    values = np.atleast_1d(rows)
    return float(values[min(len(values) - 1, max(0, int(seconds * float(context.fps))))])


def mean_over(rows: np.ndarray, frames: int) -> np.ndarray:
    """Centred moving mean, with the end values held beyond the ends.

    Parameters
    ----------
    rows : ndarray, shape (F,)
    frames : int
        Width of the window.

    Returns
    -------
    ndarray of float32, shape (F,)
    """
    if len(rows) == 0:
        return np.zeros(0, np.float32)
    return uniform_filter1d(rows, max(1, frames), output=np.float32, mode="nearest")  # sums in float64


def speaking(context: Context, seconds: float = 0.3) -> np.ndarray:
    """Speech activity around each feature frame.

    Parameters
    ----------
    context : Context
        Phone features: probability of speech and level.
    seconds : float
        Width of the window of the mean.

    Returns
    -------
    ndarray of float32, shape (F,)
        In 0..1; 0 where the whole window is silent.
    """
    features = context.features
    voiced = features.speech
    voiced -= 0.15
    voiced /= 0.35
    np.clip(voiced, 0, 1, out=voiced)
    voiced *= features.energy > QUIET_DB
    share = mean_over(voiced, max(1, round(seconds * features.rate)))
    share *= 2
    return np.clip(share, 0, 1, out=share)


def stresses(context: Context) -> tuple[np.ndarray, np.ndarray]:
    """Stressed syllables: peaks of loudness, stronger where pitch rises too.

    Parameters
    ----------
    context : Context
        Phone features: level, pitch and probability of speech.

    Returns
    -------
    times : ndarray of float64, shape (N,)
        Seconds.
    strengths : ndarray of float64, shape (N,)
        In 0..1.
    """
    features = context.features
    if len(features) == 0:
        return np.zeros(0), np.zeros(0)
    level = mean_over(np.maximum(features.energy, QUIET_DB), 9)
    mean_level = mean_over(level, 81)
    peak = (
        (level == maximum_filter1d(level, 35)) & (speaking(context, 0.1) > 0.6) & (level > mean_level + 2.0)
    )
    at = np.flatnonzero(peak)
    prominence = level[at] - mean_level[at]
    del level, mean_level  # large for recordings of hours
    strength = np.clip(prominence / 14 + 1.5 * np.maximum(_pitch_rise(features.pitch)[at], 0), 0, 1)
    return (at + 0.5) / features.rate, strength


def _pitch_rise(pitch: np.ndarray) -> np.ndarray:
    """Octaves [F] by which ``pitch`` [F] Hz lies above its mean over two seconds; 0 where unvoiced."""
    voiced = pitch > 0
    octaves = np.log2(np.where(voiced, pitch, np.float32(1)))
    baseline = mean_over(octaves * voiced, 201)
    baseline /= np.maximum(mean_over(voiced, 201), 1e-3)
    octaves -= baseline
    np.clip(octaves, -0.5, 0.5, out=octaves)
    octaves *= voiced
    return mean_over(octaves, 15)


def pulses(context: Context, at: np.ndarray, size: np.ndarray, rise: float, fall: float) -> np.ndarray:
    """A sum of smooth pulses.

    Parameters
    ----------
    context : Context
        Frame rate and length.
    at, size : ndarray, shape (N,)
        Seconds of each peak, and its height.
    rise, fall : float
        Seconds before and after the peak in which a pulse grows and fades.

    Returns
    -------
    ndarray of float32, shape (T,)
    """
    rows = np.zeros(context.frames, np.float32)
    for centre, height in zip(at, size, strict=True):
        span, curve = pulse(context, centre, rise, fall)
        rows[span] += (height * curve).astype(np.float32)
    return rows


def pulse(context: Context, centre: float, rise: float, fall: float) -> tuple[slice, np.ndarray]:
    """One smooth pulse: a smoothstep up to 1 and another down.

    Parameters
    ----------
    context : Context
        Frame rate and length.
    centre : float
        Seconds of the peak.
    rise, fall : float
        Seconds before and after it in which the pulse grows and fades.

    Returns
    -------
    frames : slice
        The frames that it touches.
    values : ndarray of float64, shape (n,)
        Its values there, in 0..1.
    """
    fps = float(context.fps)
    first, last = max(0, int((centre - rise) * fps)), min(context.frames, int((centre + fall) * fps) + 2)
    offset = (np.arange(first, last) + 0.5) / fps - centre
    part = np.clip(np.where(offset < 0, 1 + offset / rise, 1 - offset / fall), 0, 1)
    return slice(first, last), part * part * (3 - 2 * part)


def slow_noise(context: Context, rng: np.random.Generator, period: float, octaves: int = 3) -> np.ndarray:
    """Smooth noise of standard deviation about 1 and 1/f power; early values do not depend on the clip's length.

    Parameters
    ----------
    context : Context
        Frame rate and length.
    rng : Generator
        Spawns a stream for each octave.
    period : float
        Seconds between knots of the slowest octave.
    octaves : int
        How many, each at twice the rate and half the height.

    Returns
    -------
    ndarray of float32, shape (T,)
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
