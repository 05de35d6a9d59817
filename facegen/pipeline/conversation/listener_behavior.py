"""How people listen: looks at who speaks, nods and brow flashes as the other pauses, affect that mirrors theirs.

Listeners look at the talker for most of the time, talkers away as they begin and back as they end (Kendon 1967; Argyle
and Cook 1976); nods and brow flashes answer pauses and ends of phrases (Yngve 1970; Ward and Tsukahara 2000); faces
echo what they see, weaker and later (Dimberg 1982).
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from facegen.core.animation import Animation
from facegen.core.units import FEATURE_HZ
from facegen.emotion import CATEGORIES, EMOTION_HZ, Emotion, EmotionSpan, EmotionTrack
from facegen.motion.context import Context, GazeTarget
from facegen.motion.passes.signals import frame_times, pulses
from facegen.motion.take import Layer
from facegen.pipeline.conversation.speakers import TurnSpan, Voice
from facegen.pipeline.conversation.turns import Turn

MIRRORED, ANSWERING = 0.25, 0.35  # part of another's emotion that is echoed, and by who will answer that turn
MIRROR_LATE_S, MIRROR_FADE_S, LEAST_SPAN_S = 0.7, 1.2, 0.2
LEAST_FELT = 0.08  # intensity from which a heard emotion is echoed
CARRIED = 0.5  # of a speaker's last emotion in a turn that names none
PHRASE_S, LATE_S, APART_S = (
    0.22,
    (0.12, 0.45),
    1.4,
)  # a pause that is answered, how late, and how often at most
NOD, FLASH = 0.6, 0.3  # chances
NOD_DEGREES, NOD_RISE_S, NOD_FALL_S, NOD_STEP_S, NOD_FADE = (2.5, 6.0), 0.17, 0.24, 0.4, 0.55
FLASH_SIZE, FLASH_RISE_S, FLASH_FALL_S = (0.2, 0.45), 0.14, 0.32
HEARS_S, GLANCE_S, GLANCE_DEGREES = (
    (4.0, 9.0),
    (0.6, 1.3),
    (5.0, 10.0),
)  # a listener's looks, and away between
SAYS_S, PLANS_S, YIELD_S = (
    (1.8, 4.0),
    (0.8, 1.8),
    0.7,
)  # a talker's looks, away between, and back before the end
BROWS = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
OPENING = (
    "jawOpen", "jawForward", "jawLeft", "jawRight", "mouthClose", "mouthFunnel", "mouthPucker", "mouthLowerDownLeft",
    "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "mouthShrugLower", "mouthShrugUpper",
    "mouthRollLower", "mouthRollUpper", "mouthStretchLeft", "mouthStretchRight", "tongueOut",
)  # fmt: skip
BEFORE_S, AFTER_S = 0.8, 0.3  # about own speech, in which the mouth may move


@dataclass(frozen=True)
class Participants:
    """A conversation as one of its members, ``me`` (a place in ``voices``), has it.

    The voices, what each turn says, and ``side`` degrees to the left at which each of the others sits.
    """

    voices: Sequence[Voice]
    turns: Sequence[Turn]
    me: int
    side: Sequence[float]
    seed: int

    @property
    def own(self) -> tuple[TurnSpan, ...]:
        """When this one speaks."""
        return self.voices[self.me].spans

    @property
    def heard(self) -> list[tuple[int, TurnSpan]]:
        """Who else speaks, and when, in order."""
        rows = [(v, s) for v, voice in enumerate(self.voices) if v != self.me for s in voice.spans]
        return sorted(rows, key=lambda row: row[1].start)

    def rng(self, name: str) -> np.random.Generator:
        """Random numbers for the behavior called ``name``."""
        return np.random.default_rng([self.seed, zlib.crc32(f"converse {name}".encode())])

    def stated(self, turn: int) -> Emotion | None:
        """The emotion that the table gives a turn."""
        return self.turns[turn].emotion if turn < len(self.turns) else None

    def emotion(self, voice: int, span: TurnSpan) -> Emotion | None:
        """What the face shows in a turn: what the table says, or what was heard on the mean; None for nothing."""
        stated = self.stated(span.turn)
        if stated is not None:
            return stated if stated.intensity else None
        first, last = (round(t * EMOTION_HZ) for t in (span.start, span.end))
        rows = self.voices[voice].heard.shown[first : max(last, first + 1)]
        if not len(rows):
            return None
        shares = dict(zip(CATEGORIES[1:], rows.mean(axis=0)[1:].tolist(), strict=True))
        emotion = Emotion.from_weights({name: share for name, share in shares.items() if share > 0.02})
        return emotion if emotion.intensity > LEAST_FELT else None


def listener_emotion(company: Participants, asked: EmotionTrack) -> EmotionTrack:
    """The own emotion in own turns; another's, weaker and later, while that one speaks.

    In own turns it is the table's, else what is heard, else a part of the last one.
    """
    spans, last = [], None
    for span in company.own:
        emotion = company.stated(span.turn)
        if emotion is None and last is not None and not asked.follows:
            emotion = last.scale(CARRIED)
        last = emotion
        if emotion is not None:
            spans.append(EmotionSpan(span.start, span.end, emotion))
    taken = [(s.start, s.end) for s in company.own]
    for who, span in company.heard:
        emotion = company.emotion(who, span)
        if emotion is None:
            continue
        answers = any(
            s.turn < len(company.turns) and company.turns[s.turn].reply_to == span.turn for s in company.own
        )
        echoed = emotion.scale(ANSWERING if answers else MIRRORED)
        for start, end in _free(span.start + MIRROR_LATE_S, span.end + MIRROR_LATE_S, taken):
            spans.append(EmotionSpan(start, end, echoed, MIRROR_FADE_S, MIRROR_FADE_S))
            taken.append((start, end))
    own = company.voices[company.me].heard
    return replace(asked, spans=tuple(sorted(spans, key=lambda s: s.start)), heard=own)


def _free(start: float, end: float, taken: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """What is left of ``start`` to ``end`` outside ``taken``, without slivers."""
    free = [(start, end)]
    for a, b in taken:
        free = [part for x, y in free for part in ((x, min(y, a)), (max(x, b), y)) if part[1] > part[0]]
    return [(a, b) for a, b in free if b - a >= LEAST_SPAN_S]


def gaze_targets(company: Participants) -> tuple[GazeTarget, ...]:
    """Where the eyes rest over time: on who speaks while listening, on and off whom one talks to while talking."""
    rng = company.rng("looks")
    rows: list[tuple[float, int, TurnSpan | None]] = [(s.start, v, None) for v, s in company.heard]
    rows += [(s.start, company.me, s) for s in company.own]
    others = [v for v in range(len(company.voices)) if v != company.me]
    target = company.heard[0][0] if company.heard else (others[0] if others else company.me)
    found = [GazeTarget(0.0, company.side[target], 0.0)]
    ends = sorted(time for time, *_ in rows)
    for at, who, own in sorted(rows, key=lambda row: row[0]):
        until = next((time for time in ends if time > at), at + 600.0)
        if own is None:
            target = who
            found += _listener(rng, at, until, company.side[target])
        else:
            reply = company.turns[own.turn].reply_to if own.turn < len(company.turns) else None
            named = {s.turn: v for v, s in company.heard}
            target = named.get(-1 if reply is None else reply, target)
            found += _talker(rng, own, company.side[target])
    found.sort(key=lambda look: look.at)
    return tuple(found)


def _listener(rng: np.random.Generator, start: float, end: float, side: float) -> list[GazeTarget]:
    found, at = [GazeTarget(start + 0.25 + 0.3 * rng.random(), side, 0.0)], start + 0.6
    while True:
        at += rng.uniform(*HEARS_S)
        stays = rng.uniform(*GLANCE_S)
        if at + stays > end:
            return found
        found += [GazeTarget(at, *_aside(rng, side)), GazeTarget(at + stays, side, 0.0)]
        at += stays


def _talker(rng: np.random.Generator, span: TurnSpan, side: float) -> list[GazeTarget]:
    back = max(span.start, span.end - YIELD_S)
    found, at = [], max(0.0, span.start - 0.2 * rng.random())
    away = rng.random() < 0.7
    while at < back:
        found.append(GazeTarget(at, *_aside(rng, side)) if away else GazeTarget(at, side, 0.0))
        at += rng.uniform(*(PLANS_S if away else SAYS_S))
        away = not away
    return [*found, GazeTarget(back, side, 0.0)]


def _aside(rng: np.random.Generator, side: float) -> tuple[float, float]:
    size, way = rng.uniform(*GLANCE_DEGREES), 1 if rng.random() < 0.5 else -1
    return side + way * size, size * rng.uniform(-0.7, 0.4)


def answers(company: Participants) -> list[float]:
    """Seconds at which a listener has something to answer: pauses within others' turns, and their ends."""
    found = []
    for who, span in company.heard:
        voice = company.voices[who].features
        first, last = round(span.start * FEATURE_HZ), round(span.end * FEATURE_HZ)
        talks = (voice.speech[first:last] > 0.5).astype(np.int8)
        stops = np.flatnonzero(np.diff(np.r_[talks, 0]) == -1) + 1
        width = round(PHRASE_S * FEATURE_HZ)
        found += [span.start + s / FEATURE_HZ for s in stops if not talks[s : s + width].any()]
    return sorted(found)


