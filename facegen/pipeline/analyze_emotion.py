"""The emotion in a sound, a text or a video over time: what ``facegen emotion`` and ``facegen.emotion`` say."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from typing import Any

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import InputError, MissingExtraError, UsageError
from facegen.core.progress import Progress
from facegen.emotion import SOUNDS, EmotionCurve, EmotionTrack
from facegen.emotion.from_curves import emotion_from_curves
from facegen.emotion.sentiment import TextReading, disagreement, read_sentiment, with_text
from facegen.emotion.stage_directions import strip_directions
from facegen.emotion.transcript import read_transcript
from facegen.pipeline.animate import open_configured
from facegen.pipeline.recognize import Encoders, recognize_speech
from facegen.speech.audio import AudioStream, open_audio
from facegen.speech.audio_decoding import has_pictures

FACE_SHARE = 0.5  # of a surely read face beside a surely heard voice
DISAGREE = 0.25
TEXT_FILES = (".txt", ".srt", ".vtt", ".md")


@dataclass(frozen=True)
class EmotionAnalysis:
    """What was found: ``track`` over time, each source's own summary, what was said, and notes for the user."""

    track: EmotionTrack
    sources: dict[str, dict[str, Any]] = field(default_factory=dict)
    reading: TextReading | None = None
    notes: tuple[str, ...] = ()
    kind: str = "audio"

    def summary(self) -> dict[str, Any]:
        """Valence, arousal, dominance, confidence and the probability of each category."""
        return self.reading.summary() if self.kind == "text" and self.reading else self.track.summary()


def analyze_emotion(
    source: str | PathLike | np.ndarray | AudioStream,
    *,
    rate: int | None = None,
    config: Config | None = None,
    progress: Progress | None = None,
) -> EmotionAnalysis:
    """The emotion in ``source``: a sound, a video with a face (voice and face), a text file, or words.

    ``config.text`` adds what is said: the voice leads, and what disagrees is noted. Raises AudioError for what is no
    sound, InputError for a file that is not there.
    """
    config = config or Config()
    if isinstance(source, str | PathLike):
        path = fspath(source)
        if _is_text(path):
            return _of_text(path)
        if os.path.isfile(path) and has_pictures(path):
            return _of_video(path, config, progress)
    sound = source if isinstance(source, AudioStream) else open_configured(source, config, rate)
    return _with_text(
        EmotionAnalysis(EmotionTrack(heard=_hear(sound, config, progress))), "voice", config, sound
    )


def _is_text(path: str) -> bool:
    if os.path.exists(path):
        return path.lower().endswith(TEXT_FILES)
    if any(c.isspace() for c in path.strip()) or not os.path.splitext(path)[1]:
        return os.sep not in path
    if path.lower().endswith(TEXT_FILES):
        raise InputError("is not there", path=path, remedy="check the name")
    return False


def _of_text(text: str) -> EmotionAnalysis:
    words = read_transcript(text)
    if not words.strip():
        raise UsageError("the text is empty", remedy='give words, such as "what a lovely day"')
    reading = read_sentiment(words)
    categories = reading.emotion.distribution()[None]
    curve = EmotionCurve(
        np.array([reading.emotion.vad]),
        categories,
        np.array([reading.confidence]),
        np.zeros((1, len(SOUNDS))),
    )
    track = EmotionTrack(heard=curve)
    notes = () if reading.words else ("no word of it tells an emotion",)
    return EmotionAnalysis(track, {"text": reading.summary()}, reading, notes, "text")


def _hear(sound: AudioStream, config: Config, progress: Progress | None) -> EmotionCurve:
    return recognize_speech(sound, Encoders(config), progress)[1]


def _with_text(found: EmotionAnalysis, source: str, config: Config, sound: AudioStream) -> EmotionAnalysis:
    """``found`` with its own summary, and with the transcript's emotion where there is a transcript."""
    notes = [*found.notes, *sound.notes]
    own = found.track.summary()
    sources = {**found.sources, source: own}
    curve = found.track.heard
    if own["confidence"] < 0.02 and not len(found.notes):
        notes.append("no voice is heard in it")
    if config.text is None or curve is None:
        return replace(found, sources=sources, notes=tuple(notes))
    reading = read_sentiment(strip_directions(read_transcript(config.text)))
    sources["text"] = reading.summary()
    if disagreement(own, sources["text"]) > DISAGREE:
        notes.append(
            f"the voice sounds {most_likely(own)}, the text reads {most_likely(sources['text'])}; the voice leads"
        )
    return EmotionAnalysis(
        EmotionTrack(heard=with_text(curve, reading)), sources, reading, tuple(notes), found.kind
    )


def most_likely(summary: dict[str, Any]) -> str:
    """The most probable category."""
    return max(summary["categories"], key=summary["categories"].get)


def _of_video(path: str, config: Config, progress: Progress | None) -> EmotionAnalysis:
    notes: list[str] = []
    face: EmotionCurve | None = None
    try:
        from facegen.tracking import track

        curves = track(path, progress=progress)
        if config.start or config.duration is not None:
            curves = _span(curves, config)
        face = emotion_from_curves(curves)
    except MissingExtraError as error:
        notes.append(f"the face is not read: {error.remedy}")
    try:
        sound = open_audio(path, start=config.start, duration=config.duration)
        voice = _hear(sound, config, progress)
    except InputError:
        if face is None:
            raise
        return EmotionAnalysis(
            EmotionTrack(heard=face), {"face": face.summary()}, None, ("it has no sound",), "video"
        )
    found = EmotionAnalysis(EmotionTrack(heard=voice), notes=tuple(notes), kind="video")
    if face is None:
        return _with_text(found, "voice", config, sound)
    both = _fused(voice, face)
    sources = {"face": face.summary(), "voice": voice.summary()}
    found = replace(found, track=EmotionTrack(heard=both), sources=sources)
    done = _with_text(found, "both", config, sound)
    if disagreement(sources["voice"], sources["face"]) > DISAGREE:
        text = (
            f"the voice sounds {most_likely(sources['voice'])}, the face looks {most_likely(sources['face'])}"
        )
        done = replace(done, notes=(*done.notes, text))
    return done


def _span(curves: Animation, config: Config) -> Animation:
    return curves.slice(config.start, None if config.duration is None else config.start + config.duration)


def _fused(voice: EmotionCurve, face: EmotionCurve) -> EmotionCurve:
    """Voice and face, each by its confidence."""
    count = min(len(voice), len(face))
    weight = np.stack([voice.confidence[:count], FACE_SHARE * face.confidence[:count]])
    share = (weight[1] / np.maximum(weight.sum(axis=0), 1e-6))[:, None]
    vad, categories = (
        a[:count] + share * (b[:count] - a[:count])
        for a, b in ((voice.vad, face.vad), (voice.categories, face.categories))
    )
    confidence = np.maximum(voice.confidence[:count], weight[1])
    return EmotionCurve(vad, categories, confidence, voice.sounds[:count])
