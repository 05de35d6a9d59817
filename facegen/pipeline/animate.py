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
from facegen.core.progress import Progress
from facegen.core.units import as_fps, frame_count
from facegen.emotion import EMOTION_HZ, EmotionCurve, EmotionTrack
from facegen.emotion.sentiment import read_sentiment, with_text
from facegen.emotion.stage_directions import Direction, direction_spans, moments, outside
from facegen.motion.context import Context
from facegen.motion.lipsync.style_blending import decode_with_styles
from facegen.motion.take import Layer, Take, compose
from facegen.pipeline.inputs import SolveInputs
from facegen.pipeline.recognize import recognize_speech
from facegen.rig import ARKIT, Rig, load_rig
from facegen.rig.retarget import find_map, find_mapping, source_rig
from facegen.speech.audio import AudioStream, open_audio
from facegen.speech.phone_timing import refine_alignment
from facegen.speech.phones import Features, PhoneTrack

REQUESTED_PASSES = "asked_passes"
"""The setting of a take that holds ``Config.passes`` as given; its ``passes`` are those that ``compose`` runs."""


def solve(
    source: str | PathLike | np.ndarray | AudioStream,
    settings: Config | SolveInputs | None = None,
    *,
    rate: int | None = None,
    progress: Progress | None = None,
) -> Take:
    """Speech to a layered take on the ARKit controls.

    Parameters
    ----------
    source
        A file, samples of shape (N,) float in -1..1 at ``rate`` Hz, or an opened sound.
    settings
        The settings, or what they name where that is open already.
    rate
        Samples a second of an array.
    progress
        Called with "encode", the seconds of sound done and those expected.

    Returns
    -------
    Take
        A layer of the decoder and one of each pass, ceil(seconds * fps) frames.

    Raises
    ------
    AudioError
        For what is no sound.
    UsageError
        For settings that name nothing.
    """
    inputs = settings if isinstance(settings, SolveInputs) else SolveInputs.load(settings or Config())
    config, transcript = inputs.config, inputs.transcript
    sound = source if isinstance(source, AudioStream) else open_configured(source, config, rate)
    features, curve = recognize_speech(sound, inputs.encoders, progress)
    trim_heap()
    timed = refine_alignment(features, transcript.words if transcript else (), inputs.alignment)
    if transcript is not None:
        curve = with_text(curve, read_sentiment(transcript.text))
    emotion = inputs.emotion_track(curve)
    if transcript is not None and transcript.directions:
        emotion = apply_stage_directions(
            emotion, transcript.directions, timed.words, len(features) / features.rate
        )
    return build_take(sound, inputs, timed.features, timed.phones, emotion)


def build_take(
    sound: AudioStream,
    inputs: SolveInputs,
    features: Features,
    phones: PhoneTrack,
    emotion: EmotionTrack,
) -> Take:
    """Recognized speech and emotion to layers: the decoder's, then one of each pass. ``sound`` has been read."""
    fps = as_fps(inputs.config.fps)
    frames = frame_count(sound.duration, fps)
    reference = inputs.reference.curves if inputs.reference else None
    context = Context(inputs.config, fps, frames, features, phones, emotion, reference=reference)
    about = {"name": sound.name, "seconds": str(sound.duration)}
    if sound.path is not None:
        about["path"] = sound.path
    return build_layers(context, inputs, about)


def build_layers(
    context: Context, inputs: SolveInputs, about: Mapping[str, str], below: Sequence[Layer] = ()
) -> Take:
    """The layers of the decoder, then those of ``below``, then one of each pass, over the sound that ``about`` names."""
    plain = context.config.plain()
    settings = {**plain, "passes": list(inputs.finishing), REQUESTED_PASSES: plain["passes"]}
    take = Take(context.fps, context.frames, about, context.phones, context.emotion, (), settings)
    lips = Layer("lips", "add", decode_with_styles(inputs.decoder, context))
    for lower in (lips, *below):
        take = take.with_layer(lower)
    for row in inputs.passes:
        trim_heap()
        layer = row.run(take, context)
        if layer is not None:
            take = take.with_layer(layer)
    return take


def animate(take: Take, rig: str | Rig = "arkit") -> Animation:
    """The take as one animation on the controls of ``rig``: a name, a folder or a rig that is open."""
    animation = compose(take, ARKIT)
    target = rig if isinstance(rig, Rig) else load_rig(rig)
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
    mapping, _ = find_mapping(source_rig(animation, source), load_rig(rig), rig_map)
    return mapping.apply(animation)


def apply_stage_directions(
    track: EmotionTrack, tags: Sequence[Direction], words: Sequence[tuple[float, float]], seconds: float
) -> EmotionTrack:
    """``track`` with the stage directions of a transcript where it names no emotion of its own.

    Parameters
    ----------
    track
        The emotion over time.
    tags
        The stage directions.
    words
        Start and end of each word, seconds.
    seconds
        Length of the sound.

    Returns
    -------
    EmotionTrack
        With a span for each direction, and the sounds without words that they name.
    """
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
