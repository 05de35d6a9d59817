"""The live engine: blocks of sound in, frames of the face out, as soon as enough has been heard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from facegen.config import Config, StreamConfig
from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.units import FEATURE_HZ, SAMPLE_RATE_HZ, as_fps
from facegen.emotion import Emotion
from facegen.live.idle_motion import IdleMotion
from facegen.live.sinks import Frame
from facegen.live.speech_reactions import RecognizedBlock, Stress, closures, is_speaking
from facegen.live.streaming_emotion import StreamingEmotion
from facegen.motion.lipsync.streaming import StreamingDecoder, hold_last_frame
from facegen.motion.take import SMOOTH_SECONDS, Layer, Take, compose, smooth
from facegen.pipeline.inputs import RequestedEmotion, SolveInputs
from facegen.rig import ARKIT, load_rig
from facegen.rig.retarget import find_map
from facegen.speech.encoder import Encoder

MARGIN_FRAMES = (
    4  # feature frames of the latency that are left for computing, resampling and the window of a frame
)
STEP_RANGE = (2, 12)
BEYOND_S = 1.2  # of features kept beyond what the decoder looks back on: a nod's and a closure's past


@dataclass(frozen=True)
class Plan:
    """How a latency is spent: ``step`` feature frames are worked on at a time, with ``ahead`` heard after them."""

    step: int
    ahead: int

    @classmethod
    def of(cls, latency_ms: float, fps: Fraction) -> Plan:
        """The plan for frames that are to be shown ``latency_ms`` after their sound."""
        budget = latency_ms / 1000 * FEATURE_HZ - MARGIN_FRAMES - _half_window(fps) / fps * FEATURE_HZ
        step = min(STEP_RANGE[1], max(STEP_RANGE[0], int(budget / 2.2) // 2 * 2))
        return cls(step, max(0, int(budget) - step))


class Engine:
    """Frames of a sound that comes in blocks at 16 kHz; memory does not grow with its length.

    With a latency of half a second and without passes the lips are those of ``facegen.animate``; with less, coming
    sound is guessed.

    Parameters
    ----------
    settings
        The settings, or what they name where that is open already.
    live
        The settings of the stream.

    Raises
    ------
    UsageError, ModelError
        As ``SolveInputs.load`` does, and for an encoder that can't process live sound.
    """

    def __init__(
        self, settings: Config | SolveInputs | None = None, live: StreamConfig | None = None
    ) -> None:
        inputs = settings if isinstance(settings, SolveInputs) else SolveInputs.load(settings or Config())
        self._inputs, self.config, self.live = inputs, inputs.config, live or StreamConfig()
        self.fps = as_fps(self.config.fps)
        self.plan = Plan.of(self.live.latency, self.fps)
        encoder = inputs.encoders.speech
        if not isinstance(encoder, Encoder):  # an installed package's, which has no more than ``encode``
            raise UsageError(
                "this encoder can't process live sound", path="--encoder", remedy="use the encoder phones"
            )
        self._decoder = StreamingDecoder(inputs.decoder, self.config)
        keep = self._decoder.before + self.plan.ahead + self.plan.step + round(BEYOND_S * FEATURE_HZ)
        self._features = encoder.window(self.plan.step, keep)
        target = inputs.rig
        self.controls = target.control_names
        self.rest = np.array([control.neutral for control in target.controls], np.float32)
        self._map = None if self.controls == ARKIT else find_map(load_rig("arkit"), target)
        self._emotion = inputs.emotion_track()
        self._life = IdleMotion(self.config, self.fps, self._emotion)
        self._mood = StreamingEmotion(encoder, inputs.encoders.emotion, self.fps)
        self._turns: list[tuple[int, Emotion]] = []  # frames from which on another mood was heard
        self._stress = Stress(self.config, self.fps)
        self._finish = _Finish(self.fps, inputs.finishing)
        self._rows = np.zeros((0, len(self._decoder.controls)), np.float32)
        self._rows_start = self._decoded = self._frame = self._samples = 0

    def change(self, **settings: Any) -> None:
        """Set ``emotion`` or ``intensity`` from the next frame on. Raises UsageError for others and for wrong values."""
        unknown = set(settings) - {"emotion", "intensity"}
        if unknown:
            raise UsageError(
                f"{min(unknown)!r} can't be set while streaming", remedy="set emotion or intensity"
            )
        try:
            config = replace(self.config, timeline=None, **settings)
        except TypeError as error:
            raise UsageError("the value has the wrong kind", remedy="use e.g. happy:0.6, or 1.0") from error
        if not isinstance(config.emotion, str):
            raise UsageError("the emotion is no text", remedy="use e.g. happy:0.6")
        reference = self._inputs.reference
        self._emotion = RequestedEmotion.load(config).track(reference=reference and reference.emotion)
        self._life.change(config, self._emotion, self._frame)
        self.config = config

    def push(self, block: np.ndarray) -> list[Frame]:
        """Take in samples [n] float in -1..1 at 16 kHz; the frames that are due."""
        self._samples += len(block)
        if self._follows:
            self._turns += self._mood.push(block)
        if not self._features.push(block):
            return []
        return self._advance(self._features.count - self.plan.ahead)

    @property
    def _follows(self) -> bool:
        """Whether the face shows the emotion that is heard."""
        return self.config.emotion.strip().lower() == "auto" and self.config.emotion_from is None

    def close(self) -> list[Frame]:
        """The rest of the frames: ceil(seconds · fps) in all."""
        if not self._samples:
            return []
        self._features.close()
        return self._advance(self._features.count, ended=True)

    def _advance(self, upto: int, ended: bool = False) -> list[Frame]:
        if upto > self._decoded:
            window, start = self._features.window(), self._features.start
            missing = 0 if ended else self._decoder.ahead - (self._features.count - upto)
            rows = self._decoder.rows(hold_last_frame(window, missing), self._decoded - start, upto - start)
            self._rows = np.concatenate([self._rows, rows])
            self._decoded = upto
        first, last = self._frame, self._ready(ended)
        if last <= first and not ended:
            return []
        parts = self._composed(first, last)
        self._frame = last
        kept = min(len(self._rows), max(0, self._place(last) - 2 - self._rows_start))
        self._rows, self._rows_start = self._rows[kept:].copy(), self._rows_start + kept
        values = np.concatenate([part.values for part in parts])
        heads = [np.zeros((len(part), 6), np.float32) if part.head is None else part.head for part in parts]
        return [self._out(*row) for row in self._finish.push(values, np.concatenate(heads), ended)]

    def _composed(self, first: int, last: int) -> list[Animation]:
        """The frames ``first``..``last`` in parts, a new one where the mood turns."""
        parts = []
        while self._turns and self._follows and self._turns[0][0] < last:
            frame, emotion = self._turns.pop(0)
            if frame > first:
                parts.append(self._compose(first, frame))
                first = frame
            self._life.change(self.config, replace(self._emotion, base=emotion), first)
        return [*parts, self._compose(first, last)]

    def _ready(self, ended: bool) -> int:
        """The frame after the last for whose middle there are lips."""
        if ended:
            return math.ceil(Fraction(self._samples, SAMPLE_RATE_HZ) * self.fps)
        places = Fraction(2 * (self._decoded - 1) + 1, 2) * self.fps / FEATURE_HZ - Fraction(1, 2)
        return max(self._frame, math.floor(places) + 1)

    def _place(self, frame: int) -> int:
        return math.floor((frame + Fraction(1, 2)) * FEATURE_HZ / self.fps - Fraction(1, 2))

    def _compose(self, first: int, last: int) -> Animation:
        """The sum of all layers for the frames ``first``..``last``."""
        frames = np.arange(first, last)
        take = Take(self.fps, last - first, config={"passes": ()})
        take = take.with_layer(Layer("lips", "add", self._lips(frames)))
        if not len(frames):
            return compose(take, ARKIT)
        heard = RecognizedBlock(self._features.window(), self._features.start)
        for layer in self._life.layers(first, last, is_speaking(heard, frames, self.fps)):
            take = take.with_layer(layer)
        for more in (
            self._stress.layer(heard, first, last),
            closures(heard, self.config, first, last, self.fps),
        ):
            take = take if more is None else take.with_layer(more)
        return compose(take, ARKIT)

    def _lips(self, frames: np.ndarray) -> Animation:
        """The lips' rows at the middle of each frame, as ``Context.at_frames`` reads them."""
        place = (frames + 0.5) * float(FEATURE_HZ / self.fps) - 0.5 - self._rows_start
        place = np.clip(place, 0, max(0, len(self._rows) - 1))
        low = np.floor(place).astype(np.int64)
        high = np.minimum(low + 1, max(0, len(self._rows) - 1))
        part = (place - low).astype(np.float32)[:, None]
        values = self._rows[low] * (1 - part) + self._rows[high] * part if len(self._rows) else None
        if values is None:
            values = np.zeros((len(frames), len(self._decoder.controls)), np.float32)
        return Animation(self.fps, self._decoder.controls, values)

    def _out(self, index: int, values: np.ndarray, head: np.ndarray) -> Frame:
        if self._map is not None:
            values = self._map.apply(Animation(self.fps, ARKIT, values[None])).values[0]
        return Frame(index, float(index / self.fps), self.fps, self.controls, values, head)


