"""The checks of an animation: sync, lips, stillness, eyes, head, curves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facegen.evaluation.metrics import MEASURES, NotApplicable, spans
from facegen.evaluation.metrics.audio_sync import silent_frames
from facegen.evaluation.metrics.curves import best_shift, speeds
from facegen.evaluation.metrics.lips import TEETH, Contact, contacts, lip_to_teeth, openings, share
from facegen.evaluation.metrics.motion import mouth
from facegen.evaluation.metrics.spans import FaultSpan
from facegen.evaluation.report.inputs import Check, CheckInputs, Reading
from facegen.evaluation.report.thresholds import ranges
from facegen.speech.phones import BILABIALS, LABIODENTALS, PhoneTrack

WINDOW_S = 8.0  # sync is judged for each such piece of a long clip
REACH_S = 0.6
FOLLOWS = 0.35  # correlation from which a shift means something
VOWEL_S = 0.06  # a shorter vowel is reduced, and may fall between two frames
JUDGED_S = 8.0  # blinks and glances of a shorter clip are too few to be counted
_MEASURES = {row.name: row for row in MEASURES}


def windows(inputs: CheckInputs) -> list[tuple[FaultSpan, float, float]]:
    """Time, best shift ms (positive: lips late) and the correlation there, for each piece in which anyone speaks."""
    ours, theirs = inputs.gap, inputs.expected_gap
    if np.ptp(ours) < 1e-6:
        raise NotApplicable("the lips do not move")
    pieces = max(1, round(len(ours) / (WINDOW_S * inputs.fps)))
    edges = np.linspace(0, len(ours), pieces + 1).round().astype(int)
    found = []
    for a, b in zip(edges, edges[1:], strict=False):
        if np.ptp(theirs[a:b]) > 0.02 and b - a > 2:
            shift, r = best_shift(ours[a:b], theirs[a:b], inputs.fps, REACH_S)
            found.append((FaultSpan(a / inputs.fps, b / inputs.fps), shift, r))
    if not found:
        raise NotApplicable("no one speaks")
    return found


def sync_offset(inputs: CheckInputs) -> Reading:
    sure = [(span, shift) for span, shift, r in windows(inputs) if r >= FOLLOWS]
    if not sure:
        raise NotApplicable("the lips follow the speech at no shift")
    allowed = ranges()["sync_offset"]
    off = [
        span._replace(text=f"the lips are {abs(shift):.0f} ms {'late' if shift > 0 else 'early'}")
        for span, shift in sure
        if allowed.verdict(shift) != "pass"
    ]
    return float(np.median([shift for _, shift in sure])), off


def lip_agreement(inputs: CheckInputs) -> Reading:
    rows = windows(inputs)
    low = ranges()["lip_agreement"].low or 0.0
    return float(np.median([r for *_, r in rows])), [
        span._replace(text="the lips do not follow the speech") for span, _, r in rows if r < low
    ]


def _contact_check(
    find: Callable[[CheckInputs], tuple[Contact, ...]], what: str, fault: str, hit: bool
) -> Callable:
    def run(inputs: CheckInputs) -> Reading:
        found = find(inputs)
        return share(found, what, hit), spans.missed(found, fault)

    return run


def _closures(inputs: CheckInputs) -> tuple[Contact, ...]:
    assert inputs.sure_phones is not None
    return contacts(inputs.gap, inputs.fps, inputs.sure_phones, BILABIALS)


def _bites(inputs: CheckInputs) -> tuple[Contact, ...]:
    assert inputs.sure_phones is not None
    inputs.gap  # noqa: B018 - NotApplicable without a mouth
    gap = lip_to_teeth(inputs.rig, inputs.moving)
    return contacts(gap, inputs.fps, inputs.sure_phones, LABIODENTALS, TEETH)


def _openings(inputs: CheckInputs) -> tuple[Contact, ...]:
    assert inputs.sure_phones is not None
    vowels = PhoneTrack(tuple(p for p in inputs.sure_phones if p.end - p.start >= VOWEL_S))
    return openings(inputs.gap, inputs.fps, vowels)


def _measured(name: str, least_s: float = 0.0) -> Callable[[CheckInputs], Reading]:
    """The measure called ``name``, of clips of at least ``least_s``."""

    def run(inputs: CheckInputs) -> Reading:
        if inputs.moving.seconds < least_s:
            raise NotApplicable(f"the clip is shorter than {least_s:g} s")
        value = _MEASURES[name].run(inputs.metric_inputs)
        if value is None:
            raise NotApplicable("there is no answer")
        return value, []

    return run


def _in_silence(
    name: str, speed_of: Callable[[CheckInputs], np.ndarray], what: str
) -> Callable[[CheckInputs], Reading]:
    """The mean speed between frames that both lie in silence, and where it passes what row ``name`` tolerates."""

    def run(inputs: CheckInputs) -> Reading:
        assert inputs.features is not None
        speed = speed_of(inputs)
        quiet = silent_frames(inputs.features, len(inputs.moving), inputs.fps)
        both = quiet[1:] & quiet[:-1]
        if not both.any():
            raise NotApplicable("the sound has no silence")
        limit = ranges()[name].warn_high or 0.0
        return float(speed[both].mean()), spans.restless(speed, quiet, inputs.fps, limit, what)

    return run


def _mouth_speed(inputs: CheckInputs) -> np.ndarray:
    return speeds(mouth(inputs.moving), inputs.fps)


def _lip_speed(inputs: CheckInputs) -> np.ndarray:
    return speeds(inputs.gap[:, None], inputs.fps)


def _jitter(inputs: CheckInputs) -> Reading:
    value, _ = _measured("mouth_jitter")(inputs)
    return value, spans.shaky(inputs.moving, ranges()["mouth_jitter"].warn_high or 1.0)


def _blinks(inputs: CheckInputs) -> Reading:
    value, _ = _measured("blinks_a_minute", JUDGED_S)(inputs)
    return value, spans.unblinking(inputs.moving)


def _part(find: Callable[[CheckInputs], list[FaultSpan]]) -> Callable[[CheckInputs], Reading]:
    """Per cent of the clip's time that lies within the spans that ``find`` gives."""

    def run(inputs: CheckInputs) -> Reading:
        found = find(inputs)
        return 100 * spans.seconds_in(found) / max(inputs.moving.seconds, 1e-9), found

    return run


