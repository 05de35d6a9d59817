"""From turns, or a call with a channel a speaker, to one take a speaker over the common time."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from os import PathLike

from facegen.config import Config
from facegen.core.errors import AudioError, ConfigError
from facegen.core.progress import Progress
from facegen.core.units import FEATURE_HZ, as_fps, frame_count
from facegen.motion.context import Context
from facegen.motion.take import Take
from facegen.pipeline.animate import build_layers
from facegen.pipeline.conversation.listener_behavior import (
    Participants,
    gaze_targets,
    listener_emotion,
    listener_layer,
    silent_mouth_layer,
)
from facegen.pipeline.conversation.speakers import Voice, recognize_channels, recognize_turns
from facegen.pipeline.conversation.turns import Turn, read_turns
from facegen.pipeline.inputs import SolveInputs

TABLES = (".csv", ".json")
ROUND_DEGREES = 35.0  # of three and more speakers, how far to each side the outermost sit
OTHER_SEED = 7919


@dataclass(frozen=True, eq=False)
class Conversation:
    """A solved conversation: ``takes`` by speaker, all of ``seconds``.

    ``voices`` hold what each says and when, ``turns`` the rows of the table (none for a call), ``source`` the file.
    """

    source: str
    seconds: Fraction
    turns: tuple[Turn, ...]
    voices: tuple[Voice, ...]
    takes: Mapping[str, Take]


def converse(
    source: str | PathLike | Sequence[Turn],
    settings: Config | SolveInputs | None = None,
    *,
    apart: float = 0.0,
    progress: Progress | None = None,
) -> Conversation:
    """One take a speaker of a table of turns (.csv, .json, or ``Turn`` values) or of a call with a channel a speaker.

    Who does not speak listens: looks at who does, nods and raises the brows at pauses, mirrors what is felt, mouth
    shut. ``apart`` degrees from ahead is where the other of two sits, to the first one's left. Raises ConfigError for
    a table that is none, AudioError for a sound that is none.
    """
    inputs = settings if isinstance(settings, SolveInputs) else SolveInputs.load(settings or Config())
    config = inputs.config
    turns, voices, seconds = _heard(source, inputs, progress)
    if not voices:
        raise ConfigError("holds no turns", remedy="give at least one")
    fps, takes = as_fps(config.fps), {}
    for me, voice in enumerate(voices):
        seed = config.seed + OTHER_SEED * me
        own = replace(config, seed=seed)
        company = Participants(voices, turns, me, _sides(len(voices), me, apart), seed)
        emotion = listener_emotion(company, inputs.emotion_track())
        frames = frame_count(seconds, fps)
        context = Context(own, fps, frames, voice.features, voice.phones, emotion, gaze_targets(company))
        about = {"name": os.path.basename(_name(source)), "seconds": str(seconds), "speaker": voice.speaker}
        listening = listener_layer(company, context)
        take = build_layers(context, inputs, about, () if listening is None else (listening,))
        takes[voice.speaker] = take.with_layer(silent_mouth_layer(company, context))
    return Conversation(_name(source), seconds, turns, voices, takes)


def _heard(
    source: str | PathLike | Sequence[Turn], inputs: SolveInputs, progress: Progress | None
) -> tuple[tuple[Turn, ...], tuple[Voice, ...], Fraction]:
    if not isinstance(source, str | PathLike):
        turns = tuple(source)
    elif os.fspath(source).lower().endswith(TABLES):
        turns = read_turns(source)
    else:
        voices, seconds = recognize_channels(source, inputs, progress)
        if not any(voice.spans for voice in voices):
            raise AudioError(
                "nobody speaks in it", path=source, remedy="give a call with a channel a speaker"
            )
        return (), voices, seconds
    voices = recognize_turns(turns, inputs, progress)
    return turns, voices, Fraction(len(voices[0].features) if voices else 0, FEATURE_HZ)


def _sides(count: int, me: int, apart: float) -> list[float]:
    """Degrees to the left at which each member sits, as ``me`` sees it."""
    if count <= 2:
        return [apart if me == 0 else -apart] * max(count, 1)
    others = [v for v in range(count) if v != me]
    step = 2 * ROUND_DEGREES / max(1, len(others) - 1)
    sides = {v: ROUND_DEGREES - step * k for k, v in enumerate(others)}
    return [sides.get(v, 0.0) for v in range(count)]


def _name(source: str | PathLike | Sequence[Turn]) -> str:
    return os.fspath(source) if isinstance(source, str | PathLike) else "turns"
