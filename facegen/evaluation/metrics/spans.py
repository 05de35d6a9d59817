"""Where in time an animation is at fault: the spans behind the figures of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.evaluation.metrics.curves import above
from facegen.evaluation.metrics.eyes import BLINK_LONGEST_S, LIDS, blinks
from facegen.evaluation.metrics.inputs import NotApplicable
from facegen.evaluation.metrics.lips import MOUTH, Contact
from facegen.evaluation.metrics.motion import mouth
from facegen.speech.phones import PhoneTrack

FULL, BEYOND = 0.9995, 1e-3  # a control at its end, and outside 0..1
CLIPPED_S = 0.1
STILL = 1e-6  # change between frames that no one sees nor any tracker gives
FROZEN_S, FROZEN_CURVE_S, IN_SPEECH_S = 0.5, 0.7, 0.2
RAISED, MOVES = 0.02, 0.05
PHRASE_GAP_S = 0.25
JITTER_WINDOW_S = 0.4
UNBLINKING_S = 15.0
ARTICULATORS = tuple(
    name
    for name in MOUTH
    if name.startswith(("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLower", "mouthUpper"))
)
"""Controls that no talker holds still: jaw and lips, without those that an expression may hold."""


LIVING = ("eye", "brow")
"""How the names of the controls begin that make a face live in silence too."""


class FaultSpan(NamedTuple):
    """``start`` to ``end`` in seconds, and what is wrong there in words."""

    start: float
    end: float
    text: str = ""


def runs(mask: np.ndarray, rate: float, least: float = 0.0, bridge: float = 0.0) -> list[tuple[float, float]]:
    """Start and end s of the runs of true frames of ``mask`` [T] at ``rate`` Hz.

    Gaps of at most ``bridge`` s are closed first; then runs shorter than ``least`` s are dropped.
    """
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    found: list[tuple[int, int]] = []
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        if found and a - found[-1][1] <= bridge * rate:
            found[-1] = (found[-1][0], int(b))
        else:
            found.append((int(a), int(b)))
    return [(a / rate, b / rate) for a, b in found if b - a >= least * rate - 1e-9]


def seconds_in(spans: Iterable[FaultSpan]) -> float:
    """Length of the union of ``spans``, s."""
    total = reach = 0.0
    for span in sorted(spans):
        total += max(0.0, span.end - max(span.start, reach))
        reach = max(reach, span.end)
    return total


def missed(found: Sequence[Contact], what: str) -> list[FaultSpan]:
    """The phones of ``found`` whose contact was not made."""
    return [FaultSpan(c.phone.start, c.phone.end, f"{c.phone.label}: {what}") for c in found if not c.hit]


def restless(speed: np.ndarray, quiet: np.ndarray, fps: float, limit: float, what: str) -> list[FaultSpan]:
    """Where ``speed`` [T - 1] between frames passes ``limit`` in the ``quiet`` [T] ones."""
    fast = np.r_[False, speed > limit] & quiet
    return [FaultSpan(a, b, f"{what} in silence") for a, b in runs(fast, fps, 1.5 / fps, 0.1)]


def shaky(animation: Animation, limit: float) -> list[FaultSpan]:
    """Where the part of the mouth's curves above 8 Hz passes ``limit`` (root mean square over JITTER_WINDOW_S)."""
    fps = float(animation.fps)
    high = np.square(above(mouth(animation), fps)).mean(axis=1)
    width = max(1, round(JITTER_WINDOW_S * fps))
    level = np.sqrt(np.convolve(high, np.ones(width) / width, mode="same"))
    return [FaultSpan(a, b, "the mouth trembles") for a, b in runs(level > limit, fps, 0.1, 0.2)]


def unblinking(animation: Animation) -> list[FaultSpan]:
    """Times longer than UNBLINKING_S without a blink."""
    ends = [0.0, *(b.at for b in blinks(animation)), animation.seconds]
    return [
        FaultSpan(a, b, f"no blink for {b - a:.0f} s")
        for a, b in zip(ends, ends[1:], strict=False)
        if b - a > UNBLINKING_S
    ]


