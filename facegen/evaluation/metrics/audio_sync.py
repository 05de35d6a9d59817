"""Curves against the sound itself: sync without a reference, motion in silence, head beats on syllables."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, minimum_filter1d
from scipy.signal import find_peaks

from facegen.core.animation import Animation
from facegen.evaluation.metrics.curves import best_shift, speeds
from facegen.evaluation.metrics.inputs import Metric, MetricInputs, NotApplicable
from facegen.evaluation.metrics.lips import lips_of
from facegen.evaluation.metrics.motion import head_degrees, mouth
from facegen.speech.phones import (
    BILABIALS,
    LABELS,
    LABIODENTALS,
    OPEN_VOWELS,
    SILENCE,
    VOWELS,
    Features,
    PhoneTrack,
)

SILENT, SILENCE_MARGIN_S = 0.2, 0.25  # probability of speech; mouths move ahead of it and after it
SYNC_SMOOTH_S, SYNC_DETAIL_S = 0.04, 0.1  # lips are compared with phones between these two scales
SYNC_PULL, SYNC_LEAST_R, SYNC_LEAST_S = 0.2, 0.25, 1.0
SYLLABLE_SMOOTH_S, SYLLABLE_GAP_S, SYLLABLE_RISE_DB = 0.03, 0.12, 4.0
QUIET_DB = -60.0
BEAT_SIGMA_S = 0.1
SHIFTS = 32

OPENING = {
    **dict.fromkeys(LABELS, 0.25),
    **dict.fromkeys(VOWELS, 0.6),
    **dict.fromkeys(OPEN_VOWELS, 1.0),
    **dict.fromkeys(("UW", "UH", "IY", "OW", "W"), 0.4),
    **dict.fromkeys(LABIODENTALS, 0.1),
    **dict.fromkeys((SILENCE, *BILABIALS), 0.0),
}
"""How far each phone opens the mouth, roughly: enough to tell when, not how much."""


def implied_opening(phones: PhoneTrack, frames: int, fps: float) -> np.ndarray:
    """The opening that the phones imply at the middle of each frame, [frames] in 0..1, smoothed over SYNC_SMOOTH_S."""
    fine = 200
    rows = np.zeros(max(1, round(frames / fps * fine)))
    for phone in phones:
        rows[round(phone.start * fine) : round(phone.end * fine)] = OPENING[phone.label]
    rows = gaussian_filter1d(rows, SYNC_SMOOTH_S * fine, mode="nearest")
    return np.interp((np.arange(frames) + 0.5) / fps * fine - 0.5, np.arange(len(rows)), rows)


def sync_offset_ms(gap: np.ndarray, phones: PhoneTrack, fps: float) -> float:
    """How late the lips' gap [T] comes after the phones, ms.

    On tracked lips of six talkers it is within 40 ms of 0 for 84 % of clips of 3 s and for all of 12 s. NotApplicable for
    less than SYNC_LEAST_S of speech and for lips that hardly follow the phones at any shift.
    """
    if sum(min(p.end, len(gap) / fps) - min(p.start, len(gap) / fps) for p in phones) < SYNC_LEAST_S:
        raise NotApplicable(f"less than {SYNC_LEAST_S:g} s of speech")
    if np.ptp(gap) < 1e-6:
        raise NotApplicable("the lips do not move")
    ours, theirs = (
        x - gaussian_filter1d(x, SYNC_DETAIL_S * fps, mode="nearest")
        for x in (gap, implied_opening(phones, len(gap), fps))
    )
    shift, r = best_shift(ours, theirs, fps, pull=SYNC_PULL)
    if r < SYNC_LEAST_R:
        raise NotApplicable(f"the lips follow the phones at no shift (correlation {r:.2f})")
    return shift


def silent_frames(features: Features, frames: int, fps: float) -> np.ndarray:
    """Which animation frames lie in silence, SILENCE_MARGIN_S away from any speech, [frames] bool."""
    margin = round(SILENCE_MARGIN_S * features.rate)
    quiet = (features.speech < SILENT).astype(np.uint8)
    if not len(quiet):
        return np.zeros(frames, bool)
    quiet = minimum_filter1d(quiet, 2 * margin + 1, mode="nearest")
    place = ((np.arange(frames) + 0.5) / fps * features.rate).astype(np.int64)
    return (place < len(quiet)) & quiet[np.minimum(place, len(quiet) - 1)].astype(bool)


def silence_motion(animation: Animation, features: Features) -> float:
    """Mean speed of the mouth's controls between frames that are both silent, 1/s. NotApplicable without silence."""
    fps = float(animation.fps)
    quiet = silent_frames(features, len(animation), fps)
    speed = speeds(mouth(animation), fps)
    both = quiet[1:] & quiet[:-1]
    if not both.any():
        raise NotApplicable("the sound has no silence")
    return float(speed[both].mean())


