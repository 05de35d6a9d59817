"""Laws of emotion space: the algebra, and names and points that follow from each other."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facegen.emotion import CATEGORIES, Emotion, EmotionCurve, named_emotions, nearest_emotions, parse_emotion
from facegen.emotion.lexicon import emotion_name_words
from tests.laws.strategies import emotion_tracks

NAMES = tuple(named_emotions())
amounts = st.floats(0, 1)
points = st.tuples(*[st.floats(-1, 1)] * 3)
mixtures = st.dictionaries(st.sampled_from(NAMES), st.floats(-1, 1), max_size=4).map(Emotion.from_weights)
emotions = mixtures | points.map(lambda p: Emotion.from_vad(*p))


def close(one: Emotion, two: Emotion) -> bool:
    return (
        np.allclose(one.vad, two.vad, atol=1e-6)
        and np.allclose(one.distribution(), two.distribution(), atol=1e-6)
        and np.allclose(one.named_distribution(), two.named_distribution(), atol=1e-6)
    )


@given(emotions)
def test_both_distributions_sum_to_one(emotion):
    for row in (emotion.distribution(), emotion.named_distribution()):
        assert row.sum() == pytest.approx(1, abs=1e-5) and row.min() >= 0


@given(emotions, amounts)
def test_mixed_or_interpolated_with_itself_nothing_changes(emotion, amount):
    assert close(emotion.mix(emotion, amount), emotion)
    assert close(emotion.interpolate(emotion, amount), emotion)


@given(emotions, emotions)
def test_interpolation_meets_its_ends(one, other):
    assert close(one.interpolate(other, 0.0), one) and close(one.interpolate(other, 1.0), other)


@given(emotions, emotions, amounts)
def test_interpolation_goes_about_neutral(one, other, amount):
    """The radius is linear, and the direction stays in the plane of both, between them."""
    start, end, middle = (np.array(e.vad) for e in (one, other, one.interpolate(other, amount)))
    radii = np.linalg.norm(start), np.linalg.norm(end)
    assume(min(radii) > 0.05 and start @ end > -0.9 * radii[0] * radii[1])
    wanted = (1 - amount) * radii[0] + amount * radii[1]
    if wanted * 1.001 < 1:  # within the ball no axis is held back
        assert np.linalg.norm(middle) == pytest.approx(wanted, abs=1e-6)
        assert abs(middle @ np.cross(start, end)) < 1e-6


@given(emotions)
def test_the_opposite_of_the_opposite_is_at_the_same_point(emotion):
    # Less than that is no emotion.
    assert np.allclose(emotion.negate().negate().vad, emotion.vad, atol=1e-6)
    assert np.allclose(emotion.negate().vad, -np.array(emotion.vad), atol=1e-6)


@given(emotions)
def test_an_emotion_without_itself_is_neutral(emotion):
    nothing = emotion.subtract(emotion)
    assert nothing.intensity == 0 and not nothing.parts


@given(emotions, st.floats(0.01, 1))
def test_clamping_holds_the_intensity_and_the_direction(emotion, limit):
    held = emotion.clamp(limit)
    assert held.intensity <= limit + 1e-9
    assert np.allclose(np.cross(held.vad, emotion.vad), 0, atol=1e-6)


@given(points)
def test_the_sphere_and_back(point):
    assume(np.linalg.norm(point) <= 1)
    emotion = Emotion.from_vad(*point)
    radius, azimuth, elevation = emotion.sphere
    assert np.allclose(Emotion.from_sphere(min(radius, 1.0), azimuth, elevation).vad, point, atol=1e-6)


@given(points, amounts, amounts)
def test_nearer_neutral_a_point_shows_no_more(point, one, other):
    assume(np.linalg.norm(point) > 0.05)
    weak, strong = (
        Emotion.from_vad(*(factor * np.array(point))) for factor in sorted((max(0.05, one), max(0.05, other)))
    )
    assert weak.intensity <= strong.intensity + 1e-9


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_to_its_point_and_the_point_to_its_name(name):
    emotion = parse_emotion(name)
    assert emotion.vad == pytest.approx(named_emotions()[name].vad)
    assert nearest_emotions(*emotion.vad)[0] == name
    felt = Emotion.from_vad(*emotion.vad)
    if named_emotions()[name].kind != "state" and name != "neutral":
        assert max(felt.parts, key=felt.parts.get) == name


@given(st.sampled_from(tuple(emotion_name_words())), st.sampled_from((str.lower, str.upper, str.title)))
def test_synonyms_name_their_emotion_in_any_letters(word, letters):
    name = emotion_name_words()[word][0]
    assert parse_emotion(letters(word) + ":0.5") == parse_emotion(f"{name}:0.5")


def test_categories_come_first_in_the_table():
    assert NAMES[: len(CATEGORIES)] == CATEGORIES


@given(emotion_tracks(), st.booleans())
def test_a_tracks_own_columns_hold_all_its_weights(track, heard):
    track = replace(track, heard=EmotionCurve.nothing(50)) if heard else track
    times = np.arange(0, 11, 0.25)
    whole, columns = track.named_weights(times), track.named_columns
    assert np.array_equal(track.named_weights(times, columns), whole[:, columns])
    assert columns[0] == 0 and not np.delete(whole, columns, axis=1).any()