class _Finish:
    """Smoothing and limits, as ``compose`` does them for a whole take."""

    def __init__(self, fps: Fraction, steps: tuple[str, ...]) -> None:
        self._fps, self._limit = fps, "limit" in steps
        self._half = _half_window(fps) if "smooth" in steps else 0
        self._values = np.zeros((0, len(ARKIT)), np.float32)
        self._head = np.zeros((0, 6), np.float32)
        self._start = self._given = 0

    def push(
        self, values: np.ndarray, head: np.ndarray | None, ended: bool
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Frames that can be told, each with its index."""
        heads = np.zeros((len(values), 6), np.float32) if head is None else head
        self._values = np.concatenate([self._values, values])
        self._head = np.concatenate([self._head, heads])
        last = self._start + len(self._values) - (0 if ended else self._half)
        if last <= self._given:
            return
        rows = smooth(self._values, self._fps) if self._half else self._values
        rows = np.clip(rows, 0.0, 1.0) if self._limit else rows
        for index in range(self._given, last):
            yield index, rows[index - self._start], self._head[index - self._start]
        self._given = last
        kept = max(0, last - 2 * self._half - self._start)
        self._values, self._head = self._values[kept:].copy(), self._head[kept:].copy()
        self._start += kept


def _half_window(fps: Fraction) -> int:
    """Frames on either side that smoothing looks at: none where ``smooth`` leaves all as it is."""
    half = int(SMOOTH_SECONDS * fps) // 2
    return half if 2 * half + 1 >= 5 else 0