def syllables(features: Features) -> np.ndarray:
    """Syllable onsets [N] s: where the loudness of speech rises fastest, at least SYLLABLE_GAP_S apart."""
    if len(features) < 5:
        return np.zeros(0)
    rate = features.rate
    loud = gaussian_filter1d(
        np.maximum(features.energy, QUIET_DB).astype(np.float64), SYLLABLE_SMOOTH_S * rate, mode="nearest"
    )
    tops, facts = find_peaks(loud, prominence=SYLLABLE_RISE_DB, distance=max(1, round(SYLLABLE_GAP_S * rate)))
    onsets = []
    for top, base in zip(tops, facts["left_bases"], strict=True):
        first = max(int(base), int(top) - round(0.25 * rate))
        onsets.append(first + int(np.argmax(np.diff(loud[first : top + 1]))) + 1)
    return np.unique(onsets) / rate if onsets else np.zeros(0)


def head_beats(animation: Animation) -> np.ndarray:
    """Instants [N] s at which the head's turning slows to a local minimum (a nod's ends)."""
    turns, fps = head_degrees(animation), float(animation.fps)
    speed = gaussian_filter1d(speeds(turns, fps), 0.05 * fps, mode="nearest")
    lows, _ = find_peaks(-speed, prominence=0.1 * float(speed.max()) if speed.max() > 0 else None)
    return (lows + 1.0) / fps


def beat_score(beats: np.ndarray, onsets: np.ndarray, sigma: float = BEAT_SIGMA_S) -> float:
    """Mean over ``beats`` of exp(-d² / 2 sigma²), d the distance to the nearest of ``onsets``, 0..1."""
    if not len(beats) or not len(onsets):
        raise NotApplicable("no beat of the head" if not len(beats) else "no syllable")
    away = np.abs(beats[:, None] - onsets[None]).min(axis=1)
    return float(np.exp(-(away**2) / (2 * sigma**2)).mean())


def _beats(inputs: MetricInputs) -> tuple[np.ndarray, np.ndarray]:
    assert inputs.features is not None
    return head_beats(inputs.pred), syllables(inputs.features)


def beat_alignment(inputs: MetricInputs) -> float:
    return beat_score(*_beats(inputs))


def beat_chance(inputs: MetricInputs) -> float:
    """The score with the syllables moved around the clip in a circle, mean over SHIFTS places."""
    beats, onsets = _beats(inputs)
    length = max(inputs.pred.seconds, 1e-3)
    moved = [(onsets + length * k / SHIFTS) % length for k in range(1, SHIFTS)]
    return float(np.mean([beat_score(beats, m) for m in moved]))


def _sync(inputs: MetricInputs) -> float:
    assert inputs.phones is not None
    gap, _ = lips_of(inputs, inputs.pred)
    return sync_offset_ms(gap, inputs.phones, float(inputs.fps))


def _silence(inputs: MetricInputs) -> float:
    assert inputs.features is not None
    return silence_motion(inputs.pred, inputs.features)


ROWS = (
    Metric(
        "sync_offset",
        "lips",
        "ms",
        "range",
        ("rig", "phones"),
        "cross-correlation",
        "shift of the best correlation of aperture and the opening the phones imply; positive: lips late",
        _sync,
    ),
    Metric(
        "silence_motion",
        "lips",
        "1/s",
        "low",
        ("features",),
        "first difference",
        "mean |dx/dt| of the mouth controls in silence, 250 ms away from speech",
        _silence,
    ),
    Metric(
        "beat_alignment",
        "head",
        "1",
        "high",
        ("features",),
        "Li et al. 2021 (AI Choreographer), head on syllables",
        "mean over head beats of exp(-d²/2σ²), d to the nearest syllable onset, σ 100 ms",
        beat_alignment,
    ),
    Metric(
        "beat_alignment_chance",
        "head",
        "1",
        "range",
        ("features",),
        "Li et al. 2021 (AI Choreographer), head on syllables",
        "beat alignment with the onsets moved round the clip, mean over 31 shifts",
        beat_chance,
    ),
)
