"""Hearing emotion: any cutting of the sound gives the same answers, quiet means nothing, and takes keep what was heard."""

from __future__ import annotations

import json

import numpy as np
import pytest

import facegen
from facegen.config import Config
from facegen.core.errors import InputError, ModelError, UsageError
from facegen.core.registry import Registry
from facegen.emotion import CATEGORIES, SOUNDS, EmotionCurve, EmotionSpan, EmotionTrack, parse_emotion
from facegen.emotion.load import load_emotion_encoder
from facegen.emotion.voice_statistics import STATISTICS, VoiceStatistics
from facegen.pipeline.recognize import Encoders, recognize_speech
from facegen.speech.audio import open_audio, read_audio
from facegen.speech.phone_encoder import PhoneEncoder
from tests.helpers.emotion_model import emotion_model

RATE = 16_000


@pytest.fixture(scope="module")
def speech(sample) -> np.ndarray:
    return read_audio(sample).samples


@pytest.fixture(scope="module")
def heard(sample) -> EmotionCurve:
    return facegen.emotion(sample).heard


def listened(samples: np.ndarray, size: int, live: bool) -> EmotionCurve:
    """What is heard where sound comes in blocks of ``size``."""
    phones = PhoneEncoder().stream(4 if live else 1024)
    stream = load_emotion_encoder("voice").stream(live)
    blocks = (samples[i : i + size] for i in range(0, len(samples), size))
    parts = [stream.push(block, phones.push(block)) for block in blocks]
    return EmotionCurve.joined([*parts, stream.close(phones.close())])


def test_blocks_give_the_answers_of_the_whole(speech):
    samples = np.concatenate([speech, np.zeros(RATE, np.float32), speech])
    whole = listened(samples, len(samples), False)
    assert len(whole) == -(-len(samples) // 1600)
    for size, live in ((1600, True), (7777, False)):
        for ours, theirs in zip(listened(samples, size, live).arrays, whole.arrays, strict=True):
            assert np.abs(ours - theirs).max() < 1e-4


def test_answers_come_within_about_a_second(speech):
    phones, stream = PhoneEncoder().stream(4), load_emotion_encoder("voice").stream(live=True)
    given = 0
    for at in range(0, 5 * RATE, 1600):
        block = speech[at : at + 1600]
        given += len(stream.push(block, phones.push(block)))
        assert given / 10 > (at + 1600) / RATE - 1.25  # a second, a block and the phones' steps


def test_the_start_does_not_depend_on_what_comes_later(speech, heard):
    short = facegen.emotion(speech[: 4 * RATE], rate=RATE).heard
    for ours, theirs in zip(short.arrays, heard.arrays, strict=True):
        assert np.abs(ours[:28] - theirs[:28]).max() < 1e-4


def test_summary_is_of_plain_numbers_that_add_up(sample):
    summary = facegen.emotion(str(sample)).summary()
    assert json.loads(json.dumps(summary)) == summary
    assert list(summary) == ["valence", "arousal", "dominance", "confidence", "categories"]
    assert tuple(summary["categories"]) == CATEGORIES
    assert sum(summary["categories"].values()) == pytest.approx(1)
    assert 0.2 < summary["confidence"] <= 1


def test_a_read_sentence_leaves_the_face_near_neutral(heard):
    assert heard.shown[:, 1:].sum(axis=1).max() < 0.45


def test_the_face_never_flickers(data_folder):
    for utt in ("03a01Wa", "16b10Wb", "08a05Lc"):
        shown = facegen.emotion(data_folder / "emodb" / "audio" / f"{utt}.opus").heard.shown
        assert np.abs(np.diff(shown, axis=0)).max() < 0.2
        assert np.abs(np.diff(shown, 2, axis=0)).max() < 0.1


def test_gain_changes_little(speech):
    loud, soft = (facegen.emotion(np.clip(gain * speech, -1, 1), rate=RATE).summary() for gain in (1.0, 0.4))
    for axis in ("valence", "arousal", "dominance"):
        assert soft[axis] == pytest.approx(loud[axis], abs=0.15)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(3 * RATE, np.float32),
        0.1 * np.sin(2 * np.pi * 440 * np.arange(3 * RATE) / RATE).astype(np.float32),
        np.zeros(RATE // 10, np.float32),
        np.zeros(1, np.float32),
    ],
    ids=["silence", "tone", "a tenth of a second", "one sample"],
)
def test_where_nobody_speaks_nothing_is_felt(samples):
    track = facegen.emotion(samples, rate=RATE)
    assert track.summary()["confidence"] < 0.15
    assert track.heard.shown[:, 0].min() > 0.9


