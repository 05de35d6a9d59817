"""The classifier that tells which emotion a face shows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from facegen.cli.app import run
from facegen.core.animation import Animation
from facegen.evaluation.metrics import NotApplicable
from facegen.evaluation.metrics.face_emotion import ACTIONS, face_emotion
from facegen.formats import save
from facegen.motion.take import compose
from facegen.rig import ARKIT
from tests.helpers.talking import solve, talk


@pytest.mark.parametrize("name", ["happy", "sad", "angry", "fearful", "disgusted", "surprised", "contempt"])
def test_the_judge_knows_the_emotion_of_a_take(name):
    for seed in range(3):
        shares = face_emotion(compose(solve(talk(6, emotion=name, seed=seed))))
        assert sum(shares.values()) == pytest.approx(1) and max(shares, key=shares.get) == name


def test_the_judge_needs_a_face():
    with pytest.raises(NotApplicable):
        face_emotion(Animation(30, ("tongueOut",), np.zeros((9, 1))))
    with pytest.raises(NotApplicable):
        face_emotion(Animation(30, ("jawOpen",), np.zeros((1, 1))))


def test_evaluate_tells_the_emotion_of_both(tmp_path, capsys):
    for name in ("happy", "sad"):
        save(compose(solve(talk(4, emotion=name))), tmp_path / f"{name}.csv")
    command = ["evaluate", str(tmp_path / "happy.csv"), str(tmp_path / "sad.csv"), "--emotion", "--json"]
    assert run(command) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])["emotion"]
    assert shown["pred"]["happy"] > 0.5 and shown["reference"]["sad"] > 0.5


@pytest.fixture(scope="module")
def training():
    pytest.importorskip("mediapipe", reason="faces are tracked with mediapipe (extra: track)")
    from tools.training import train_face_emotion

    return train_face_emotion


def test_a_tracker_that_sees_all_sees_what_is_shown(training):
    whole = np.eye(len(ACTIONS))
    for control in ("mouthSmileLeft", "browInnerUp", "jawOpen"):
        assert training._parts(control, None) == [(control, 1.0)]
        assert {n: share for n, share in training._parts(control, whole) if share} == {control: 1.0}


def test_what_a_tracker_mistakes_moves_on_the_same_side(training):
    seen, names = np.zeros((len(ACTIONS),) * 2), list(ACTIONS)
    seen[names.index("smile"), names.index("stretch")] = 0.3
    seen[names.index("smile"), names.index("jaw")] = 0.2
    moved = {n: share for n, share in training._parts("mouthSmileLeft", seen) if share}
    assert moved == {"mouthStretchLeft": pytest.approx(0.3), "jawOpen": pytest.approx(0.1)}
    face = Animation(25, ARKIT, np.zeros((40, len(ARKIT))))
    shown = training.shown(face, "happy", np.random.default_rng(1), seen)
    assert shown.select(("mouthStretchLeft", "mouthStretchRight")).values.min() > 0.01
    assert not shown.select(("mouthSmileLeft",)).values.any()


def test_each_action_is_shown_alone(training):
    take = training.portrait_faces._each_action()
    parts = take.select(ARKIT).values.reshape(-1, training.portrait_faces.HELD, len(ARKIT))
    assert not parts[0].any()
    for names, part in zip(ACTIONS.values(), parts[1:], strict=True):
        assert {ARKIT[n] for n in np.flatnonzero(part.any(axis=0))} == set(names)


@pytest.mark.slow
def test_a_shut_mouth_against_an_open_photo_is_no_opening(training, data_folder):
    clip = data_folder / "grid-multi" / "clips" / "s30_bbac3n.mp4"
    shut, opened = training.portrait_faces.against_photos(clip)
    assert len(shut) == len(opened) > 60
    jaw = [curves.select(("jawOpen",)).values.mean() for curves in (shut, opened)]
    assert jaw[0] > 2 * jaw[1]
