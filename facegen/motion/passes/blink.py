"""Blinks: both eyelids close and reopen, about 22 times a minute, most often in pauses and with large gaze shifts.

Rate and duration are drawn from log-normal distributions: the statistics published with EmoFace (2024), with the middle
rate lowered towards that of Bentivoglio et al. (1997). A person's own rate is drawn once for a take; arousal and the
style change it over time. Each blink is moved within SEARCH_SHARE of an interval to the end of a phrase or into a pause, or
joins a gaze shift (Evinger et al. 1994).
"""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.gaze_events import affect, gaze_events
from facegen.motion.passes.signals import duration, frame_times, mean_over, speaking, style_value, value_at
from facegen.motion.take import Layer, Take

RATE_LOG_MEAN, RATE_LOG_SPREAD = 3.1, 0.53
"""Mean and standard deviation between people of the natural log of blinks a minute. The spread is EmoFace's (2024), whose
talkers' log mean is 3.5 (33 a minute). The middle is lower, exp(3.1) = 22 a minute: people blink 17 times at rest and 26
in conversation (Bentivoglio et al. 1997), and 6 to 32 times in four Live Link Face captures."""
RATE_RANGE = (15.0, 100.0)
"""Least and most blinks a minute (EmoFace 2024)."""
CLOSE_S, SHUT_S, OPEN_S = 0.070, 0.020, 0.127
"""Seconds in which the lids close, stay shut and open. Together 0.217 s, 13 frames at 60 a second, closing faster than
opening (EmoFace 2024)."""
DURATION_LOG_SPREAD, DURATION_RANGE = 0.3, (0.6, 2.0)
"""Log standard deviation, and least and most, of the factor on a blink's duration. Hand-tuned to four Live Link Face
captures, whose blinks last 0.05-0.39 s at half height."""
FULL_DEPTH, PARTIAL_DEPTH, PARTIAL_SHARE = (0.75, 1.0), (0.4, 0.7), 0.2
"""How far the lids go from where they are to shut (0..1) in full and in partial blinks, and the share of partial ones.
Hand-tuned to four captures, whose blinks reach 0.27-0.94."""
INTERVAL_LOG_SPREAD = 0.55
"""Log standard deviation of the time between blinks. Hand-tuned."""
MIN_INTERVAL_S = 0.25
"""Least time in seconds between the end of one blink and the start of the next. Hand-tuned."""
AROUSAL_GAIN = 0.45
"""Change of the log rate for an arousal of 1. Hand-tuned: it brings aroused talkers near those of EmoFace (2024)."""
GAZE_SHIFT_CHANCE, GAZE_SHIFT_DEGREES = 0.6, 8.0
"""Chance that a gaze shift of more than so many degrees brings a blink. Hand-tuned, after Evinger et al. 1994."""
DROOP_SLOWDOWN = 1.4
"""How much longer a blink takes, as a share of its duration, for each unit of the style's ``lids``. Hand-tuned."""
SEARCH_SHARE = 0.35
"""Share of the mean interval by which a blink may move, earlier or later, to reach a pause. Hand-tuned."""


def blink(take: Take, context: Context) -> Layer | None:
    """Close and reopen both eyelids at each blink, whatever else the lids do.

    Parameters
    ----------
    take : Take
        Not read.
    context : Context
        Phone features, emotion, gaze targets, style and seed.

    Returns
    -------
    Layer or None
        Mode ``replace``: eyeBlink and eyeWide of both sides, float32 of shape (T, 4) in 0..1, under a mask that is the
        closure in 0..1. None for a clip shorter than a blink.
    """
    rng = context.rng("blink")
    instants = blink_times(context, rng)
    if len(instants) == 0:
        return None
    shut = np.zeros(context.frames, np.float32)
    names = ("eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight")
    values = np.zeros((context.frames, len(names)), np.float32)
    times, fps = frame_times(context), float(context.fps)
    droop = style_value(context, "lids")
    for instant in instants:
        duration_scale = np.clip(np.exp(rng.normal(0, DURATION_LOG_SPREAD)), *DURATION_RANGE)
        duration_scale = min(
            DURATION_RANGE[1], duration_scale * (1 + DROOP_SLOWDOWN * value_at(context, droop, instant))
        )
        depth = rng.uniform(*(PARTIAL_DEPTH if rng.random() < PARTIAL_SHARE else FULL_DEPTH))
        first = max(0, int((instant - duration_scale * CLOSE_S) * fps))
        last = min(context.frames, int((instant + duration_scale * (SHUT_S + OPEN_S)) * fps) + 2)
        curve = depth * _lid_closure((times[first:last] - instant) / duration_scale)
        shut[first:last] = np.maximum(shut[first:last], curve)
        values[first:last, :2][curve > 0] = rng.uniform(0.95, 1.0, 2)
    return Layer("blink", "replace", Animation(context.fps, names, owned(values)), shut)


