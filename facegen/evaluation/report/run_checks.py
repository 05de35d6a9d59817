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
from facegen.evaluation.report.card import CheckReport, CheckResult
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
    """A sound as it was recorded (``levels``) and as it was understood."""

    levels: Levels
    features: Features
    phones: PhoneTrack
    notes: tuple[str, ...]


def is_animation(path: str | PathLike) -> bool:
    """Whether the name of a file ends as that of an animation that can be read."""
    return bool(suffix_of(fspath(path), Registry("importers").names()))


def check(
    thing: str | PathLike | Animation | Take | Audio,
    audio: Sounding | None = None,
    *,
    text: str | None = None,
    alignment: str | None = None,
    progress: Progress | None = None,
) -> CheckReport:
    """The card of an animation, held against ``audio`` where that is given; or of a sound alone.

    ``thing`` is a file (an animation of any format that is read, or a sound), an Animation, a Take or an Audio; a
    take brings its phones and the span of the sound that it was solved from. ``text`` (a transcript or a text file)
    or ``alignment`` (a file of phone times) says what is spoken, where the sound's own phones are too unsure.
    Raises AnimationFileError and AudioError for files that can't be read.
    """
    if isinstance(thing, Audio) or (isinstance(thing, str | PathLike) and not is_animation(thing)):
        return _check_sound(thing, text, alignment, progress)
    take = _as_take(thing)
    animation = flatten(take)
    heard = None
    if audio is not None:
        start, duration = take.config.get("start") or 0.0, take.config.get("duration")
        heard = recognize_audio(
            audio, Config(start=start, duration=duration, text=text, alignment=alignment), progress
        )
    given = take.phones if len(take.phones) and not (text or alignment) else None
    phones = given if given is not None or heard is None else heard.phones
    subject = CheckInputs(
        animation,
        phones,
        heard=given is None and not (text or alignment),
        features=heard.features if heard else None,
        levels=heard.levels if heard else None,
    )
    rows = (*MOTION, *SOUND) if heard else MOTION
    return _card(_name(thing), None if audio is None else _name(audio), subject, rows, heard)


def _check_sound(
    thing: Sounding, text: str | None, alignment: str | None, progress: Progress | None
) -> CheckReport:
    heard = recognize_audio(thing, Config(text=text, alignment=alignment), progress)
    subject = CheckInputs(None, heard.phones, True, heard.features, heard.levels)
    return _card(_name(thing), _name(thing), subject, SOUND, heard)


def _as_take(thing: str | PathLike | Animation | Take) -> Take:
    if isinstance(thing, Take):
        return thing
    return to_take(thing) if isinstance(thing, Animation) else load_take(thing)


def _name(thing: object) -> str:
    return (
        os.path.basename(fspath(thing)) if isinstance(thing, str | PathLike) else type(thing).__name__.lower()
    )


def recognize_audio(audio: Sounding, config: Config, progress: Progress | None = None) -> RecognizedAudio:
    """The levels of a sound, and what is heard in the span that ``config`` names. Raises AudioError for what is none."""
    sound = open_audio(audio, start=config.start, duration=config.duration)
    features = load_encoder(config.encoder).encode(sound, progress)
    words = () if config.text is None else Transcript.load(config.text).words
    alignment = None if config.alignment is None else read_alignment(config.alignment)
    features, phones, _ = refine_alignment(features, words, alignment)
    source = ArraySource(audio.samples, audio.rate) if isinstance(audio, Audio) else open_decoder(audio)
    return RecognizedAudio(read_levels(source, config.start, config.duration), features, phones, sound.notes)


def _card(
    name: str, sound: str | None, subject: CheckInputs, rows: Sequence[Check], heard: RecognizedAudio | None
) -> CheckReport:
    if subject.animation is not None:
        seconds = subject.animation.seconds
    else:
        seconds = heard.levels.seconds if heard else 0.0
    drawing = {
        "animation": subject.animation,
        "phones": subject.phones or PhoneTrack(),
        "levels": subject.levels,
    }
    lines = tuple(_line(row, subject) for row in rows)
    return CheckReport(name, sound, seconds, lines, heard.notes if heard else (), drawing)


def _line(row: Check, subject: CheckInputs) -> CheckResult:
    allowed = ranges()[row.name]
    line = CheckResult(row.name, row.group, row.label, None, allowed, SKIPPED)
    missing = [need for need in row.needs if not subject.has((need,))]
    if missing:
        return replace(line, reason=MISSING[missing[0]])
    try:
        value, spans = row.run(subject)
    except NotApplicable as reason:
        return replace(line, reason=str(reason))
    if not math.isfinite(value):
        return replace(line, reason="the result is no finite number")
    return replace(line, value=float(value), verdict=allowed.verdict(value), spans=tuple(spans))
