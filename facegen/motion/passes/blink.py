"""Blinks: as many and as long as people's, most of them where the talker pauses."""

from __future__ import annotations

import numpy as np

from facegen.core.animation import Animation, owned
from facegen.motion.context import Context
from facegen.motion.passes.gaze_events import affect, gaze_events
from facegen.motion.passes.signals import duration, frame_times, mean_over, speaking, style_value, value_at
from facegen.motion.take import Layer, Take

# Blinks a minute are log-normal between people; a blink takes 13 frames at 60 a second and closes faster than it
# opens (statistics published with EmoFace, 2024, whose talkers blink 33 times a minute). The middle is lower: 17 at
# rest and 26 in conversation (Bentivoglio et al. 1997), 6 to 32 in four Live Link Face captures.
RATE_LOG_MEAN, RATE_LOG_SPREAD = 3.1, 0.53
RATE_RANGE = (15.0, 100.0)
CLOSE_S, SHUT_S, OPEN_S = 0.070, 0.020, 0.127
LENGTH_LOG_SPREAD, LENGTH_RANGE = 0.3, (0.6, 2.0)  # single captured blinks last 0.05-0.39 s at half height
WHOLE, PARTIAL, PARTIAL_SHARE = (0.75, 1.0), (0.4, 0.7), 0.2  # how far lids go down; captures: 0.27-0.94
GAP_SPREAD = 0.55  # log spread of the time between blinks
LEAST_GAP_S = 0.25
AROUSED = (
    0.45  # how far arousal quickens blinking, in the log; EmoFace's emotional talkers are at its upper end
)
WITH_SHIFT, SHIFT_DEGREES = (
    0.6,
    8.0,
)  # chance of a blink with a gaze shift of so many degrees (Evinger et al. 1994)
SLOW_LIDS = 1.4  # how much longer blinks of drooping lids take
SEARCH = 0.35  # part of the mean gap by which a blink may move to reach a pause


def blink(take: Take, context: Context) -> Layer | None:
    """Both lids down and up, over whatever else the lids do, most of the way from there to shut; None for a clip
    shorter than a blink."""
    rng = context.rng("blink")
    instants = blink_times(context, rng)
    if len(instants) == 0:
        return None
    shut = np.zeros(context.frames, np.float32)
    names = ("eyeBlinkLeft", "eyeBlinkRight", "eyeWideLeft", "eyeWideRight")
    values = np.zeros((context.frames, len(names)), np.float32)
    times, fps = frame_times(context), float(context.fps)
    heavy = style_value(context, "lids")
    for instant in instants:
        length = np.clip(np.exp(rng.normal(0, LENGTH_LOG_SPREAD)), *LENGTH_RANGE)
        length = min(LENGTH_RANGE[1], length * (1 + SLOW_LIDS * value_at(context, heavy, instant)))
        depth = rng.uniform(*(PARTIAL if rng.random() < PARTIAL_SHARE else WHOLE))
        first = max(0, int((instant - length * CLOSE_S) * fps))
        last = min(context.frames, int((instant + length * (SHUT_S + OPEN_S)) * fps) + 2)
        curve = depth * _lid((times[first:last] - instant) / length)
        shut[first:last] = np.maximum(shut[first:last], curve)
        values[first:last, :2][curve > 0] = rng.uniform(0.95, 1.0, 2)
    return Layer("blink", "replace", Animation(context.fps, names, owned(values)), shut)


def _lid(away: np.ndarray) -> np.ndarray:
    """How shut the lids are ``away`` s from the instant at which they are first down, 0..1."""
    closing = 1 + away / CLOSE_S
    opening = 1 - (away - SHUT_S) / OPEN_S
    part = np.clip(np.minimum(closing, opening), 0, 1)
    return (part * part * (3 - 2 * part)).astype(np.float32)


def blink_times(context: Context, rng: np.random.Generator) -> np.ndarray:
    """Instants [N] s at which the lids are down, each in the middle of a frame, none cut by the clip's ends."""
    own, end, fps = rng.normal(RATE_LOG_MEAN, RATE_LOG_SPREAD), duration(context), float(context.fps)
    rates = np.exp(own + AROUSED * affect(context)[:, 1]) * style_value(context, "blink")
    gaps = 60.0 / np.clip(rates, *RATE_RANGE)
    before, after = (LENGTH_RANGE[1] * s + 0.5 / fps for s in (CLOSE_S, SHUT_S + OPEN_S))
    least = LEAST_GAP_S + before + after
    welcome = _welcome(context)
    instants: list[float] = []
    wanted = value_at(context, gaps, 0.0) * rng.uniform(0.1, 1.0)
    shifts = _with_shifts(context)
    while wanted < end:
        gap = value_at(context, gaps, wanted)
        low, high = wanted - SEARCH * gap, wanted + SEARCH * gap
        if instants:
            low = max(low, instants[-1] + least)
        low, high = max(low, before), min(max(high, low), end - after)
        near = shifts[(shifts >= low) & (shifts <= high)]
        if len(near):
            instants.append((np.floor(near[0] * fps) + 0.5) / fps)
        elif low <= high:
            best = _best(welcome, low, high, rng.random())
            instants.append((np.floor(best * fps) + 0.5) / fps)
        wanted = max(wanted, instants[-1] if instants else 0.0)
        wanted += max(least, gap * np.exp(rng.normal(-0.5 * GAP_SPREAD**2, GAP_SPREAD)))
    inside = [t for t in instants if before - 0.5 / fps <= t <= end - after + 0.5 / fps]
    return np.array(inside)


def _with_shifts(context: Context) -> np.ndarray:
    """Instants [N] s of large gaze shifts that a blink goes with."""
    rng, found, before = context.rng("blink with gaze"), [], (0.0, 0.0)
    for look in gaze_events(context):
        size = np.hypot(look.left - before[0], look.up - before[1])
        if rng.random() < WITH_SHIFT and size > SHIFT_DEGREES:
            found.append(look.at + CLOSE_S)
        before = look.left, look.up
    return np.array(found)


def _welcome(context: Context) -> np.ndarray:
    """How apt each feature frame is for a blink, [F]: in a pause, most of all just after a phrase ends."""
    talks = speaking(context)
    if len(talks) == 0:
        return np.zeros(1, np.float32)
    ended = np.zeros_like(talks)  # how much less is said than 0.3 s before
    np.subtract(talks[:-30], talks[30:], out=ended[30:])
    ended[:30] = talks[0] - talks[:30]
    np.maximum(ended, 0, out=ended)
    ended += 1
    ended -= talks
    return mean_over(ended, 7)


def _best(welcome: np.ndarray, low: float, high: float, chance: float) -> float:
    """The most apt instant of [low, high] s; ``chance`` in 0..1 chooses among those as good."""
    first, last = (min(len(welcome) - 1, int(t * 100)) for t in (low, high))
    part = welcome[first : last + 1]
    good = np.flatnonzero(part >= part.max() - 0.1)
    at = (first + good[int(chance * len(good))] + 0.5) / 100
    return float(np.clip(at, low, high))