def _lid_closure(offset: np.ndarray) -> np.ndarray:
    """How far the lids are closed ``offset`` seconds from the instant at which they are first down, 0..1."""
    closing = 1 + offset / CLOSE_S
    opening = 1 - (offset - SHUT_S) / OPEN_S
    part = np.clip(np.minimum(closing, opening), 0, 1)
    return (part * part * (3 - 2 * part)).astype(np.float32)


def blink_times(context: Context, rng: np.random.Generator) -> np.ndarray:
    """When the lids are fully down.

    Parameters
    ----------
    context : Context
        Phone features, emotion, gaze targets and style.
    rng : Generator
        The generator of the pass.

    Returns
    -------
    ndarray of float64, shape (N,)
        Seconds, each in the middle of a frame; no blink is cut by the clip's ends.
    """
    log_rate, end, fps = rng.normal(RATE_LOG_MEAN, RATE_LOG_SPREAD), duration(context), float(context.fps)
    rates = np.exp(log_rate + AROUSAL_GAIN * affect(context)[:, 1]) * style_value(context, "blink")
    intervals = 60.0 / np.clip(rates, *RATE_RANGE)
    before, after = (DURATION_RANGE[1] * s + 0.5 / fps for s in (CLOSE_S, SHUT_S + OPEN_S))
    min_interval = MIN_INTERVAL_S + before + after
    suitability = _suitability(context)
    instants: list[float] = []
    target = value_at(context, intervals, 0.0) * rng.uniform(0.1, 1.0)
    shifts = _gaze_shift_blinks(context)
    while target < end:
        interval = value_at(context, intervals, target)
        low, high = target - SEARCH_SHARE * interval, target + SEARCH_SHARE * interval
        if instants:
            low = max(low, instants[-1] + min_interval)
        low, high = max(low, before), min(max(high, low), end - after)
        candidates = shifts[(shifts >= low) & (shifts <= high)]
        if len(candidates):
            instants.append((np.floor(candidates[0] * fps) + 0.5) / fps)
        elif low <= high:
            best = _most_suitable(suitability, low, high, rng.random())
            instants.append((np.floor(best * fps) + 0.5) / fps)
        target = max(target, instants[-1] if instants else 0.0)
        target += max(
            min_interval, interval * np.exp(rng.normal(-0.5 * INTERVAL_LOG_SPREAD**2, INTERVAL_LOG_SPREAD))
        )
    inside = [t for t in instants if before - 0.5 / fps <= t <= end - after + 0.5 / fps]
    return np.array(inside)


def _gaze_shift_blinks(context: Context) -> np.ndarray:
    """Instants [N] in seconds of large gaze shifts that a blink goes with."""
    rng, found, before = context.rng("blink with gaze"), [], (0.0, 0.0)
    for event in gaze_events(context):
        size = np.hypot(event.left - before[0], event.up - before[1])
        if rng.random() < GAZE_SHIFT_CHANCE and size > GAZE_SHIFT_DEGREES:
            found.append(event.at + CLOSE_S)
        before = event.left, event.up
    return np.array(found)


def _suitability(context: Context) -> np.ndarray:
    """How suitable each feature frame is for a blink, [F]: in a pause, most of all just after a phrase ends."""
    speech = speaking(context)
    if len(speech) == 0:
        return np.zeros(1, np.float32)
    phrase_end = np.zeros_like(speech)  # how much less speech there is than 0.3 s before
    np.subtract(speech[:-30], speech[30:], out=phrase_end[30:])
    phrase_end[:30] = speech[0] - speech[:30]
    np.maximum(phrase_end, 0, out=phrase_end)
    phrase_end += 1
    phrase_end -= speech
    return mean_over(phrase_end, 7)


def _most_suitable(suitability: np.ndarray, low: float, high: float, chance: float) -> float:
    """The most suitable instant of [low, high] seconds; ``chance`` in 0..1 chooses among those within 0.1 of it."""
    first, last = (min(len(suitability) - 1, int(t * 100)) for t in (low, high))
    part = suitability[first : last + 1]
    best_frames = np.flatnonzero(part >= part.max() - 0.1)
    at = (first + best_frames[int(chance * len(best_frames))] + 0.5) / 100
    return float(np.clip(at, low, high))
