"""A made-up talker: the context of one sentence, and the take that the passes make of it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from facegen.config import Config
from facegen.emotion import EmotionTrack, parse_emotion
from facegen.motion.context import Context
from facegen.motion.lipsync.coarticulation import CoarticulationDecoder
from facegen.motion.passes import enabled, finishing
from facegen.motion.take import Layer, Take
from facegen.speech.phones import LABELS, Features, PhoneTrack

SENTENCE = "SIL SIL SIL HH AH L OW M AA P B IY F AY V W UW D AE T S IH K SIL SIL SIL"


def talk(seconds: float = 6.0, fps: str = "30", text: str = SENTENCE, emotion=None, **settings) -> Context:
    """The context of ``text``'s phones, 100 ms each, repeated for ``seconds``."""
    count = round(seconds * 100)
    labels = np.resize(np.repeat([LABELS.index(p) for p in text.split()], 10), count)
    posteriors = np.eye(len(LABELS), dtype=np.float32)[labels]
    spoken = labels != 0
    beat = 6 * np.sin(np.arange(count) * 0.11)
    energy = np.where(spoken, -28 + beat, -90).astype(np.float32)
    pitch = np.where(spoken, 120 + 3 * beat, 0).astype(np.float32)
    config = Config(fps=fps, **settings)
    rate = Fraction(fps)
    frames = int(np.ceil(Fraction(count, 100) * rate))
    track = (
        emotion if isinstance(emotion, EmotionTrack) else EmotionTrack(parse_emotion(emotion or "neutral"))
    )
    features = Features(posteriors, energy, pitch)
    return Context(config, rate, frames, features, PhoneTrack.from_frames(labels), track)


def solve(context: Context) -> Take:
    """What the pipeline makes of a context."""
    settings = {**context.config.plain(), "passes": finishing(context.config)}
    take = Take(context.fps, context.frames, {}, context.phones, context.emotion, (), settings)
    take = take.with_layer(Layer("lips", "add", CoarticulationDecoder().decode(context)))
    for row in enabled(context.config):
        layer = row.run(take, context)
        if layer is not None:
            take = take.with_layer(layer)
    return take


def rises(curve: np.ndarray, level: float) -> np.ndarray:
    """Frames after which ``curve`` rises above ``level``."""
    return np.flatnonzero(np.diff((curve > level).astype(int)) == 1)
