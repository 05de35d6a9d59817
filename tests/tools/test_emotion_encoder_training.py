"""What trains the emotion encoder: models that ignore what means nothing, and their export."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

pytest.importorskip("onnx", reason="models are exported with onnx (extra: train)")

from facegen.emotion import CATEGORIES, SOUNDS
from facegen.emotion.voice_network import VoiceNetwork
from facegen.emotion.voice_statistics import MEANS, STATISTICS
from tools.training.emotion_encoder import (
    held_out_scores,
    linear_models,
    window_statistics,
)
from tools.training.emotion_encoder.augmentation import disturbed
from tools.training.emotion_encoder.export import Fitted, onnx_model

WIDTH = len(STATISTICS)


@pytest.fixture(scope="module")
def examples():
    """Two classes that differ along the first statistic, and talkers that differ along the second, much more."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 400)
    x = rng.normal(0, 1, (400, WIDTH))
    x[:, 0] += 2 * kind
    x[:, 1] += 2 * kind + 5 * rng.normal(0, 1, 400)
    return x, kind


def test_directions_without_meaning_count_little(examples):
    x, kind = examples
    idle = np.zeros((WIDTH, WIDTH))
    idle[1, 1] = 1.0
    weight = linear_models.balanced(kind)
    plain, blind = (linear_models.space(x, idle, amount) for amount in (0.0, 100.0))
    for space, bound in ((plain, 2.0), (blind, 0.2)):
        model = linear_models.classifier(space(x), np.eye(2)[kind], weight, 1e-3)
        whole = space.turn @ model.weight
        assert abs(whole[1, 1]) < bound * abs(whole[0, 1])
        assert held_out_scores.recall(kind, model(space(x)).argmax(axis=1)) > 0.8


def test_ridge_regression_finds_a_line():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (300, 4))
    goal = x @ [[1.0], [0.0], [-2.0], [0.5]] + 0.3
    model = linear_models.regression(x, goal, np.ones(300), 1e-6)
    assert np.allclose(model(x), goal, atol=1e-3)


def test_the_exported_graph_answers_as_the_models_do(examples, tmp_path):
    x, kind = examples
    rng = np.random.default_rng(2)
    space = linear_models.space(x, np.zeros((WIDTH, WIDTH)), 0.0)

    def linear(width: int) -> linear_models.Linear:
        return linear_models.Linear(rng.normal(0, 0.2, (WIDTH, width)), rng.normal(0, 0.2, width))

    fitted = Fitted(
        [(space, linear(8)), (space, linear(8))], linear(3), (space, linear(7)), 0.8, np.zeros(len(MEANS))
    )
    path = tmp_path / "a.onnx"
    path.write_bytes(onnx_model(fitted, 1, "0").SerializeToString())
    rows = x[:5].astype(np.float32)
    categories, vad, sounds = VoiceNetwork(path)._run(rows, rows)
    wanted = held_out_scores.chances([model(space(rows)) for space, model in fitted.members], 0.8)
    assert categories.shape == (5, len(CATEGORIES)) and sounds.shape == (5, 1 + len(SOUNDS))
    assert np.allclose(categories, wanted, atol=1e-4)
    assert np.allclose(vad, fitted.place(space(rows)), atol=1e-4)


def test_measures():
    truth = np.array([0, 0, 0, 1])
    assert held_out_scores.recall(truth, np.zeros(4, int)) == 0.5
    sure = np.eye(2)[truth]
    assert held_out_scores.calibration_error(sure, truth) == 0
    assert held_out_scores.calibration_error(np.full((4, 2), 0.5) + [0.2, -0.2], truth) == pytest.approx(0.05)
    assert held_out_scores.concordance(truth * 1.0, truth * 1.0) == pytest.approx(1)
    assert held_out_scores.concordance(truth * 1.0, truth + 1.0) < 0.5


def test_disturbed_sound_keeps_its_words_and_follows_its_seed():
    sound = np.sin(np.arange(16_000) * 0.1).astype(np.float32)
    one, again, other = (disturbed(sound, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again) and (len(one) != len(other) or not np.array_equal(one, other))
    assert 0.7 < len(one) / len(sound) < 1.4 and np.isfinite(one).all() and np.abs(one).max() <= 1


@pytest.fixture(scope="module")
def voice():
    """A vowel of 120 Hz that wavers by a semitone, 1.5 s."""
    pytest.importorskip("pyworld", reason="voices are said again with pyworld (extra: train)")
    from tools.training.emotion_encoder import emotional_prosody

    time = np.arange(24_000) / 16_000
    phase = np.cumsum(120 * 2 ** (np.sin(2 * np.pi * 3 * time) / 12)) / 16_000
    pulses = (np.diff(np.floor(phase), prepend=0) > 0).astype(float)
    return emotional_prosody, emotional_prosody.parted(scipy.signal.lfilter([1], [1, -1.6, 0.81], pulses))


def heard_again(prosody, voice, seed: int = 1, **change: float):
    """Pitch in Hz, its spread in semitones, seconds, level in dB and balance of the highs in dB."""
    sound = prosody.resynthesized(voice, prosody.Change(**change), np.random.default_rng(seed)).astype(float)
    pitch = prosody.parted(sound).pitch[20:-20]
    steps = 12 * np.log2(pitch[pitch > 0])
    power = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / 16_000)
    high = 10 * np.log10(power[(hz > 2000) & (hz < 6000)].sum() / power[(hz > 60) & (hz < 500)].sum())
    level = 20 * np.log10(np.sqrt(np.mean(sound**2)))
    return 2 ** (np.median(steps) / 12), steps.std(), len(sound) / 16_000, level, high


def test_a_voice_said_again_changes_as_asked(voice):
    plain = heard_again(*voice)
    assert plain[0] == pytest.approx(120, rel=0.02) and plain[2] == pytest.approx(1.5, abs=0.02)
    assert plain[3] == pytest.approx(voice[0].LEVEL_DB, abs=0.01)
    assert heard_again(*voice, pitch=7.0)[0] == pytest.approx(plain[0] * 2 ** (7 / 12), rel=0.02)
    assert heard_again(*voice, range=np.log(2))[1] == pytest.approx(2 * plain[1], rel=0.15)
    assert heard_again(*voice, tempo=np.log(1.25))[2] == pytest.approx(plain[2] / 1.25, abs=0.02)
    assert heard_again(*voice, level=6.0)[3] == pytest.approx(plain[3] + 6, abs=0.01)
    assert heard_again(*voice, effort=9.0)[4] > plain[4] + 5


def test_sayings_of_an_emotion_differ_and_follow_their_seed(voice):
    prosody, own = voice

    def saying(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return prosody.resynthesized(own, prosody.drawn("angry", rng), rng)

    assert np.array_equal(saying(1), saying(1))
    assert len(saying(1)) != len(saying(2)) or not np.array_equal(saying(1), saying(2))
    assert set(prosody.CHANGES) == set(window_statistics.CLASSES)


def test_boredom_is_partly_neutral_and_partly_sad():
    goals = window_statistics.goals(np.array(["bored", "happy"]), (0.6, 0.4))
    assert goals[0, 0] == 0.6 and goals[0, 2] == 0.4 and goals[1, 1] == 1
    assert goals.sum() == 2
