"""The classifier that tells which emotion a face shows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facegen.animation import Animation
from facegen.cli.app import run
from facegen.exporters import save
from facegen.measures import Unmeasured
from facegen.measures.affect import face_emotion
from facegen.take import compose
from tests.test_passes import solve, talk


@pytest.mark.parametrize("name", ["happy", "sad", "angry", "fearful", "disgusted", "surprised", "contempt"])
def test_the_judge_knows_the_emotion_of_a_take(name):
    for seed in range(3):
        shares = face_emotion(compose(solve(talk(6, emotion=name, seed=seed))))
        assert sum(shares.values()) == pytest.approx(1) and max(shares, key=shares.get) == name


def test_the_judge_needs_a_face():
    with pytest.raises(Unmeasured):
        face_emotion(Animation(30, ("tongueOut",), np.zeros((9, 1))))
    with pytest.raises(Unmeasured):
        face_emotion(Animation(30, ("jawOpen",), np.zeros((1, 1))))


def test_evaluate_tells_the_emotion_of_both(tmp_path, capsys):
    for name in ("happy", "sad"):
        save(compose(solve(talk(4, emotion=name))), tmp_path / f"{name}.csv")
    command = ["evaluate", str(tmp_path / "happy.csv"), str(tmp_path / "sad.csv"), "--emotion", "--json"]
    assert run(command) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])["emotion"]
    assert shown["pred"]["happy"] > 0.5 and shown["reference"]["sad"] > 0.5
