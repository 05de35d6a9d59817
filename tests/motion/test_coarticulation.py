"""The rule decoder: what each kind of phone does to the mouth, rest in silence, cost and locality."""

from __future__ import annotations

import csv
import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.config import Config
from facegen.emotion import EmotionTrack
from facegen.motion.context import Context
from facegen.motion.lipsync import coarticulation as rules
from facegen.motion.lipsync.visemes import DATA, TARGETS, viseme_table
from facegen.rig import ARKIT
from facegen.speech.phones import BILABIALS, LABELS, LABIODENTALS, OPEN_VOWELS, Features, PhoneTrack
from tests.helpers.lip_gap import gap, posteriors


def spoken(words: str, frames: int = 10, level: float = -25.0, **settings) -> tuple[np.ndarray, np.ndarray]:
    """Controls [F, 17] of a phone string, and the first frame of each phone's run."""
    rows = posteriors(words, frames)
    energy = np.where(rows[:, 0] > 0.5, -90.0, level).astype(np.float32)
    return rules.mouth(rows, energy, **settings), np.arange(len(words.split())) * frames


def curve(rows: np.ndarray, name: str) -> np.ndarray:
    return rows[:, rules.CONTROLS.index(name)]


def test_table_has_a_sane_row_and_a_note_for_each_phone():
    table = list(csv.DictReader((DATA / "visemes.csv").open(encoding="utf-8")))
    assert sorted(row["phone"] for row in table) == sorted(LABELS)
    assert all(row["note"] for row in table)
    values = viseme_table()
    assert (values.targets >= 0).all() and (values.targets <= 1).all()
    assert (values.hold > 0).all()
    assert (values.ahead > 0.005).all() and (values.behind < 0.3).all()
    silence = dict(zip(TARGETS, values.targets[0], strict=True))
    assert not any(value for name, value in silence.items() if name != "seal")


def test_controls_are_mouth_controls_of_arkit():
    assert set(rules.CONTROLS) <= set(ARKIT)
    assert all(name.startswith(("mouth", "jaw", "tongue")) for name in rules.CONTROLS)


@pytest.mark.parametrize("label", BILABIALS)
@pytest.mark.parametrize("vowel", OPEN_VOWELS)
def test_bilabials_close_between_open_vowels(label, vowel):
    rows, at = spoken(f"SIL {vowel} {label} {vowel} SIL", 8)
    during = slice(at[2], at[3])
    assert gap(rows)[during].min() < 0.012
    assert gap(rows)[at[1] : at[2]].max() > 0.025
    assert gap(rows)[at[3] : at[4]].max() > 0.025


@pytest.mark.parametrize("label", LABIODENTALS)
def test_labiodentals_roll_the_lower_lip_in(label):
    rows, at = spoken(f"SIL AA {label} AA SIL", 8)
    middle = (at[2] + at[3]) // 2
    assert curve(rows, "mouthRollLower")[middle] > 0.2
    assert gap(rows)[middle] < 0.05
    assert curve(rows, "mouthRollLower")[at[1]] < 0.1


@pytest.mark.parametrize("label", ["S", "Z", "SH", "CH", "JH"])
def test_sibilants_narrow_the_jaw(label):
    rows, at = spoken(f"SIL AA {label} AA SIL")
    jaw = curve(rows, "jawOpen")
    assert jaw[at[2] + 5] < 0.6 * jaw[at[1] + 4]


@pytest.mark.parametrize("label", ["UW", "OW", "W", "SH", "OY"])
def test_rounded_phones_bring_the_lips_forward(label):
    rows, at = spoken(f"SIL EH {label} EH SIL")
    round_ = curve(rows, "mouthPucker") + curve(rows, "mouthFunnel")
    assert round_[at[2] + 5] > 0.15
    assert round_[at[2] + 5] > 3 * round_[at[1] + 1]


def test_rounding_starts_before_its_phone():
    rows, at = spoken("SIL S UW S SIL")
    pucker = curve(rows, "mouthPucker")
    assert pucker[at[2] - 5] > 0.1 * pucker.max()


def test_silence_is_exactly_still():
    rows, at = spoken("AA B IY SIL SIL SIL SIL SIL SIL SIL")
    assert not rows[at[3] + 30 :].any()
    assert rows[: at[3]].any()


@pytest.mark.parametrize("level", [-95.0, -72.0])
def test_sound_too_quiet_to_be_speech_leaves_the_mouth_at_rest(level):
    rows, _ = spoken("AA IY AA UW AA", level=level)
    assert not rows.any()


def test_breath_far_under_the_talkers_level_is_not_mouthed():
    rows = posteriors("AA AA AA AA HH HH HH HH HH HH HH HH")
    energy = np.repeat([-15.0, -60.0], [40, 80]).astype(np.float32)
    assert not rules.mouth(rows, energy)[80:].any()


