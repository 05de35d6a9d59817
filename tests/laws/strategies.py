"""Generators of valid values for the law tests."""

from fractions import Fraction

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.animation import Animation
from facegen.emotion import CATEGORIES, Emotion, EmotionSpan, EmotionTrack
from facegen.motion.take import MODES, Layer, Take
from facegen.rig import ARKIT
from facegen.speech.phones import ARPABET, Phone, PhoneTrack

RATES = (
    Fraction(24),
    Fraction(25),
    Fraction(30),
    Fraction(60),
    Fraction(120),
    Fraction(30000, 1001),
    Fraction(24000, 1001),
)
numbers = st.floats(0, 1, width=32)
rates = st.sampled_from(RATES)
names = st.lists(st.sampled_from(ARKIT), min_size=1, max_size=6, unique=True).map(tuple)


@st.composite
def animations(draw, max_frames=12, fps=None, frames=None, controls=None):
    """An Animation with values in 0..1, sometimes with a head."""
    controls = draw(names) if controls is None else controls
    count = draw(st.integers(1, max_frames)) if frames is None else frames
    values = draw(hnp.arrays(np.float32, (count, len(controls)), elements=numbers))
    head = draw(st.none() | hnp.arrays(np.float32, (count, 6), elements=st.floats(-1, 1, width=32)))
    return Animation(draw(rates) if fps is None else fps, controls, values, head)


@st.composite
def phone_tracks(draw):
    marks = sorted(draw(st.sets(st.integers(0, 500), max_size=12)))
    pairs = zip(marks[::2], marks[1::2], strict=False)
    return PhoneTrack(tuple(Phone(a / 100, b / 100, draw(st.sampled_from(ARPABET))) for a, b in pairs))


@st.composite
def emotions(draw):
    chosen = draw(st.lists(st.sampled_from(CATEGORIES[1:]), max_size=3, unique=True))
    return Emotion.from_weights({name: draw(st.floats(0, 1)) for name in chosen})


@st.composite
def emotion_tracks(draw):
    marks = sorted(draw(st.sets(st.integers(0, 100), max_size=6)))
    pairs = list(zip(marks[::2], marks[1::2], strict=False))
    return EmotionTrack(
        draw(emotions()), tuple(EmotionSpan(a / 10, b / 10, draw(emotions())) for a, b in pairs)
    )


@st.composite
def takes(draw):
    """A Take of up to three layers, some masked."""
    fps, count = draw(rates), draw(st.integers(1, 12))
    layers = []
    for name in draw(st.lists(st.sampled_from(["lips", "blink", "head", "hand"]), max_size=3, unique=True)):
        mask = draw(st.none() | hnp.arrays(np.float32, count, elements=numbers))
        layers.append(
            Layer(name, draw(st.sampled_from(MODES)), draw(animations(fps=fps, frames=count)), mask)
        )
    return Take(
        fps,
        count,
        {"name": "a.wav"},
        draw(phone_tracks()),
        draw(emotion_tracks()),
        tuple(layers),
        {"seed": 1},
    )
