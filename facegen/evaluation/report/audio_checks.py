"""The checks of a sound: is it speech, loud and clean enough, and whole?"""

from __future__ import annotations

import numpy as np

from facegen.evaluation.metrics import NotApplicable
from facegen.evaluation.metrics.spans import FaultSpan, runs
from facegen.evaluation.report.audio_levels import SIZES, Levels
from facegen.evaluation.report.inputs import Check, CheckInputs, Reading
from facegen.speech.phones import Features

LOUD_DB = 18.0  # below the loudest twentieth of the sound, down to which it counts as sounding
SPEECH, SURELY_NOT = 0.5, 0.2  # probabilities of speech
STRANGE_S = 0.3
BAND_DB = 70.0  # below the strongest band, down to which the sound has content
DROP_LEAST_S, DROP_LONGEST_S = 0.004, 0.3
DROP_EDGE_S = 0.003
DROP_DB = -25.0  # a voice this far below its loudest that is cut off to nothing was not fading out
SILENT_DB = -80.0
EDGE_RMS = 1e-3  # sound below it may end in nothing by rounding
NEAR_PEAK, SOUNDING = 0.85, 0.01  # parts of the peak
LEAST_PEAK = 0.1
LEAST_FRAMES = 20


def _sound(inputs: CheckInputs) -> tuple[Levels, Features]:
    assert inputs.levels is not None and inputs.features is not None
    return inputs.levels, inputs.features


def _loudest(features: Features) -> float:
    """Level of the loudest twentieth, dB re full scale. NotApplicable for a silent sound."""
    top = float(np.percentile(features.energy, 95)) if len(features) else SILENT_DB
    if top <= SILENT_DB:
        raise NotApplicable("the sound is silent")
    return top


def _rate(inputs: CheckInputs) -> Reading:
    return float(_sound(inputs)[0].rate), []


def _bandwidth(inputs: CheckInputs) -> Reading:
    levels, features = _sound(inputs)
    _loudest(features)
    if not levels.spectrum.any():
        raise NotApplicable("the sound is too short")
    decibels = 10 * np.log10(levels.spectrum + 1e-20)
    return float(np.flatnonzero(decibels > decibels.max() - BAND_DB)[-1] * levels.band_hz), []


def _level(inputs: CheckInputs) -> Reading:
    _, features = _sound(inputs)
    top = float(np.percentile(features.energy, 95)) if len(features) else SILENT_DB
    return max(top, -100.0), []


def _clipping(inputs: CheckInputs) -> Reading:
    levels, _ = _sound(inputs)
    found = runs(levels.clipped, 1 / levels.frame_s, bridge=0.15)
    return 100 * levels.clipped_share, [FaultSpan(a, b, "the sound is clipped") for a, b in found]


def _near_peak(inputs: CheckInputs) -> Reading:
    """Per cent of the sounding samples that lie near the peak: many where a lossy format has rounded clipped tops."""
    levels, _ = _sound(inputs)
    peak = float(np.percentile(np.maximum(-levels.low, levels.high), 99.5))
    if peak < LEAST_PEAK:
        raise NotApplicable("the sound is too quiet to be cut off")
    near, sounding = (levels.sizes[int(part * peak * SIZES) :].sum() for part in (NEAR_PEAK, SOUNDING))
    return 100 * float(near / max(1, sounding)), []


def _offset(inputs: CheckInputs) -> Reading:
    return 100 * _sound(inputs)[0].offset, []


def _dropouts(inputs: CheckInputs) -> Reading:
    levels, _ = _sound(inputs)
    edge = max(1, round(DROP_EDGE_S / levels.step_s))
    loud = max(np.percentile(levels.power, 95) * 10 ** (DROP_DB / 10), EDGE_RMS**2)
    found = []
    for a, b in runs(levels.dead, 1 / levels.step_s, DROP_LEAST_S):
        first, last = round(a / levels.step_s), round(b / levels.step_s)
        before, after = levels.power[max(0, first - edge) : first], levels.power[last : last + edge]
        whole = len(before) == len(after) == edge and b - a <= DROP_LONGEST_S
        if whole and before.mean() > loud and after.mean() > loud:
            found.append(FaultSpan(a, b, f"the sound is missing for {1000 * (b - a):.0f} ms"))
    return float(len(found)), found


def _speech(inputs: CheckInputs) -> Reading:
    _, features = _sound(inputs)
    return 100 * float((features.speech > SPEECH).mean()) if len(features) else 0.0, []


def _strange(inputs: CheckInputs) -> Reading:
    """Per cent of what sounds that is not heard as speech: music, noise, other sounds."""
    _, features = _sound(inputs)
    loud = features.energy > max(_loudest(features) - LOUD_DB, SILENT_DB)
    other = loud & (features.speech < SPEECH)
    found = runs(other, features.rate, STRANGE_S, 0.1)
    return 100 * float(other.sum() / loud.sum()), [
        FaultSpan(a, b, "music, noise or another sound") for a, b in found
    ]


def _noise(inputs: CheckInputs) -> Reading:
    """Speech over background, dB: mean power in speech over the median power elsewhere."""
    _, features = _sound(inputs)
    _loudest(features)
    speech = features.speech > SPEECH
    if not speech.any():
        raise NotApplicable("no speech is heard")
    rest = features.energy[features.speech < SURELY_NOT]
    if len(rest) < LEAST_FRAMES // 2:
        raise NotApplicable("the speech has no pause in which to hear the background")
    voice = 10 * np.log10(np.mean(10 ** (features.energy[speech].astype(np.float64) / 10)))
    return float(voice - np.median(rest)), []


def _clarity(inputs: CheckInputs) -> Reading:
    """Mean probability of the likeliest phone in speech: low at a wrong rate of playback, and where no one speaks."""
    _, features = _sound(inputs)
    rows = features.posteriors[features.speech > SPEECH, 1:]
    if len(rows) < LEAST_FRAMES:
        raise NotApplicable("too little speech is heard")
    return float(rows.max(axis=1).mean(dtype=np.float32)), []


def _pitch(inputs: CheckInputs) -> Reading:
    _, features = _sound(inputs)
    voiced = features.pitch[(features.pitch > 0) & (features.speech > SPEECH)]
    if len(voiced) < LEAST_FRAMES:
        raise NotApplicable("too little of it is voiced speech")
    return float(np.median(voiced)), []


HEARD = ("levels", "features")
SOUND = (
    Check("sound_level", "sound", "level of the loudest twentieth", HEARD, _level),
    Check("speech_share", "sound", "speech", HEARD, _speech),
    Check("not_speech", "sound", "sound that is no speech", HEARD, _strange),
    Check("speech_over_noise", "sound", "speech over background", HEARD, _noise),
    Check("clipping", "sound", "samples clipped", HEARD, _clipping),
    Check("near_peak", "sound", "samples near the peak", HEARD, _near_peak),
    Check("dropouts", "sound", "gaps cut into the speech", HEARD, _dropouts),
    Check("phone_clarity", "sound", "clarity of the phones heard", HEARD, _clarity),
    Check("sample_rate", "sound", "sample rate", HEARD, _rate),
    Check("bandwidth", "sound", "highest frequency", HEARD, _bandwidth),
    Check("voice_pitch", "sound", "median pitch of the voice", HEARD, _pitch),
    Check("dc_offset", "sound", "constant offset", HEARD, _offset),
)