def listener_layer(company: Participants, context: Context) -> Layer | None:
    """Nods and brow flashes as ``Layer`` "listening", added; None where there is nothing to answer."""
    rng, last = company.rng("answers"), -APART_S
    nods: list[tuple[float, float]] = []
    flashes: list[tuple[float, float]] = []
    for at in answers(company):
        draws = rng.random(6)
        at += LATE_S[0] + (LATE_S[1] - LATE_S[0]) * draws[0]
        busy = any(s.start - BEFORE_S < at < s.end for s in company.own)
        if busy or at - last < APART_S:
            continue
        if draws[1] < NOD:
            size = NOD_DEGREES[0] + (NOD_DEGREES[1] - NOD_DEGREES[0]) * draws[2]
            nods += [(at + k * NOD_STEP_S, size * NOD_FADE**k) for k in range(1 + int(3 * draws[3]))]
            last = at
        if draws[4] < FLASH:
            flashes.append((at, FLASH_SIZE[0] + (FLASH_SIZE[1] - FLASH_SIZE[0]) * draws[5]))
            last = at
    if not nods and not flashes:
        return None
    pose = np.zeros((context.frames, 6), np.float32)
    if context.config.head:
        pose[:, 1] = np.radians(_pulses(context, nods, NOD_RISE_S, NOD_FALL_S))
    brows = context.config.upper_face * _pulses(context, flashes, FLASH_RISE_S, FLASH_FALL_S)
    values = np.repeat(brows[:, None], len(BROWS), axis=1)
    return Layer("listening", "add", Animation(context.fps, BROWS, values, pose))


def _pulses(context: Context, rows: list[tuple[float, float]], rise: float, fall: float) -> np.ndarray:
    at, size = np.array(rows, dtype=float).reshape(-1, 2).T
    return pulses(context, at, size, rise, fall)


def silent_mouth_layer(company: Participants, context: Context) -> Layer:
    """``Layer`` "hush": nothing opens or rounds the mouth while one only listens."""
    times = frame_times(context)
    free = np.zeros(context.frames, np.float32)
    for span in company.own:
        rise = np.clip((times - span.start + BEFORE_S) / 0.2, 0, 1)
        fall = np.clip((span.end + AFTER_S - times) / 0.2 + 1, 0, 1)
        free = np.maximum(free, np.minimum(rise, fall))
    values = np.zeros((context.frames, len(OPENING)), np.float32)
    return Layer("hush", "multiply", Animation(context.fps, OPENING, values), 1 - free.astype(np.float32))