def test_a_tenth_of_a_second_of_speech_is_answered(speech):
    assert len(facegen.emotion(speech[2 * RATE : 2 * RATE + 1600], rate=RATE).heard) == 1


def test_silence_after_speech_decays_to_neutral(speech):
    samples = np.concatenate([speech[: 5 * RATE], np.zeros(8 * RATE, np.float32)])
    heard = facegen.emotion(samples, rate=RATE).heard
    assert heard.confidence[-20:].max() < 0.05
    assert heard.shown[-1, 0] > 0.97


def test_acted_voices_differ_in_arousal(data_folder):
    """Voices that the model heard in training: only that it is wired right."""
    folder = data_folder / "emodb" / "audio"

    def arousal(letter: str) -> float:
        files = sorted(folder.glob(f"*{letter}?.opus"))[::9]
        return float(np.mean([facegen.emotion(file).summary()["arousal"] for file in files]))

    assert arousal("W") > arousal("N") + 0.3 > arousal("T") + 0.4  # Wut, neutral, Trauer


def test_a_take_keeps_what_was_heard(sample, tmp_path):
    take = facegen.solve(sample, duration=3)
    assert take.emotion.follows and len(take.emotion.heard) == 30
    animation = facegen.compose(take)
    from facegen.formats import load_take, save

    save(take, tmp_path / "a.take")
    again = load_take(tmp_path / "a.take")
    assert again.emotion == take.emotion
    assert np.array_equal(facegen.compose(again).values, animation.values)


def test_a_named_emotion_is_shown_instead_and_spans_lie_above(heard):
    times = np.arange(80) / 10
    named = EmotionTrack(parse_emotion("happy"), heard=heard, follows=False)
    assert named.weights(times)[:, 1].min() == 1
    span = EmotionTrack(spans=(EmotionSpan(2, 6, parse_emotion("angry")),), heard=heard)
    assert span.weights(np.array([4.0]))[0, 3] == pytest.approx(1)
    assert np.allclose(span.weights(np.array([0.5])), EmotionTrack(heard=heard).weights(np.array([0.5])))


@pytest.mark.parametrize("wrong", [np.nan, 1.5, -0.5])
def test_answers_that_are_no_probabilities_are_refused(wrong):
    good = EmotionCurve.nothing(4)
    categories = good.categories.copy()
    categories[2, 1] = wrong
    with pytest.raises(ModelError):
        EmotionCurve(good.vad, categories, good.confidence, good.sounds)


def test_a_model_that_gives_nan_is_refused(speech, tmp_path):
    (tmp_path / "bad.onnx").write_bytes(emotion_model(np.nan))
    with pytest.raises(ModelError, match="not finite"):
        facegen.emotion(speech[:RATE], rate=RATE, emotion_encoder=str(tmp_path / "bad.onnx"))


def test_files_that_hold_no_emotion_model_are_refused(tmp_path):
    (tmp_path / "junk.onnx").write_bytes(b"junk")
    (tmp_path / "old.onnx").write_bytes(emotion_model(0.1, statistics=["pitch"]))
    (tmp_path / "folder").mkdir()
    for name in ("junk.onnx", "old.onnx", "folder", "none.onnx"):
        with pytest.raises((ModelError, InputError)):
            load_emotion_encoder(tmp_path / name)
    with pytest.raises(UsageError):
        load_emotion_encoder("voise")


def test_another_model_takes_the_place(speech, tmp_path):
    (tmp_path / "mine.onnx").write_bytes(emotion_model(0.25))
    heard = facegen.emotion(speech[:RATE], rate=RATE, emotion_encoder=str(tmp_path / "mine.onnx")).heard
    assert heard.vad.max() <= 0.25 and heard.vad.max() > 0.1
    assert Registry("emotion_encoders").names() == ["voice"]


def test_statistics_of_a_part_are_those_of_the_part_alone():
    rng = np.random.default_rng(3)
    rows = rng.normal(0, 5, (300, 25))
    rows[:, 0] = rng.uniform(-60, -10, 300)
    rows[:, 1] = np.where(rng.random(300) < 0.7, rng.uniform(80, 300, 300), 0)
    rows[:, 2] = rows[:, 22] = rng.uniform(0.3, 1, 300)
    some = VoiceStatistics(rows).statistics(np.array([51, 0]), np.array([200, 300]))
    alone = VoiceStatistics(rows[50:]).statistics(np.array([1]), np.array([150]))
    assert some.shape == (2, len(STATISTICS))
    assert np.allclose(some[0], alone[0], atol=1e-4)


def test_hearing_reads_the_sound_once(sample):
    sound = open_audio(sample, duration=2)
    features, heard = recognize_speech(sound, Encoders(Config()))
    assert len(features) == 200 and len(heard) == 20 and len(SOUNDS) == heard.sounds.shape[1]