def _length(inputs: CheckInputs) -> Reading:
    assert inputs.levels is not None
    return 1000 * (inputs.moving.seconds - inputs.levels.seconds), []


SPOKEN, HEARD = ("animation", "phones"), ("animation", "features")
MOTION = (
    Check("length_difference", "sync", "longer than the sound by", ("animation", "levels"), _length),
    Check("sync_offset", "sync", "lips late by", SPOKEN, sync_offset),
    Check("lip_agreement", "sync", "lips follow the speech", SPOKEN, lip_agreement),
    Check(
        "closure_rate", "lips", "lips closed at p b m", SPOKEN,
        _contact_check(_closures, "closed lips", "the lips stay apart", True),
    ),
    Check(
        "labiodental_rate", "lips", "lip on teeth at f v", SPOKEN,
        _contact_check(_bites, "the lip at the teeth", "the lip stays off the teeth", True),
    ),
    Check(
        "open_vowels_shut", "lips", "open vowels with shut lips", SPOKEN,
        _contact_check(_openings, "an open mouth", "the lips stay shut", False),
    ),
    Check(
        "silence_motion", "stillness", "mouth motion in silence", HEARD,
        _in_silence("silence_motion", _mouth_speed, "the mouth moves"),
    ),
    Check(
        "silence_lips", "stillness", "lips parting in silence", HEARD,
        _in_silence("silence_lips", _lip_speed, "the lips open and close"),
    ),
    Check("mouth_jitter", "stillness", "mouth jitter above 8 Hz", ("animation",), _jitter),
    Check("blinks_a_minute", "eyes", "blinks", ("animation",), _blinks),
    Check("blink_length", "eyes", "length of a blink", ("animation",), _measured("blink_length")),
    Check(
        "gaze_shifts_a_minute", "eyes", "gaze shifts", ("animation",), _measured("gaze_shifts_a_minute", JUDGED_S)
    ),
    Check("gaze_spread", "eyes", "spread of the gaze", ("animation",), _measured("gaze_spread", JUDGED_S)),
    Check("head_spread", "head", "spread of the head's turns", ("animation",), _measured("head_spread", JUDGED_S)),
    Check(
        "clipped_speech", "curves", "jaw and lips held at 1", ("animation",),
        _part(lambda s: spans.clipped(s.moving, articulators=True)),
    ),
    Check(
        "clipped_expression", "curves", "other curves held at 1", ("animation",),
        _part(lambda s: spans.clipped(s.moving, articulators=False)),
    ),
    Check(
        "out_of_range", "curves", "curves outside 0..1", ("animation",), _part(lambda s: spans.out_of_range(s.moving))
    ),
    Check(
        "frozen_curves", "curves", "frozen curves", ("animation",),
        _part(lambda s: spans.frozen_spans(s.moving, s.phones)),
    ),
)  # fmt: skip
