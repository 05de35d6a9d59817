"""Editing a take: one span of it solved again while the rest stays bit-equal, and an animator's own changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, UsageError
from facegen.core.progress import Progress
from facegen.core.units import FEATURE_HZ
from facegen.emotion import Emotion, EmotionTrack
from facegen.emotion.track import EmotionSpan
from facegen.motion.take import HAND, SMOOTH_SECONDS, Layer, Take, compose
from facegen.pipeline.animate import REQUESTED_PASSES, build_take, open_configured
from facegen.pipeline.inputs import SolveInputs
from facegen.speech.audio import AudioStream
from facegen.speech.phone_timing import Words, refine_alignment, with_phones
from facegen.speech.phones import Features, Phone, PhoneTrack

FADE_S = 0.15  # at each border of the span, inside it
EDITS = "edits"
"""The setting of a take that lists what was solved again: span and changed settings, oldest first."""
_NOTHING = {
    "multiply": 1.0,
    "max": -1.0,
}  # what a control that a layer lacks has in each mode; 0 in the others
_LEAST = 1e-5  # a difference by hand below is the rounding of the file it came from


class EditSpan(NamedTuple):
    """``start`` to ``end`` seconds."""

    start: float
    end: float

    @classmethod
    def parse(cls, text: str) -> EditSpan:
        """``S:E``. Raises UsageError for what is not two numbers, the first from 0 up and below the second."""
        try:
            start, end = (float(part) for part in text.split(":"))
        except ValueError:
            start, end = 0.0, 0.0
        if not 0 <= start < end < float("inf"):
            raise UsageError(f"the span {text!r} is not S:E in seconds", remedy="use e.g. 1.5:2.75")
        return cls(start, end)


def edit(
    take: Take,
    span: EditSpan,
    changes: Mapping[str, Any],
    audio: str | PathLike | None = None,
    progress: Progress | None = None,
) -> Take:
    """``take`` with ``span`` solved again under ``changes`` (some of ``config.CHANGES``) and cross-faded inside its borders.

    All frames outside the span compose to the same bits, and the ``hand`` layer stays. ``audio`` is the sound where
    it lies neither where the take was made from nor beside the working folder. Raises UsageError for a span beyond
    the end or a take that no sound was solved for, AudioError for another sound than the take's.
    """
    sound = _sound_of(take, audio)
    config = replace(_config_of(take), **changes)
    if span.start >= float(Fraction(take.frames) / take.fps):
        raise UsageError(
            f"the span starts at {span.start:g} s, after the take's end", remedy="choose an earlier"
        )
    inputs = SolveInputs.load(_needed(config, changes))
    recognized = inputs.encoders.speech.encode(sound, progress)
    if str(sound.duration) != str(take.audio.get("seconds")):
        raise UsageError(
            f"{sound.name} lasts {float(sound.duration):.3f} s, the take's sound {take.audio.get('seconds')} s",
            remedy="give the sound that the take was made from",
        )
    was_aligned = take.config.get("text") or take.config.get("alignment")
    features = with_phones(recognized, take.phones) if was_aligned else recognized
    phones = take.phones
    if "text" in changes:
        words = inputs.transcript.words if inputs.transcript else ()
        features, phones = _respoken(recognized, features, phones, span, words)
    emotion = take.emotion
    if "emotion" in changes:
        emotion = inputs.emotion.track(emotion.heard, Emotion() if config.emotion_from else None)
    fresh = build_take(sound, inputs, features, phones, emotion)
    return _spliced(take, fresh, span, changes)


def _needed(config: Config, changes: Mapping[str, Any]) -> Config:
    """``config`` without files that an edit does not read: they may lie on the machine that made the take."""
    spare: dict[str, Any] = {"rig": Config.rig}
    if "emotion" in changes:
        spare["emotion_from"] = None
    else:
        spare |= {"emotion": "neutral", "prompt_model": None}
    if "emotion" in changes or not config.emotion_from:
        spare["emotion_encoder"] = Config.emotion_encoder
    return replace(config, **spare)


def apply_hand_edits(take: Take, edited: Animation) -> Take:
    """``take`` with a ``hand`` layer that makes it compose to ``edited``, an animator's version of its curves.

    The layer holds the difference, so it survives when what lies below is solved again. Raises AnimationFileError
    for an animation of another length or rate.
    """
    if len(edited) != take.frames or edited.fps != take.fps:
        raise AnimationFileError(
            f"has {len(edited)} frames at {edited.fps} fps, the take {take.frames} at {take.fps}",
            remedy="export the edited curves over the whole take at its frame rate",
        )
    below = compose(take.without(HAND), edited.controls)
    change = edited.values - below.values
    change[np.abs(change) < _LEAST] = 0.0
    head = None
    if edited.head is not None:
        head = edited.head - (np.zeros_like(edited.head) if below.head is None else below.head)
        held = edited.head.any(axis=0)  # files such as Live Link's hold the head's turns but not its place
        head = np.where(held & (np.abs(head) >= _LEAST), head, 0.0).astype(np.float32)
    moved = change.any(axis=0)
    if not moved.any() and (head is None or not head.any()):
        return take.without(HAND)
    names = tuple(name for name, moves in zip(edited.controls, moved, strict=True) if moves)
    return take.with_layer(Layer(HAND, "add", Animation(take.fps, names, change[:, moved], head)))


def _config_of(take: Take) -> Config:
    """The settings that ``take`` was solved with."""
    if REQUESTED_PASSES not in take.config:
        raise UsageError(
            "the take was not solved from sound, so no span of it can be solved again",
            remedy="use a .take that facegen animate wrote",
        )
    settings = {**take.config, "passes": take.config[REQUESTED_PASSES]}
    known = {field.name for field in fields(Config)}
    values: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in settings.items() if k in known
    }
    return Config(**{**values, "text": None, "alignment": None, "timeline": None})


def _sound_of(take: Take, audio: str | PathLike | None) -> AudioStream:
    config = _config_of(take)
    if audio is not None:
        return open_configured(audio, config)
    name, path = take.audio.get("name", ""), take.audio.get("path")
    for place in (path, name):
        if place and os.path.isfile(place):
            return open_configured(place, config)
    raise UsageError(f"the take's sound {path or name or ''!r} is not found", remedy="name it with --audio")


def find_sound_beside(take: Take, path: str | PathLike) -> str | None:
    """The take's sound where it lies in the folder of the take's file ``path``, else None."""
    name = Path(str(take.audio.get("name", ""))).name
    place = Path(path).parent / name
    return str(place) if name and place.is_file() else None


def _respoken(
    recognized: Features, features: Features, phones: PhoneTrack, span: EditSpan, words: Words
) -> tuple[Features, PhoneTrack]:
    """Features and phones with those of ``words``, what is said within ``span``, in their place there."""
    first, last = round(span.start * FEATURE_HZ), min(len(recognized), round(span.end * FEATURE_HZ))
    part, spoken, _ = refine_alignment(recognized.part(first, last), words)
    posteriors = features.posteriors.copy()
    posteriors[first:last] = part.posteriors
    return replace(features, posteriors=posteriors), _track(phones, _later(spoken, first / FEATURE_HZ), span)


def _later(phones: PhoneTrack, seconds: float) -> list[Phone]:
    return [Phone(p.start + seconds, p.end + seconds, p.label) for p in phones]


def _track(outside: PhoneTrack, inside: list[Phone], span: EditSpan) -> PhoneTrack:
    """Phones of ``outside`` cut to what lies beyond ``span``, and of ``inside`` within it."""
    cut = [Phone(p.start, min(p.end, span.start), p.label) for p in outside if p.start < span.start]
    cut += [
        Phone(max(p.start, span.start), min(p.end, span.end), p.label)
        for p in inside
        if p.end > span.start and p.start < span.end
    ]
    cut += [Phone(max(p.start, span.end), p.end, p.label) for p in outside if p.end > span.end]
    return PhoneTrack(tuple(cut))


def _spliced(take: Take, fresh: Take, span: EditSpan, changes: Mapping[str, Any]) -> Take:
    part = _amount(take, span)
    old = {layer.name: layer for layer in take.layers}
    new = {layer.name: layer for layer in fresh.layers}
    names = [
        *(n for n in old if n != HAND),
        *(n for n in new if n not in old),
        *(n for n in old if n == HAND),
    ]
    layers = tuple(
        old[name] if name == HAND else _mixed(old.get(name), new.get(name), part) for name in names
    )
    edits = [*take.config.get(EDITS, []), {"span": list(span), **changes}]
    phones = _track(take.phones, list(fresh.phones), span) if "text" in changes else take.phones
    emotion = _overlaid(take.emotion, fresh.emotion, span) if "emotion" in changes else take.emotion
    return replace(take, layers=layers, phones=phones, emotion=emotion, config={**take.config, EDITS: edits})


def _amount(take: Take, span: EditSpan) -> np.ndarray:
    """The fresh solve's share of each frame, shape (T,), float32.

    It is 0 outside ``span`` and where smoothing would carry a change beyond it.
    """
    margin = SMOOTH_SECONDS / 2
    frames = take.frames
    middle = (np.arange(frames) + 0.5) / float(take.fps)
    fade = min(FADE_S, (span.end - span.start) / 4)
    start = -np.inf if span.start == 0 else span.start + margin
    end = np.inf if span.end >= frames / float(take.fps) else span.end - margin
    rise = np.clip(np.minimum(middle - start, end - middle) / fade, 0, 1)
    return (rise * rise * (3 - 2 * rise)).astype(np.float32)


def _mixed(old: Layer | None, new: Layer | None, part: np.ndarray) -> Layer:
    known = new or old
    assert known is not None
    named = [layer.animation.controls for layer in (old, new) if layer is not None]
    controls = tuple(dict.fromkeys(name for names in named for name in names))
    values = _blend(_values(old, known, controls), _values(new, known, controls), part)
    head = None
    if any(layer is not None and layer.animation.head is not None for layer in (old, new)):
        head = _blend(_head(old, len(part)), _head(new, len(part)), part)
    mask = None
    masks = [None if layer is None else layer.mask for layer in (old, new)]
    absent = known.mode == "replace" and None in (old, new)
    if absent or any(m is not None for m in masks):
        ends = [
            np.full(len(part), layer is not None, np.float32) if m is None else m
            for m, layer in zip(masks, (old, new), strict=True)
        ]
        mask = np.clip(_blend(ends[0], ends[1], part), 0, 1)
    return Layer(known.name, known.mode, Animation(known.animation.fps, controls, values, head), mask)


def _values(layer: Layer | None, known: Layer, controls: tuple[str, ...]) -> np.ndarray:
    rows = np.full((len(known.animation), len(controls)), _NOTHING.get(known.mode, 0.0), np.float32)
    if layer is not None:
        columns = [controls.index(name) for name in layer.animation.controls]
        rows[:, columns] = layer.animation.values
    return rows


def _head(layer: Layer | None, frames: int) -> np.ndarray:
    head = None if layer is None else layer.animation.head
    return np.zeros((frames, 6), np.float32) if head is None else head


def _blend(old: np.ndarray, new: np.ndarray, part: np.ndarray) -> np.ndarray:
    """``old`` where ``part`` [T] is 0, to the bit; ``new`` where it is 1."""
    share = part.reshape(-1, *([1] * (old.ndim - 1)))
    mixed = old + share * (new - old)
    return np.where(share == 0, old, np.where(share == 1, new, mixed)).astype(np.float32)


def _overlaid(old: EmotionTrack, new: EmotionTrack, span: EditSpan) -> EmotionTrack:
    """``old`` with ``new``'s base emotion over ``span``."""
    spans = [replace(s, end=min(s.end, span.start)) for s in old.spans if s.start < span.start]
    spans.append(EmotionSpan(span.start, span.end, new.base))
    spans += [replace(s, start=max(s.start, span.end)) for s in old.spans if s.end > span.end]
    return replace(old, spans=tuple(spans))
