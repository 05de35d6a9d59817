"""The main job as a listing: speech in, layers of motion out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from os import PathLike

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.memory import trim_heap
from facegen.core.units import as_fps, frame_count
from facegen.emotion import EMOTION_HZ, Emotion, EmotionCurve, EmotionTrack, parse_emotion
from facegen.emotion.sentiment import read_sentiment, with_text
from facegen.emotion.stage_directions import Direction, direction_spans, moments, outside
from facegen.emotion.timeline import read_timeline
from facegen.emotion.transcript import Transcript
from facegen.motion.context import Context
from facegen.motion.lipsync import load_decoder
from facegen.motion.lipsync.style_blending import decode_with_styles
from facegen.motion.passes import enabled, finishing
from facegen.motion.take import Layer, Take, compose
from facegen.pipeline.recognize import Progress, recognize_speech
from facegen.pipeline.reference_emotion import EmotionReference, check_reference, load_reference
from facegen.rig import ARKIT, load_rig
from facegen.rig.retarget import find_map, find_mapping, source_rig
from facegen.speech.audio import AudioStream, open_audio
from facegen.speech.phone_timing import refine_alignment
from facegen.speech.phones import Features, PhoneTrack

REQUESTED_PASSES = "asked_passes"
"""The setting of a take that holds ``Config.passes`` as given; its ``passes`` are those that ``compose`` runs."""


def solve(
    source: str | PathLike | np.ndarray | AudioStream,
    config: Config | None = None,
    *,
    rate: int | None = None,
    progress: Progress | None = None,
) -> Take:
    """Speech to a layered take on the ARKit controls.

    ``source`` is a file, samples [N] at ``rate`` Hz or an opened sound. Raises AudioError for what is no
    sound, UsageError for settings that name nothing.
    """
    config = config or Config()
    sound = source if isinstance(source, AudioStream) else open_configured(source, config, rate)
    spoken, heard = recognize_speech(sound, config, progress)
    trim_heap()
    transcript = None if config.text is None else Transcript.load(config.text)
    timed = refine_alignment(spoken, transcript.words if transcript else (), config.alignment)
    if transcript is not None:
        heard = with_text(heard, read_sentiment(transcript.text))
    lent = load_reference(config.emotion_from, config) if config.emotion_from else None
    emotion = load_emotion_track(config, heard, lent)
    if transcript is not None and transcript.directions:
        emotion = apply_stage_directions(
            emotion, transcript.directions, timed.words, len(spoken) / spoken.rate
        )
    return build_take(sound, config, timed.features, timed.phones, emotion, lent)


def build_take(
    sound: AudioStream,
    config: Config,
    features: Features,
    phones: PhoneTrack,
    emotion: EmotionTrack,
    lent: EmotionReference | None = None,
) -> Take:
    """What was heard and what is felt to layers: the decoder's, then one of each pass. ``sound`` has been read."""
    fps = as_fps(config.fps)
    context = Context(config, fps, frame_count(sound.duration, fps), features, phones, emotion)
    if lent is not None:
        context = replace(context, reference=lent.curves)
    about = {"name": sound.name, "seconds": str(sound.duration)}
    if sound.path is not None:
        about["path"] = sound.path
    return build_layers(context, about)


def build_layers(context: Context, about: Mapping[str, str], below: Sequence[Layer] = ()) -> Take:
    """The layers of the decoder, then those of ``below``, then one of each pass, over the sound that ``about`` names."""
    config = context.config
    settings = {
        **config.plain(),
        "passes": list(finishing(config)),
        REQUESTED_PASSES: config.plain()["passes"],
    }
    take = Take(context.fps, context.frames, about, context.phones, context.emotion, (), settings)
    lips = Layer("lips", "add", decode_with_styles(load_decoder(config.decoder), context))
    for given in (lips, *below):
        take = take.with_layer(given)
    for row in enabled(config):
        trim_heap()
        layer = row.run(take, context)
        if layer is not None:
            take = take.with_layer(layer)
    return take


def animate(take: Take, rig: str = "arkit") -> Animation:
    """The take as one animation on the controls of ``rig``."""
    animation = compose(take, ARKIT)
    target = load_rig(rig)
    if target.control_names == ARKIT:
        return animation
    return find_map(load_rig("arkit"), target).apply(animation)


def retarget(
    animation: Animation,
    rig: str | PathLike,
    source: str | PathLike | None = None,
    rig_map: str | PathLike | None = None,
) -> Animation:
    """``animation`` on the controls of ``rig``.

    ``source`` is the rig whose controls it has (found by their names where it is not given), ``rig_map`` a CSV file
    of weights (by default the shipped maps). Raises UsageError for rigs that don't exist, RigError for a broken map
    and where no map leads from one to the other.
    """
    forth, _ = find_mapping(source_rig(animation, source), load_rig(rig), rig_map)
    return forth.apply(animation)


def load_emotion_track(
    config: Config, heard: EmotionCurve | None = None, lent: EmotionReference | None = None
) -> EmotionTrack:
    """The emotion that the settings ask for, over time; ``auto`` is what was ``lent`` or else ``heard``."""
    auto = config.emotion.strip().lower() == "auto"
    base = Emotion() if auto else _asked(config)
    spans = read_timeline(config.timeline) if config.timeline else ()
    if auto and config.emotion_from:
        check_reference(config.emotion_from)
        base, auto = (lent.emotion if lent else base), False
    return EmotionTrack(base, spans, heard, follows=auto)


def _asked(config: Config) -> Emotion:
    """What the words of ``--emotion`` ask for."""
    if config.prompt_model is None:
        return parse_emotion(config.emotion)
    from facegen.emotion.transformers_text import classify_prompt

    return classify_prompt(config.emotion, config.prompt_model)


def apply_stage_directions(
    track: EmotionTrack, tags: Sequence[Direction], words: Sequence[tuple[float, float]], seconds: float
) -> EmotionTrack:
    """``track`` with the stage directions ``tags`` of a transcript where it names nothing of its own, given start and
    end s of each word and how long the sound is."""
    spans = outside(direction_spans(tags, words, seconds), track.spans)
    sounds = track.heard or EmotionCurve.nothing(math.ceil(seconds * EMOTION_HZ))
    for start, end, tag in moments(tags, words, seconds):
        sounds = sounds.sounding(tag.sound, start, end) if tag.sound else sounds
    every = tuple(sorted([*track.spans, *spans], key=lambda span: span.start))
    return replace(track, spans=every, heard=sounds, follows=track.follows and track.heard is not None)


def open_configured(
    source: str | PathLike | np.ndarray, config: Config, rate: int | None = None
) -> AudioStream:
    """The span of ``source`` that ``config`` asks for."""
    return open_audio(source, rate=rate, start=config.start, duration=config.duration)
