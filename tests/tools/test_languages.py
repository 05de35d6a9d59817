"""Lips in many languages: what the table is made of, and the goal held on synthetic speech."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.units import as_fps
from facegen.speech.phone_symbols import nearest_arpabet
from tools.evaluation import evaluate_languages

SENTENCES = json.loads(evaluate_languages.SENTENCES.read_text(encoding="utf-8"))
SHORT = {"fr", "hi", "ko", "ar"}
"""Languages whose viseme classes the shipped encoder hears less well than nine tenths of English."""


def test_there_are_languages_that_the_encoder_heard_and_others():
    heard = {name for name in SENTENCES if evaluate_languages.heard_in_training(name)}
    assert {"en-us", "de", "tr", "ja", "hi", "ko", "ar", "ru", "cmn-latn-pinyin"} <= heard
    assert {"pl", "hu", "fi", "el", "sw", "cy"} <= set(SENTENCES) - heard
    assert all(len(set(texts)) >= 10 for texts in SENTENCES.values())


def test_the_area_is_the_chance_to_be_higher():
    assert evaluate_languages.area(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1
    assert evaluate_languages.area(np.array([1.0]), np.array([1.0, 1.0])) == 0.5
    assert evaluate_languages.area(np.array([0.0, 2.0]), np.array([1.0])) == 0.5
    assert np.isnan(evaluate_languages.area(np.array([]), np.array([1.0])))


@given(
    high=st.lists(st.integers(0, 5), min_size=1, max_size=20),
    low=st.lists(st.integers(0, 5), min_size=1, max_size=20),
)
def test_the_area_counts_pairs(high, low):
    pairs = [(a > b) + 0.5 * (a == b) for a in high for b in low]
    assert evaluate_languages.area(np.array(high, float), np.array(low, float)) == pytest.approx(
        np.mean(pairs)
    )


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("uː", True), ("y", True), ("w", True), ("ɔ̃", True), ("ɯ", False), ("ɪ", False), ("j", False)]
    + [("p", None), ("oʊ", True), ("aʊ", None), ("ɔɪ", None), ("s", None)],
)
def test_rounding_is_read_from_the_symbol(symbol, expected):
    assert evaluate_languages.is_rounded(symbol) is expected


def test_rounding_frames_are_taken_by_their_middles():
    pout = np.array([0, 0, 0.8, 0.8, 0, 0.1], np.float32)[:, None]
    curve = Animation(as_fps("10"), ("mouthPucker", "mouthFunnel"), np.concatenate([pout, pout], axis=1))
    high, low = evaluate_languages.rounding(
        curve, [(0.0, 0.2, "i"), (0.2, 0.4, "u"), (0.4, 0.5, "p"), (0.5, 0.6, "a")]
    )
    np.testing.assert_allclose(high, [1.6, 1.6], rtol=1e-6)
    np.testing.assert_allclose(low, [0, 0, 0.2], rtol=1e-6)


def test_a_language_is_short_where_it_is_under_nine_tenths_of_english():
    rows = {"en-us": {"a": 100.0, "b": 50.0}, "xx": {"a": 89.0, "b": 45.0}, "yy": {"a": 90.0}}
    assert evaluate_languages.short_of(rows, ("a", "b")) == {"en-us": [], "xx": ["a"], "yy": []}


def test_a_language_without_f_and_v_leaves_its_cell_empty():
    rows = {"en-us": {"f v at the teeth %": 90.0, **dict.fromkeys(evaluate_languages.GOALS, 90.0)}}
    rows["ko"] = dict.fromkeys(evaluate_languages.GOALS, 90.0)
    lines = evaluate_languages.markdown(rows).splitlines()
    assert len({line.count("|") for line in lines}) == 1 and "| ko | yes |  |" in lines[-1]


@pytest.fixture(scope="module")
def tallies():
    try:
        evaluate_languages.Espeak()
    except (OSError, RuntimeError) as error:
        pytest.skip(f"needs espeak-ng (Debian: libespeak-ng1): {error}")
    return evaluate_languages.evaluate(
        [name for name in SENTENCES if name not in SHORT], Config().decoder, None
    )


@pytest.mark.slow
def test_lips_follow_other_languages_as_they_follow_english(tallies):
    rows = {name: tally.row() for name, tally in tallies.items()}
    assert rows[evaluate_languages.REFERENCE]["viseme class %"] > 55
    assert not {
        name: short
        for name, short in evaluate_languages.short_of(rows, evaluate_languages.GOALS).items()
        if short
    }, rows


@pytest.mark.slow
def test_every_symbol_of_the_languages_is_in_the_table(tallies):
    assert not {name: dict(t.unknown) for name, t in tallies.items() if t.unknown}


@pytest.mark.parametrize("symbol", ["ɯ", "ɯː", "ɰ", "o-", "ɤ"])
def test_unrounded_sounds_are_no_rounded_phones(symbol):
    assert not set(nearest_arpabet(symbol)) & {"UW", "UH", "W", "OW", "AO"}
