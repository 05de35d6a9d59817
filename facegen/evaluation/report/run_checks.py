"""Checking an animation, a sound, or both together."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from typing import NamedTuple

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.progress import Progress
from facegen.core.registry import Registry, suffix_of
from facegen.emotion.transcript import Transcript
from facegen.evaluation.metrics import NotApplicable
from facegen.evaluation.report.audio_checks import SOUND
from facegen.evaluation.report.audio_levels import Levels, read_levels
from facegen.evaluation.report.check_report import CheckReport, CheckResult
from facegen.evaluation.report.inputs import MISSING, Check, CheckInputs
from facegen.evaluation.report.motion_checks import MOTION
from facegen.evaluation.report.thresholds import SKIPPED, ranges
from facegen.formats import load_take
from facegen.formats.take import flatten, to_take
from facegen.motion.take import Take
from facegen.speech.alignment_files import read_alignment
from facegen.speech.audio import Audio, open_audio
from facegen.speech.audio_decoding import ArraySource, open_decoder
from facegen.speech.load import load_encoder
from facegen.speech.phone_timing import refine_alignment
from facegen.speech.phones import Features, PhoneTrack

Sounding = str | PathLike | Audio


class RecognizedAudio(NamedTuple):
    """Levels, features and phones of a sound, and warnings about reading it."""

    levels: Levels
    features: Features
    phones: PhoneTrack
    notes: tuple[str, ...]


def is_animation(path: str | PathLike) -> bool:
    """Whether the name of a file ends as that of an animation that can be read."""
    return bool(suffix_of(fspath(path), Registry("importers").names()))


def check(
    subject: str | PathLike | Animation | Take | Audio,
    audio: Sounding | None = None,
    *,
    text: str | None = None,
    alignment: str | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """Check an animation, alone or against its sound, or a sound alone.

    Parameters
    ----------
    subject : str, PathLike, Animation, Take or Audio
        A file (an animation of any format that can be read, or a sound) or the value itself. A take brings its phones
        and the span of the sound that it was solved from.
    audio : str, PathLike or Audio, optional
        The sound that the animation belongs to.
    text : str, optional
        What is spoken: a transcript or a text file, where the sound's own phones are too uncertain.
    alignment : str, optional
        A file of phone times.
    progress : callable, optional
        Called while the sound is encoded.

    Returns
    -------
    CheckReport
        One result per row of the tables of checks.

    Raises
    ------
    AnimationFileError, AudioError
        For files that cannot be read.
    """
    if isinstance(subject, Audio) or (isinstance(subject, str | PathLike) and not is_animation(subject)):
        return _check_sound(subject, text, alignment, progress)
    take = _as_take(subject)
    animation = flatten(take)
    recognized = None
    if audio is not None:
        start, duration = take.config.get("start") or 0.0, take.config.get("duration")
        recognized = recognize_audio(
            audio, Config(start=start, duration=duration, text=text, alignment=alignment), progress
        )
    own_phones = take.phones if len(take.phones) and not (text or alignment) else None
    phones = own_phones if own_phones is not None or recognized is None else recognized.phones
    inputs = CheckInputs(
        animation,
        phones,
        heard=own_phones is None and not (text or alignment),
        features=recognized.features if recognized else None,
        levels=recognized.levels if recognized else None,
    )
    checks = (*MOTION, *SOUND) if recognized else MOTION
    return _report(_name(subject), None if audio is None else _name(audio), inputs, checks, recognized)


def _check_sound(
    subject: Sounding, text: str | None, alignment: str | None, progress: Progress | None
) -> CheckReport:
    recognized = recognize_audio(subject, Config(text=text, alignment=alignment), progress)
    inputs = CheckInputs(None, recognized.phones, True, recognized.features, recognized.levels)
    return _report(_name(subject), _name(subject), inputs, SOUND, recognized)


def _as_take(subject: str | PathLike | Animation | Take) -> Take:
    if isinstance(subject, Take):
        return subject
    return to_take(subject) if isinstance(subject, Animation) else load_take(subject)


def _name(subject: object) -> str:
    return (
        os.path.basename(fspath(subject))
        if isinstance(subject, str | PathLike)
        else type(subject).__name__.lower()
    )


def recognize_audio(audio: Sounding, config: Config, progress: Progress | None = None) -> RecognizedAudio:
    """Measure the levels and recognize the phones of the span that ``config`` names.

    Raises
    ------
    AudioError
        For a sound that cannot be read.
    """
    sound = open_audio(audio, start=config.start, duration=config.duration)
    features = load_encoder(config.encoder).encode(sound, progress)
    words = () if config.text is None else Transcript.load(config.text).words
    alignment = None if config.alignment is None else read_alignment(config.alignment)
    features, phones, _ = refine_alignment(features, words, alignment)
    source = ArraySource(audio.samples, audio.rate) if isinstance(audio, Audio) else open_decoder(audio)
    return RecognizedAudio(read_levels(source, config.start, config.duration), features, phones, sound.notes)


def _report(
    name: str,
    sound: str | None,
    inputs: CheckInputs,
    checks: Sequence[Check],
    recognized: RecognizedAudio | None,
) -> CheckReport:
    if inputs.animation is not None:
        seconds = inputs.animation.seconds
    else:
        seconds = recognized.levels.seconds if recognized else 0.0
    drawing = {
        "animation": inputs.animation,
        "phones": inputs.phones or PhoneTrack(),
        "levels": inputs.levels,
    }
    lines = tuple(_line(check_row, inputs) for check_row in checks)
    return CheckReport(name, sound, seconds, lines, recognized.notes if recognized else (), drawing)


def _line(check_row: Check, inputs: CheckInputs) -> CheckResult:
    allowed = ranges()[check_row.name]
    line = CheckResult(check_row.name, check_row.group, check_row.label, None, allowed, SKIPPED)
    missing = [need for need in check_row.needs if not inputs.has((need,))]
    if missing:
        return replace(line, reason=MISSING[missing[0]])
    try:
        value, spans = check_row.run(inputs)
    except NotApplicable as reason:
        return replace(line, reason=str(reason))
    if not math.isfinite(value):
        return replace(line, reason="the result is no finite number")
    return replace(line, value=float(value), verdict=allowed.verdict(value), spans=tuple(spans))
