"""Laws of units, phones, emotions and rig maps."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from facegen.core.errors import AlignmentError, ConfigError, FacegenError, RigError, UsageError
from facegen.core.units import as_fps, frame_at, frame_count, frames_for_samples
from facegen.emotion import CATEGORIES, Emotion, EmotionTrack, parse_emotion
from facegen.rig import ARKIT, RigMap, load_rig
from facegen.rig.inverse_map import invert
from facegen.speech.phones import LABELS, Phone, PhoneTrack
from tests.laws.strategies import animations, emotion_tracks, emotions, phone_tracks, rates


@given(st.integers(0, 10**9), st.sampled_from([8000, 16000, 44100, 48000, 192000]), rates)
def test_frames_cover_the_sound_and_no_more(samples, rate, fps):
    frames = frames_for_samples(samples, rate, fps)
    seconds = Fraction(samples, rate)
    assert Fraction(frames) / fps >= seconds > Fraction(frames - 1) / fps or frames == samples == 0
    assert frame_count(seconds, fps) == frames


@given(st.integers(0, 10**6), rates)
def test_the_start_of_a_frame_lies_in_it(frame, fps):
    assert frame_at(float(frame / fps), fps) == frame


@pytest.mark.parametrize(
    ("text", "fps"), [("29.97", Fraction(30000, 1001)), (23.976, Fraction(24000, 1001)), (60, Fraction(60))]
)
def test_frame_rates_are_exact(text, fps):
    assert as_fps(text) == fps


@given(phone_tracks())
def test_phones_survive_frames(track):
    labels = track.frames(600)
    again = PhoneTrack.from_frames(labels)
    assert np.array_equal(again.frames(600), labels)


def test_overlapping_phones_are_refused():
    with pytest.raises(AlignmentError, match="overlap at 0.500"):
        PhoneTrack((Phone(0, 1, "AA"), Phone(0.5, 2, "B")))


@pytest.mark.parametrize("span", [(1, 1), (2, 1), (-1, 1), (0, math.inf), (math.nan, 1)])
def test_empty_and_reversed_phones_are_refused(span):
    with pytest.raises(AlignmentError, match="empty or reversed"):
        Phone(*span, LABELS[1])


@given(emotions())
def test_scaling_an_emotion_to_nothing_is_neutral(emotion):
    nothing = emotion.scale(0.0)
    assert nothing.intensity == 0 and not nothing.categories


@given(emotions(), st.floats(0, 2), st.floats(0, 2))
def test_intensity_grows_with_the_scale(emotion, one, other):
    assume(one <= other)
    weak, strong = emotion.scale(one), emotion.scale(other)
    assert weak.intensity <= strong.intensity + 1e-9
    assert sum(weak.categories.values()) <= sum(strong.categories.values()) + 1e-9


@given(emotions(), emotions())
def test_mixing_meets_its_ends(one, other):
    assert one.mix(other, 0.0) == one and one.mix(other, 1.0) == other


@given(st.tuples(*[st.floats(-1, 1)] * 3))
def test_every_point_is_an_emotion(point):
    emotion = Emotion.from_vad(*point)
    assert sum(emotion.categories.values()) <= 1 + 1e-6


@given(emotion_tracks())
def test_weights_over_time_are_a_distribution(track):
    rows = track.weights(np.linspace(0, 11, 50))
    assert np.allclose(rows.sum(axis=1), 1, atol=1e-5) and rows.min() >= -1e-6


@pytest.mark.parametrize("name", CATEGORIES)
def test_each_named_emotion_is_parsed(name):
    emotion = parse_emotion(name)
    assert emotion.categories.get(name, 0) == (0 if name == "neutral" else 1)


def test_negation_moves_the_other_way():
    plus, minus = parse_emotion("angry"), parse_emotion("-angry")
    assert minus.valence == -plus.valence and minus.arousal == -plus.arousal


@given(st.text(max_size=40))
def test_any_text_is_an_emotion_or_a_usage_error(text):
    try:
        assert isinstance(parse_emotion(text), Emotion)
    except FacegenError as error:
        assert error.exit_code == 2 and "\n" not in str(error)


@pytest.mark.parametrize(
    "text", ["hapy", "happy:2", "happy:nan", "happy:-1", "", "vad:1,2", "vad:2,0,0", "happy+happy"]
)
def test_what_is_no_emotion_is_refused(text):
    with pytest.raises(UsageError):
        parse_emotion(text)


def test_overlapping_emotion_spans_are_refused():
    from facegen.emotion import EmotionSpan

    spans = (EmotionSpan(0, 2, Emotion()), EmotionSpan(1, 3, Emotion()))
    with pytest.raises(ConfigError, match="overlap"):
        EmotionTrack(spans=spans)


@given(animations())
def test_a_map_of_controls_onto_themselves_is_the_identity(animation):
    assert RigMap.identity(animation.controls).apply(animation) == animation


@given(
    hnp.arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)),
    hnp.arrays(np.float32, (4, 2), elements=st.floats(0, 1, width=32)),
)
def test_maps_compose_like_matrices(one, other):
    far = np.full(4, 100.0)
    first = RigMap(("a", "b", "c"), ("p", "q", "r", "s"), one, -far, far)
    second = RigMap(("p", "q", "r", "s"), ("x", "y"), other, -far[:2], far[:2])
    animation = _animation(("a", "b", "c"))
    through = second.apply(first.apply(animation)).values
    assert np.allclose(first.then(second).apply(animation).values, through, atol=1e-4)


def test_a_map_is_inverted_by_non_negative_least_squares():
    rig_map = RigMap(("a", "b"), ("x", "y", "z"), np.array([[1, 0.5, 0], [0, 0.5, 0.8]], np.float32))
    animation = _animation(("a", "b"), high=0.5)
    again = invert(rig_map, rig_map.apply(animation), ridge=1e-8)
    assert np.allclose(again.values, animation.values, atol=1e-3)


def test_a_name_given_twice_in_a_map_is_refused():
    with pytest.raises(RigError, match="twice"):
        RigMap(("a", "a"), ("x",), np.zeros((2, 1)))


def test_the_arkit_rig_has_the_52_controls():
    rig = load_rig("arkit")
    assert rig.control_names == ARKIT and len(ARKIT) == 52
    assert {c.side for c in rig.controls} == {"left", "right", "middle"}


def _animation(names, high=1.0):
    from facegen.core.animation import Animation

    values = np.random.default_rng(0).uniform(0, high, (5, len(names)))
    return Animation(30, names, values)
