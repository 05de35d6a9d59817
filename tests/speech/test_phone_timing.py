"""Phones from posteriors, and transcripts laid over them."""

import logging
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.core.errors import InputError, UsageError
from facegen.emotion.transcript import Transcript
from facegen.speech.forced_alignment import align_phones
from facegen.speech.lexicon import pronounce, spoken_words
from facegen.speech.phone_timing import decode_phones, refine_alignment
from facegen.speech.phones import LABELS, Features

SENTENCE = "bin blue at F two now"


def said(phones: list[tuple[str, int]], surety: float = 0.8, seed: int = 0) -> np.ndarray:
    """Posteriors of phones that last so many frames, with noise in them."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([LABELS.index(p) for p, _ in phones], [n for _, n in phones])
    rows = rng.dirichlet(np.full(len(LABELS), 0.3), len(labels)) * (1 - surety)
    rows[np.arange(len(labels)), labels] += surety
    return rows.astype(np.float32)


def as_features(posteriors: np.ndarray) -> Features:
    count = len(posteriors)
    return Features(posteriors, np.full(count, -30, np.float32), np.zeros(count, np.float32))


def sentence(frames: int = 8, pause: int = 30) -> list[tuple[str, int]]:
    phones = [(p, frames) for word in pronounce(SENTENCE) for p in word]
    return [("SIL", pause), *phones, ("SIL", pause)]


def test_heard_phones_stay_and_flickers_go():
    phones = [("SIL", 40), ("B", 6), ("AA", 20), ("M", 5), ("SIL", 30)]
    rows = said(phones)
    rows[50] = np.eye(1, len(LABELS), LABELS.index("S"))  # one frame of something else
    track = decode_phones(rows)
    assert [(p.label, round(p.start * 100), round(p.end * 100)) for p in track] == [
        ("B", 40, 46),
        ("AA", 46, 66),
        ("M", 66, 71),
    ]
    features = as_features(rows)
    same, again, _ = refine_alignment(features)
    assert same is features and again == track


@settings(max_examples=10, deadline=None)
@given(count=st.sampled_from([0, 1, 2, 2999, 3000, 3001, 6500]), seed=st.integers(0, 99))
def test_chunks_leave_no_seam(count, seed):
    rng = np.random.default_rng(seed)
    phones = [(LABELS[rng.integers(40)], int(rng.integers(6, 25))) for _ in range(count // 6)]
    rows = said(phones, seed=seed)[:count] if phones else said([("SIL", count)])
    expected = np.concatenate([np.full(n, LABELS.index(p)) for p, n in phones])[:count] if phones else []
    assert np.mean(decode_phones(rows).frames(len(rows)) == expected) > 0.99 if len(expected) else True


def test_a_transcript_puts_each_word_where_it_was_said():
    phones = sentence()
    heard = said(phones, surety=0.35, seed=2)
    sharp, track, _ = refine_alignment(as_features(heard), pronounce(SENTENCE))
    names = [p for p, _ in phones if p != "SIL"]
    assert [p.label for p in track] == names
    starts = np.array([p.start for p in track])
    np.testing.assert_allclose(starts, 0.3 + 0.08 * np.arange(len(names)), atol=0.03)
    true = np.repeat([LABELS.index(p) for p, _ in phones], [n for _, n in phones])
    at = np.arange(len(true))
    assert sharp.posteriors[at, true].mean() > heard[at, true].mean() + 0.2
    np.testing.assert_allclose(sharp.posteriors.sum(axis=1), 1, atol=1e-5)


def test_a_transcript_file_is_read(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text(SENTENCE, encoding="utf-8")
    assert Transcript.load(str(path)) == Transcript.load(SENTENCE)


def test_where_the_transcript_does_not_fit_the_heard_phones_stay(caplog):
    phones = sentence(frames=12)
    heard = said(phones, surety=0.95)
    with caplog.at_level(logging.WARNING, "facegen"):
        sharp, track, _ = refine_alignment(
            as_features(heard), pronounce("she chose fuzzy sheep over each measure")
        )
    assert "does not fit" in caplog.text
    assert [p.label for p in track] == [p.label for p in decode_phones(heard)]
    np.testing.assert_array_equal(sharp.posteriors[60:100], heard[60:100])


def test_far_too_many_words_are_left_aside(caplog):
    features = as_features(said([("AA", 20)]))
    with caplog.at_level(logging.WARNING, "facegen"):
        same, *_ = refine_alignment(features, pronounce("hello world " * 50))
    assert same is features and "too long" in caplog.text


def test_sounds_before_the_transcript_are_left_alone():
    intro = [("M", 30), ("UW", 40), ("Z", 40), ("OY", 60), ("SIL", 30)]
    heard = said([*intro, *sentence()], surety=0.9)
    _, track, _ = refine_alignment(as_features(heard), pronounce(SENTENCE))
    first = next(p for p in track if p.label == "B")
    assert first.start == pytest.approx(2.3, abs=0.05)


def test_ten_minutes_are_aligned_in_bounded_time():
    phones = sentence() * 400
    heard = said(phones, surety=0.5)
    assert len(heard) >= 60_000
    began = time.process_time()
    path = align_phones(heard, pronounce(SENTENCE) * 400)
    assert time.process_time() - began < 10
    true = np.repeat([LABELS.index(p) for p, _ in phones], [n for _, n in phones])
    assert np.mean(path.labels == true) > 0.97 and path.fits.mean() > 0.99


@pytest.mark.parametrize("text", ["", "  ", "...!", "你好"])
def test_a_transcript_without_words_is_refused(text):
    with pytest.raises(UsageError, match="no words"):
        Transcript.load(text)


def test_a_transcript_too_long_or_missing_is_refused(tmp_path):
    with pytest.raises(UsageError, match="letters"):
        Transcript.load("word " * 300_000)
    with pytest.raises(InputError, match="no such file"):
        Transcript.load(str(tmp_path / "none.txt"))


def test_numbers_and_signs_are_said():
    assert " ".join(spoken_words("1984, 2024, 9999 & 22nd")) == (
        "nineteen eighty four two thousand twenty four nine thousand nine hundred ninety nine and twenty second"
    )
    assert " ".join(spoken_words("3.5% of 20th")) == "three point five percent of twentieth"


def test_words_are_pronounced():
    assert pronounce("Café don't") == [("K", "AH", "F", "EY"), ("D", "OW", "N", "T")]
    assert pronounce("snarps's") == [("S", "N", "AA", "R", "P", "S", "AH", "Z")]  # in no dictionary
    assert pronounce("x") == [("EH", "K", "S")]


@given(st.text(max_size=60))
def test_any_text_is_pronounced_in_known_phones(text):
    assert all(phone in LABELS for word in pronounce(text) for phone in word)
