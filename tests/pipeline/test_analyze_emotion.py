"""``facegen emotion``: sounds, texts and videos; what text and voice say together; emotions that are borrowed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import facegen
from facegen.cli.app import run
from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import InputError, UsageError
from facegen.emotion import CATEGORIES, SOUNDS, EmotionCurve, EmotionTrack, parse_emotion
from facegen.emotion.action_units import action_table
from facegen.emotion.from_curves import emotion_from_curves
from facegen.emotion.sentiment import disagreement, read_sentiment, with_text
from facegen.motion.context import Context
from facegen.motion.passes.nonverbal import nonverbal, sound_table
from facegen.motion.passes.reference_face import ping_pong
from facegen.motion.take import Take
from facegen.pipeline.analyze_emotion import analyze_emotion
from facegen.pipeline.recognize import Encoders
from facegen.pipeline.reference_emotion import load_reference
from facegen.rig import ARKIT
from tests.helpers.talking import talk


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I am so happy to see you!", "happy"),
        ("I hate you, get out!", "angry"),
        ("She died last night. I miss her.", "sad"),
        ("Oh my god, I can't believe it!", "surprised"),
        ("Watch out, it is dangerous in there", "fearful"),
        ("Yuck, this is disgusting", "disgusted"),
        ("the tram leaves at nine", "neutral"),
    ],
)
def test_words_tell_emotions(text, expected):
    summary = read_sentiment(text).summary()
    assert max(summary["categories"], key=summary["categories"].get) == expected
    assert (summary["confidence"] == 0) == (expected == "neutral")


def test_negation_turns_and_degree_counts():
    assert read_sentiment("I am not happy").emotion.valence < 0 < read_sentiment("I am happy").emotion.valence
    assert read_sentiment("slightly sad").confidence < read_sentiment("very sad").confidence


@pytest.mark.parametrize("text", ["", " ", "🙂 ... 12 !!", "x" * 5000, "не знаю"])
def test_texts_without_words_say_nothing(text):
    assert read_sentiment(text).confidence == 0


def test_the_voice_leads_the_text():
    sad = np.eye(len(CATEGORIES))[[2] * 20]
    heard = EmotionCurve(
        np.tile([-0.6, -0.3, -0.3], (20, 1)), sad, np.full(20, 0.8), np.zeros((20, len(SOUNDS)))
    )
    both = with_text(heard, read_sentiment("I am so happy!"))
    assert both.summary()["categories"]["sad"] > 0.8
    assert disagreement(heard.summary(), read_sentiment("I am so happy!").summary()) > 0.25
    assert disagreement(heard.summary(), read_sentiment("I am so sad!").summary()) < 0.1
    unsure = EmotionCurve(heard.vad, heard.categories, np.full(20, 0.1), heard.sounds)
    assert with_text(unsure, read_sentiment("so happy!")).summary()["categories"]["happy"] > 0.1


def test_python_reads_texts_too():
    summary = facegen.emotion("I hate this, I hate you!").summary()
    assert summary["categories"]["angry"] > 0.9 and 0.4 < summary["confidence"] < 1
    assert facegen.emotion("the tram leaves at nine").summary()["confidence"] == 0


def test_command_for_sound_text_and_file(sample, tmp_path, capsys):
    assert run(["emotion", str(sample), "--json", "--duration", "3"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["kind"] == "audio" and set(row["categories"]) == set(CATEGORIES)
    assert len(row["curves"]["arousal"]) == 30 == len(row["curves"]["categories"]["happy"])
    assert run(["emotion", "what a wonderful day"]) == 0
    assert "happy" in capsys.readouterr().out
    (tmp_path / "said.txt").write_text("I hate this.")
    assert run(["emotion", str(tmp_path / "said.txt"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["categories"]["angry"] > 0.5
    assert run(["emotion", str(sample), "--duration", "2", "--text", "I hate this, I hate you!"]) == 0
    assert "the voice leads" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["none.wav", "none.mp4", "none.txt", "folder/none.wav"])
def test_missing_files_are_named(name, capsys):
    assert run(["emotion", name]) == 3
    assert name in capsys.readouterr().err


def test_plot_is_drawn(sample, tmp_path):
    pytest.importorskip("matplotlib")
    assert run(["emotion", str(sample), "--duration", "2", "--plot", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").stat().st_size > 5000
    assert run(["emotion", "so happy", "--plot", str(tmp_path / "b.png")]) == 2


def test_video_is_heard_and_seen(data_folder):
    pytest.importorskip("mediapipe")
    (clip, *_) = sorted((data_folder / "grid-multi" / "clips").iterdir())
    found = analyze_emotion(clip, config=Config(duration=1.5))
    assert found.kind == "video" and set(found.sources) >= {"voice", "face"}


@pytest.mark.parametrize("name", ["happy", "sad", "angry", "fearful", "disgusted", "surprised"])
def test_faces_of_our_own_table_are_told(name):
    names, table, _ = action_table()
    values = np.tile(np.minimum(table[CATEGORIES.index(name)], 1), (60, 1)).astype(np.float32)
    values[:10] = 0
    values[10:20] *= np.linspace(0, 1, 10)[:, None]
    summary = emotion_from_curves(Animation(30, names, values), at_rest=0).summary()
    assert max(summary["categories"], key=summary["categories"].get) == name


def test_an_emotion_is_borrowed_from_a_voice(sample, data_folder):
    angry = data_folder / "emodb" / "audio" / "03a01Wa.opus"
    lent = load_reference(angry, Encoders(Config()))
    assert lent.curves is None and lent.emotion.arousal > 0.2
    take = facegen.solve(sample, duration=1, emotion_from=str(angry))
    assert take.emotion.base == lent.emotion and not take.emotion.follows


def test_an_upper_face_is_borrowed_from_curves(sample, tmp_path):
    values = np.zeros((60, 52), np.float32)
    values[:, ARKIT.index("browInnerUp")] = 0.5 + 0.3 * np.sin(np.arange(60) / 5)
    values[:, ARKIT.index("jawOpen")] = 0.7
    Animation(30, ARKIT, values).save(tmp_path / "a.json")
    take = facegen.solve(sample, duration=3, emotion_from=str(tmp_path / "a.json"))
    layer = take.layer("borrow").animation
    assert "jawOpen" not in layer.controls
    assert layer.channel("browInnerUp").mean() == pytest.approx(0.5, abs=0.1)
    assert layer.channel("browInnerUp").std() > 0.1


def test_walks_to_and_fro_stay_inside_and_never_jump():
    places = ping_pong(np.arange(0, 20, 1 / 30), 1.7)
    assert places.min() >= 0 and places.max() <= 1.7
    assert np.abs(np.diff(places)).max() < 1.01 / 30


def test_what_lends_nothing_is_refused(tmp_path, capsys):
    with pytest.raises(InputError):
        load_reference(tmp_path / "none.wav", Encoders(Config()))
    Animation(30, ("jawOpen",), np.zeros((10, 1), np.float32)).save(tmp_path / "jaw.safetensors")
    with pytest.raises(UsageError):
        load_reference(tmp_path / "jaw.safetensors", Encoders(Config()))
    import soundfile

    soundfile.write(tmp_path / "quiet.wav", np.zeros(16000), 16000)
    with pytest.raises(UsageError):
        load_reference(tmp_path / "quiet.wav", Encoders(Config()))


def sounding(kind: str) -> Context:
    """Two seconds of a sound without words between seconds 2 and 4 of a talk."""
    rows = np.zeros((60, len(SOUNDS)))
    rows[20:40, SOUNDS.index(kind)] = 0.95
    quiet = EmotionCurve.nothing(60)
    return talk(emotion=EmotionTrack(heard=EmotionCurve(quiet.vad, quiet.categories, quiet.confidence, rows)))


@pytest.mark.parametrize("kind", SOUNDS)
def test_sounds_without_words_move_the_face_while_they_sound(kind):
    context = sounding(kind)
    layer = nonverbal(Take(context.fps, context.frames), context)
    values = layer.animation.values
    assert values[:55].max() == 0 and values[60:115].max() > 0.02 and values[165:].max() < 0.03
    assert np.abs(np.diff(values, axis=0)).max() < 0.35
    assert set(layer.animation.controls) == set(sound_table()[0]) <= set(ARKIT)


def test_laughs_smile_and_pulse():
    layer = nonverbal(Take(sounding("laugh").fps, 180), sounding("laugh")).animation
    assert layer.channel("mouthSmileLeft")[60:115].mean() > 0.4
    assert layer.channel("jawOpen")[60:115].std() > 0.03


def test_the_room_behind_a_talker_does_not_laugh():
    context = sounding("laugh")
    energy = context.features.energy.copy()
    energy[190:410] = energy.max() - 40
    far = replace(context, features=replace(context.features, energy=energy))
    assert nonverbal(Take(context.fps, context.frames), far).animation.values[70:110].max() < 0.02


def test_nothing_is_shown_where_nothing_is_heard():
    context = talk(emotion=EmotionTrack(parse_emotion("happy")))
    assert nonverbal(Take(context.fps, context.frames), context) is None