def test_louder_speech_opens_wider():
    rows = posteriors("AA " * 40)
    energy = np.full(len(rows), -35.0, np.float32)
    energy[200:] = -22.0
    jaw = curve(rules.mouth(rows, energy), "jawOpen")
    assert jaw[205:230].mean() > 1.05 * jaw[100:190].mean()


def test_gain_of_the_recording_changes_nothing():
    loud, _ = spoken("SIL AA B IY S UW SIL", level=-12.0)
    soft, _ = spoken("SIL AA B IY S UW SIL", level=-48.0)
    assert np.allclose(loud, soft, atol=1e-5)


def test_strength_scales_and_zero_is_still():
    whole, at = spoken("SIL AA IY UW SIL", strength=1.0)
    half, _ = spoken("SIL AA IY UW SIL", strength=0.5)
    none, _ = spoken("SIL AA IY UW SIL", strength=0.0)
    assert np.allclose(curve(half, "jawOpen"), 0.5 * curve(whole, "jawOpen"), atol=1e-6)
    assert not none.any()


def test_conversation_does_not_gape():
    rows, _ = spoken("SIL HH AH L OW DH IH S IH Z AH T EH S T AA N D AE T SIL", 8)
    assert 0.2 < curve(rows, "jawOpen").max() < 0.6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 900), st.integers(1, 700), st.integers(0, 400))
def test_decoding_a_piece_with_its_context_gives_the_whole(seed, count, length, start):
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(len(LABELS), 0.05), count).astype(np.float32)
    energy = rng.uniform(-80, -10, count).astype(np.float32)
    whole = rules.mouth(rows, energy)
    start = min(start, count - 1)
    stop = min(count, start + length)
    low, high = max(0, start - rules.BEFORE), min(count, stop + rules.AHEAD)
    piece = rules.mouth(rows[low:high], energy[low:high])[start - low : stop - low]
    assert np.abs(piece - whole[start:stop]).max() < 1e-4
    assert (whole >= 0).all() and (whole <= 1).all()
    assert rules.AHEAD <= 20


def test_blocks_join_without_a_seam(monkeypatch):
    rng = np.random.default_rng(3)
    rows = rng.dirichlet(np.full(len(LABELS), 0.05), 2000).astype(np.float32)
    energy = rng.uniform(-60, -10, 2000).astype(np.float32)
    whole = rules.mouth(rows, energy)
    monkeypatch.setattr(rules, "BLOCK", 97)
    assert np.abs(rules.mouth(rows, energy) - whole).max() < 1e-4


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(60), Fraction(120)])
@pytest.mark.parametrize("count", [0, 1, 7, 250])
def test_length_follows_the_frame_rate(fps, count):
    rows = np.resize(posteriors("SIL AA B SIL"), (count, len(LABELS)))
    energy = np.full(count, -20, np.float32)
    features = Features(rows, energy, np.zeros(count, np.float32))
    frames = int(np.ceil(count / 100 * fps))
    context = Context(Config(fps=str(fps)), fps, frames, features, PhoneTrack(), EmotionTrack())
    animation = rules.CoarticulationDecoder().decode(context)
    assert animation.values.shape == (frames, len(rules.CONTROLS))
    assert animation.fps == fps


@pytest.mark.slow
def test_an_hour_takes_seconds():
    rows = np.tile(posteriors("SIL AA B IY S UW L EH T"), (4000, 1))
    energy = np.full(len(rows), -20, np.float32)
    start = time.perf_counter()
    rules.mouth(rows, energy)
    assert time.perf_counter() - start < 8 * len(rows) / 360_000


def test_sound_that_is_never_surely_speech_leaves_the_mouth_at_rest():
    rows = 0.3 * posteriors("AA UW W Z " * 20)
    rows[:, 0] += 0.7
    assert not rules.mouth(rows, np.full(len(rows), -20, np.float32)).any()


def test_an_unsure_word_is_spoken_by_a_talker_who_was_surely_heard():
    word = posteriors("AA L AA", sure=0.75)  # the encoder gives a quarter of it to silence
    word[:, 0] += 0.2
    pause = posteriors("SIL", 100)
    sure, unsure = (
        np.concatenate([posteriors(w, 15, s), pause, word]) for w, s in (("AA M AA", 1.0), ("AA M AA", 0.3))
    )
    energy = np.full(len(sure), -25.0, np.float32)
    energy[sure[:, 0] > 0.9] = -90.0
    jaws = [curve(rules.mouth(rows, energy), "jawOpen")[-30:].max() for rows in (sure, unsure)]
    assert jaws[0] > 0.05 and jaws[1] < 0.01
