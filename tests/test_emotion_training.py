"""What trains the emotion encoder: models that ignore what means nothing, and their export."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx", reason="models are exported with onnx (extra: train)")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from facegen.emotion import CATEGORIES, SOUNDS  # noqa: E402
from facegen.encoders.emotion_network import EmotionNetwork  # noqa: E402
from facegen.encoders.manner import MEANS, STATISTICS  # noqa: E402
from tools.emotion import data, fit, judge  # noqa: E402
from tools.emotion.disturb import disturbed  # noqa: E402
from tools.emotion.export import Fitted, onnx_model, spread_table  # noqa: E402

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
    weight = fit.balanced(kind)
    plain, blind = (fit.space(x, idle, amount) for amount in (0.0, 100.0))
    for space, bound in ((plain, 2.0), (blind, 0.2)):
        model = fit.classifier(space(x), np.eye(2)[kind], weight, 1e-3)
        whole = space.turn @ model.weight
        assert abs(whole[1, 1]) < bound * abs(whole[0, 1])
        assert judge.recall(kind, model(space(x)).argmax(axis=1)) > 0.8


def test_ridge_regression_finds_a_line():
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, (300, 4))
    goal = x @ [[1.0], [0.0], [-2.0], [0.5]] + 0.3
    model = fit.regression(x, goal, np.ones(300), 1e-6)
    assert np.allclose(model(x), goal, atol=1e-3)


def test_the_exported_graph_answers_as_the_models_do(examples, tmp_path):
    x, kind = examples
    rng = np.random.default_rng(2)
    space = fit.space(x, np.zeros((WIDTH, WIDTH)), 0.0)

    def linear(width: int) -> fit.Linear:
        return fit.Linear(rng.normal(0, 0.2, (WIDTH, width)), rng.normal(0, 0.2, width))

    fitted = Fitted(
        [(space, linear(6)), (space, linear(6))], linear(3), (space, linear(7)), 0.8, np.zeros(len(MEANS))
    )
    path = tmp_path / "a.onnx"
    path.write_bytes(onnx_model(fitted, 1, "0").SerializeToString())
    rows = x[:5].astype(np.float32)
    categories, vad, sounds = EmotionNetwork(path)._run(rows, rows)
    wanted = judge.chances([model(space(rows)) for space, model in fitted.members], 0.8) @ spread_table()
    assert categories.shape == (5, len(CATEGORIES)) and sounds.shape == (5, 1 + len(SOUNDS))
    assert np.allclose(categories, wanted, atol=1e-4)
    assert np.allclose(vad, fitted.place(space(rows)), atol=1e-4)


def test_measures():
    truth = np.array([0, 0, 0, 1])
    assert judge.recall(truth, np.zeros(4, int)) == 0.5
    sure = np.eye(2)[truth]
    assert judge.calibration_error(sure, truth) == 0
    assert judge.calibration_error(np.full((4, 2), 0.5) + [0.2, -0.2], truth) == pytest.approx(0.05)
    assert judge.concordance(truth * 1.0, truth * 1.0) == pytest.approx(1)
    assert judge.concordance(truth * 1.0, truth + 1.0) < 0.5


def test_disturbed_sound_keeps_its_words_and_follows_its_seed():
    sound = np.sin(np.arange(16_000) * 0.1).astype(np.float32)
    one, again, other = (disturbed(sound, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert np.array_equal(one, again) and (len(one) != len(other) or not np.array_equal(one, other))
    assert 0.7 < len(one) / len(sound) < 1.4 and np.isfinite(one).all() and np.abs(one).max() <= 1


def test_boredom_is_partly_neutral_and_partly_sad():
    goals = data.goals(np.array(["bored", "happy"]), (0.6, 0.4))
    assert goals[0, 0] == 0.6 and goals[0, 2] == 0.4 and goals[1, 1] == 1
    assert goals.sum() == 2