def clipped(animation: Animation, articulators: bool) -> list[FaultSpan]:
    """Controls (those of ARTICULATORS, or the others) held at 1 for CLIPPED_S: where a stronger motion was cut off.

    Lids are at 1 in every blink; they count from BLINK_LONGEST_S on.
    """
    found = []
    for name in animation.controls:
        if (name in ARTICULATORS) is articulators:
            least = BLINK_LONGEST_S if name in LIDS else CLIPPED_S
            found += _where(animation, name, animation.channel(name) >= FULL, least, "held at 1")
    return sorted(found)


def out_of_range(animation: Animation) -> list[FaultSpan]:
    """Controls below 0 or above 1."""
    outside = (animation.values < -BEYOND) | (animation.values > 1 + BEYOND)
    found = []
    for name, mask in zip(animation.controls, outside.T, strict=True):
        found += _where(animation, name, mask, 0.0, "outside 0..1")
    return sorted(found)


def _where(animation: Animation, name: str, mask: np.ndarray, least: float, what: str) -> list[FaultSpan]:
    return [FaultSpan(a, b, f"{name} {what}") for a, b in runs(mask, float(animation.fps), least)]


def frozen_spans(animation: Animation, phones: PhoneTrack | None) -> list[FaultSpan]:
    """Where nothing of a face that otherwise lives moves, the mouth stands still in speech, or a curve sticks."""
    fps = float(animation.fps)
    if len(animation) < 2:
        raise NotApplicable("there is one frame only")
    still = np.abs(np.diff(animation.values, axis=0)) <= STILL  # [T - 1, C]
    turned = (
        np.zeros(len(still))
        if animation.head is None
        else np.abs(np.diff(animation.head, axis=0)).max(axis=1)
    )
    is_mouth = np.array([name in MOUTH for name in animation.controls], bool)
    is_living = [i for i, name in enumerate(animation.controls) if name.startswith(LIVING)]
    lives = not still[:, is_living].all() or turned.max() > STILL
    spans = []
    if lives:
        whole = still.all(axis=1) & (turned <= STILL)
        spans += [FaultSpan(a, b, "the whole face stands still") for a, b in _held(whole, fps, FROZEN_S)]
    talks = speech_spans(phones, len(animation), fps) if phones is not None else None
    if talks is not None and is_mouth.any():
        stiff = still[:, is_mouth].all(axis=1) & talks[1:]
        spans += [FaultSpan(a, b, "the mouth stands still in speech") for a, b in _held(stiff, fps, FROZEN_S)]
        spans += _stuck(animation, still, talks)
    return sorted(spans)


def _stuck(animation: Animation, still: np.ndarray, talks: np.ndarray) -> list[FaultSpan]:
    """Articulators held raised while others of them move, in speech at least in part."""
    fps = float(animation.fps)
    columns = [i for i, name in enumerate(animation.controls) if name in ARTICULATORS]
    moves = ~still[:, columns].all(axis=1) & talks[1:]
    spans = []
    for column in columns:
        curve = animation.values[:, column]
        if np.ptp(curve) < MOVES:
            continue
        held = still[:, column] & (curve[1:] > RAISED) & (curve[1:] < FULL)
        for a, b in _held(held, fps, FROZEN_CURVE_S):
            if moves[round(a * fps) : round(b * fps)].sum() >= IN_SPEECH_S * fps:
                spans.append(FaultSpan(a, b, f"{animation.controls[column]} stands still in speech"))
    return spans


def _held(mask: np.ndarray, fps: float, least: float) -> list[tuple[float, float]]:
    """Runs of ``mask`` [T - 1], which speaks of the change into frames 1..T-1, as times."""
    return [(a, b + 1 / fps) for a, b in runs(mask, fps, least)]


def speech_spans(phones: PhoneTrack, frames: int, fps: float) -> np.ndarray:
    """Which frames lie within a phrase, [frames] bool: pauses of at most PHRASE_GAP_S belong to it."""
    talks = np.zeros(frames, bool)
    reach: float | None = None
    for phone in phones:
        start = reach if reach is not None and phone.start - reach <= PHRASE_GAP_S else phone.start
        talks[round(start * fps) : round(phone.end * fps)] = True
        reach = phone.end
    return talks
