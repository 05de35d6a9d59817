"""What each speaker of a conversation says, on the common time: features, phones and spans of speech."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from os import PathLike, fspath
from pathlib import PurePath

import numpy as np

from facegen.core.errors import AudioError, ConfigError
from facegen.core.progress import Progress
from facegen.core.units import FEATURE_HZ
from facegen.emotion import EMOTION_HZ, EmotionCurve
from facegen.emotion.transcript import Transcript
from facegen.pipeline.conversation.turns import Turn
from facegen.pipeline.inputs import SolveInputs
from facegen.pipeline.recognize import recognize_speech
from facegen.speech.audio import AudioStream, open_audio
from facegen.speech.audio_decoding import AudioDecoder, AudioInfo, open_decoder
from facegen.speech.logmel import SILENCE
from facegen.speech.phone_timing import decode_phones, refine_alignment
from facegen.speech.phones import FEATURE_BANDS, LABELS, Features, Phone, PhoneTrack

BETWEEN_S = 0.25  # before a turn that names no start
SILENT_DB = -100.0
LEAK_DB, LEAK_S = 10.0, 0.25  # another channel louder by so much over so long is what is heard
MERGE_S, LEAST_S = 0.7, 0.25  # pauses within a turn, and the shortest turn, of a channel
MOST_CHANNELS = 8


@dataclass(frozen=True, eq=False)
class Voice:
    """All that ``speaker`` says.

    Features, phones and the emotion ``heard`` in the voice over the common time, and the turns with start and end s.
    """

    speaker: str
    features: Features
    phones: PhoneTrack
    spans: tuple[TurnSpan, ...]
    heard: EmotionCurve


@dataclass(frozen=True)
class TurnSpan:
    """``turn`` (its place in the conversation) lasts from ``start`` to ``end`` s."""

    turn: int
    start: float
    end: float


class _Channel:
    """One channel of a sound."""

    def __init__(self, source: AudioDecoder, channel: int) -> None:
        self.info: AudioInfo = replace(source.info, channels=1)
        self.notes = source.notes
        self._source, self._channel = source, channel

    def blocks(self, first: int) -> Iterator[np.ndarray]:
        for block in self._source.blocks(first):
            yield np.ascontiguousarray(block[self._channel : self._channel + 1])


def recognize_turns(
    turns: Sequence[Turn], inputs: SolveInputs, progress: Progress | None
) -> tuple[Voice, ...]:
    """The voices of a table of turns.

    Raises AudioError for a sound that is none, ConfigError where a speaker's turns overlap.
    """
    pieces: list[_Piece] = []
    end = 0.0
    for place, turn in enumerate(turns):
        sound = open_audio(turn.audio)
        recognized, curve = recognize_speech(sound, inputs.encoders, _after(end, progress))
        words = () if turn.text is None else Transcript.load(turn.text).words
        features, phones, _ = refine_alignment(recognized, words)
        start = turn.start if turn.start is not None else end + (BETWEEN_S if place else 0.0)
        start = round(start * FEATURE_HZ) / FEATURE_HZ
        span = TurnSpan(place, start, start + float(sound.duration))
        end = max(end, span.end)
        pieces.append((span, features, phones, curve))
    count = math.ceil(end * FEATURE_HZ)
    voices = []
    for speaker in dict.fromkeys(turn.speaker for turn in turns):
        own = sorted((p for p in pieces if turns[p[0].turn].speaker == speaker), key=lambda p: p[0].start)
        for (a, *_), (b, *_) in zip(own, own[1:], strict=False):
            if b.start < a.end - 1e-6:
                raise ConfigError(
                    f"turns {a.turn + 1} and {b.turn + 1} of {speaker} overlap: one ends at {a.end:.2f} s, the other "
                    f"starts at {b.start:.2f} s",
                    remedy="start it later, or leave the starts out",
                )
        voices.append(_joined(speaker, own, count))
    return tuple(voices)


def _after(done: float, progress: Progress | None) -> Progress | None:
    """``progress`` that counts seconds after those that are ``done``."""
    if progress is None:
        return None
    return lambda step, seconds, total: progress(step, done + seconds, None)


_Piece = tuple[TurnSpan, Features, PhoneTrack, EmotionCurve]


def _joined(speaker: str, own: Sequence[_Piece], count: int) -> Voice:
    features, phones = silence(count), []
    emotion = [
        np.array(rows) for rows in EmotionCurve.nothing(math.ceil(count * EMOTION_HZ / FEATURE_HZ)).arrays
    ]
    for span, part, track, curve in own:
        at = round(span.start * EMOTION_HZ)
        for rows, more in zip(emotion, curve.arrays, strict=True):
            rows[at : at + len(more)] = more[: max(0, len(rows) - at)]
        first = round(span.start * FEATURE_HZ)
        room = slice(first, min(count, first + len(part)))
        size = room.stop - first
        features.posteriors[room] = part.posteriors[:size]
        features.energy[room], features.pitch[room] = part.energy[:size], part.pitch[:size]
        if features.bands is not None and part.bands is not None:
            features.bands[room] = part.bands[:size]
        phones += [Phone(p.start + span.start, p.end + span.start, p.label) for p in track]
    return Voice(
        speaker, features, PhoneTrack(tuple(phones)), tuple(span for span, *_ in own), EmotionCurve(*emotion)
    )


def silence(count: int) -> Features:
    """``count`` frames in which nobody speaks."""
    posteriors = np.zeros((count, len(LABELS)), np.float32)
    posteriors[:, 0] = 1.0
    bands = np.full((count, FEATURE_BANDS), SILENCE, np.float16)
    return Features(
        posteriors, np.full(count, SILENT_DB, np.float32), np.zeros(count, np.float32), bands=bands
    )


def recognize_channels(
    path: str | PathLike, inputs: SolveInputs, progress: Progress | None
) -> tuple[tuple[Voice, ...], Fraction]:
    """The voices of a call with a channel a speaker, and its exact length.

    What leaks from one channel into another is left out. Raises AudioError for a sound of one channel or of more than
    MOST_CHANNELS.
    """
    config = inputs.config
    channels = open_decoder(path).info.channels
    if not 2 <= channels <= MOST_CHANNELS:
        remedy = "give a call with a channel a speaker, or a table of turns (.csv, .json)"
        raise AudioError(f"has {channels} channel{'s' * (channels != 1)}", path=path, remedy=remedy)
    names = ("left", "right") if channels == 2 else tuple(f"speaker{i + 1}" for i in range(channels))
    name, found = PurePath(fspath(path)).name, []
    curves: list[EmotionCurve] = []
    length = Fraction(0)
    for channel in range(channels):
        span = (Fraction(config.start), None if config.duration is None else Fraction(config.duration))
        sound = AudioStream(_Channel(open_decoder(path), channel), name, fspath(path), span)
        recognized, curve = recognize_speech(sound, inputs.encoders, progress)
        found.append(recognized)
        curves.append(curve)
        length = sound.duration
    kept = _without_leaks(found)
    voices = []
    for speaker, features, curve in zip(names, kept, curves, strict=True):
        spans = tuple(TurnSpan(0, a, b) for a, b in _spoken(features))
        voices.append(Voice(speaker, features, decode_phones(features.posteriors), spans, curve))
    order = sorted((s.start, v, k) for v, voice in enumerate(voices) for k, s in enumerate(voice.spans))
    places = {(v, k): turn for turn, (_, v, k) in enumerate(order)}
    return tuple(
        replace(v, spans=tuple(replace(s, turn=places[i, k]) for k, s in enumerate(v.spans)))
        for i, v in enumerate(voices)
    ), length


def _without_leaks(found: Sequence[Features]) -> list[Features]:
    width = round(LEAK_S * FEATURE_HZ)
    count = min(len(f) for f in found)
    kernel = np.ones(width) / width
    levels = [
        10 * np.log10(np.convolve(10 ** (f.energy[:count] / 10), kernel, "same") + 1e-12) for f in found
    ]
    kept = []
    for place, features in enumerate(found):
        others = np.max([level for k, level in enumerate(levels) if k != place], axis=0)
        leak = others - levels[place] > LEAK_DB
        quiet, bands = silence(count), features.bands
        kept.append(
            Features(
                np.where(leak[:, None], quiet.posteriors, features.posteriors[:count]),
                np.where(leak, quiet.energy, features.energy[:count]),
                np.where(leak, quiet.pitch, features.pitch[:count]),
                bands=None if bands is None else np.where(leak[:, None], np.float16(SILENCE), bands[:count]),
            )
        )
    return kept


def _spoken(features: Features) -> list[tuple[float, float]]:
    """Start and end s of stretches of speech whose pauses are short."""
    talks = (features.speech > 0.5) & (features.energy > -60)
    edges = np.flatnonzero(np.diff(np.r_[0, talks.astype(np.int8), 0]))
    spans: list[tuple[float, float]] = []
    for a, b in zip(edges[::2] / FEATURE_HZ, edges[1::2] / FEATURE_HZ, strict=True):
        if spans and a - spans[-1][1] < MERGE_S:
            spans[-1] = (spans[-1][0], b)
        else:
            spans.append((a, b))
    return [(a, b) for a, b in spans if b - a >= LEAST_S]
