"""Conversations: tables of turns, calls, and what listeners do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

import facegen
from facegen.cli.app import run
from facegen.config import Config
from facegen.core.errors import ConfigError, FacegenError
from facegen.evaluation.metrics.lips import lip_head
from facegen.motion.take import compose
from facegen.pipeline.conversation import converse, read_turns
from facegen.pipeline.conversation.outputs import file_names
from facegen.rig import load_rig
from facegen.speech.audio import open_audio
from facegen.speech.load import load_encoder
from facegen.speech.logmel import SILENCE

MOUTH = ("jaw", "mouth", "tongue")
SMILES = ("mouthSmile", "mouthFrown", "mouthDimple", "mouthPress")


@pytest.fixture(scope="module")
def table(sample, tmp_path_factory):
    """Four turns of two speakers, three of them felt."""
    path = tmp_path_factory.mktemp("talk") / "turns.csv"
    path.write_text(
        "speaker,audio,start,text,emotion,reply_to\n"
        f"Anna,{sample},0,,happy,\nBen,{sample},,,sad,1\nAnna,{sample},,,,2\nBen,{sample},,,neutral,\n"
    )
    return path


@pytest.fixture(scope="module")
def talk(table):
    return converse(table, Config(seed=3))


def spans(talk, speaker):
    return next(v for v in talk.voices if v.speaker == speaker).spans


def frames(talk, speaker, start=0.0, end=0.0):
    """A mask of the frames in which ``speaker`` speaks, each turn shortened by ``start`` and ``end`` s."""
    take = talk.takes[speaker]
    times = (np.arange(take.frames) + 0.5) / float(take.fps)
    return np.any([(times > s.start + start) & (times < s.end - end) for s in spans(talk, speaker)], axis=0)


def test_each_speaker_has_a_take_over_the_common_time(talk):
    assert list(talk.takes) == ["Anna", "Ben"]
    lengths = {take.frames for take in talk.takes.values()}
    assert lengths == {int(np.ceil(talk.seconds * 30))}
    order = sorted((s.start, s.end) for v in talk.voices for s in v.spans)
    assert all(b[0] > a[1] for a, b in zip(order, order[1:], strict=False))


def test_breaths_are_heard_in_own_turns_and_nothing_between_them(talk, sample):
    heard = load_encoder("phones").encode(open_audio(sample)).bands
    for voice in talk.voices:
        bands, alone = voice.features.bands, np.ones(len(voice.features), bool)
        for span in voice.spans:
            first = round(span.start * 100)
            part = slice(first, first + len(heard))
            np.testing.assert_array_equal(bands[part], heard[: len(bands) - first])
            alone[part] = False
        assert alone.any() and (bands[alone] == np.float16(SILENCE)).all()


def test_lips_move_in_own_turns_and_never_while_listening(talk):
    head = lip_head(load_rig("aria"))
    for me, other in (("Anna", "Ben"), ("Ben", "Anna")):
        curves = compose(talk.takes[me])
        listens = frames(talk, other, 0.5, 1.0)
        opening = [
            i for i, n in enumerate(curves.controls) if n.startswith(MOUTH) and not n.startswith(SMILES)
        ]
        assert curves.values[listens][:, opening].max() < 0.02
        assert head.aperture_and_width(curves)[0][listens].max() < 0.02
        assert curves.channel("jawOpen")[frames(talk, me)].max() > 0.05


def test_a_listener_mirrors_what_is_felt_at_a_fraction(talk):
    anna, ben = (compose(talk.takes[name]) for name in ("Anna", "Ben"))
    first = spans(talk, "Anna")[0]
    heard = slice(round((first.start + 1.8) * 30), round(first.end * 30))
    smile, echo = (x.channel("mouthSmileLeft")[heard].mean() for x in (anna, ben))
    assert 0.15 * smile < echo < 0.75 * smile
    plain = compose(converse(talk.turns[:0] or _without_feeling(talk), Config(seed=3)).takes["Ben"])
    assert echo > plain.channel("mouthSmileLeft")[heard].mean() + 0.05


def _without_feeling(talk):
    from dataclasses import replace

    return tuple(replace(turn, emotion=None) for turn in talk.turns)


def test_listeners_nod_and_raise_their_brows(sample):
    turns = [{"speaker": "A" if k % 2 else "B", "audio": str(sample)} for k in range(8)]
    from facegen.pipeline.conversation.turns import turns_of

    nods, flashes = 0, 0.0
    for seed in range(2):
        for take in converse(turns_of(turns), Config(seed=seed, decoder="rules")).takes.values():
            layers = [x for x in take.layers if x.name == "listening"]
            for layer in layers:
                nods += int(np.degrees(layer.animation.head[:, 1]).max() > 2)
                flashes = max(flashes, float(layer.animation.channel("browInnerUp").max()))
    assert nods >= 3 and flashes > 0.15


def test_listeners_look_at_who_speaks(table):
    takes = converse(table, Config(seed=5), apart=20.0)
    for me, other, side in (("Anna", "Ben", 1), ("Ben", "Anna", -1)):
        take = takes.takes[me]
        curves = compose(take.without("blink"))
        look = curves.channel("eyeLookOutLeft") - curves.channel("eyeLookInLeft")
        toward = side * (30 * look + np.degrees(curves.head[:, 0]))
        listens = frames(takes, other, 0.7)
        assert (np.abs(toward[listens] - 20) < 6).mean() > 0.6


def test_a_call_has_a_speaker_a_channel(sample, tmp_path):
    samples, rate = soundfile.read(sample)
    quiet = np.zeros(len(samples) + rate)
    left, right = (np.concatenate(pair) for pair in (([*samples], quiet), (quiet, [*samples])))
    path = tmp_path / "call.wav"
    soundfile.write(path, np.stack([left + 0.02 * right, right + 0.02 * left], axis=1), rate)
    call = converse(path, Config(decoder="rules"))
    assert list(call.takes) == ["left", "right"]
    half = len(left) / rate / 2
    assert spans(call, "left")[-1].end < half < spans(call, "right")[0].start + 1
    for name, own in (("left", slice(0, int(half * 30) + 20)), ("right", slice(int(half * 30) - 20, None))):
        jaw = np.array(compose(call.takes[name]).channel("jawOpen"))
        assert jaw[own].max() > 0.05
        jaw[own] = 0
        assert jaw.max() < 0.02


def test_the_command_writes_files_and_who_speaks_when(table, tmp_path, capsys):
    assert run(["converse", str(table), "-o", str(tmp_path / "out"), "--format", "csv,take", "--quiet"]) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["Anna.csv", "Anna.take", "Ben.csv", "Ben.take", "conversation.json"]
    rows = json.loads((tmp_path / "out" / "conversation.json").read_text())["turns"]
    assert [row["speaker"] for row in rows] == ["Anna", "Ben", "Anna", "Ben"]
    assert rows[1]["reply_to"] == 1


def test_python_gives_an_animation_a_speaker(sample):
    given = facegen.converse([{"speaker": "A", "audio": sample}, {"speaker": "B", "audio": sample}], fps=25)
    assert list(given) == ["A", "B"] and len(given["A"]) == len(given["B"]) and float(given["A"].fps) == 25


def test_the_same_seed_gives_the_same_takes_and_others_differ(table):
    one, two, other = (converse(table, Config(seed=s, decoder="rules")) for s in (1, 1, 2))
    assert compose(one.takes["Ben"]).values.tobytes() == compose(two.takes["Ben"]).values.tobytes()
    assert compose(one.takes["Ben"]).values.tobytes() != compose(other.takes["Ben"]).values.tobytes()


BROKEN = {
    "": "holds no turns",
    "speaker,audio\n": "holds no turns",
    "speaker,start\nA,0\n": "has no column audio",
    "speaker,audio,emotoin\nA,a.wav,happy\n": "did you mean emotion",
    "speaker,audio\n,a.wav\n": "turn 1: has no speaker",
    "speaker,audio\nA,\n": "turn 1: has no audio",
    "speaker,audio,start\nA,a.wav,soon\n": "is not a number of seconds",
    "speaker,audio,start\nA,a.wav,-1\n": "is not a time from 0 s up",
    "speaker,audio,start\nA,a.wav,nan\n": "is not a number",
    "speaker,audio,emotion\nA,a.wav,hapy\n": "did you mean happy",
    "speaker,audio,reply_to\nA,a.wav,7\n": "replies to turn '7'",
    "speaker,audio,text\nA,a.wav,well,yes\n": "has 4 cells",
    '[{"speaker": "A"': "is no JSON list of turns",
    '[{"speaker": "A", "audio": "a.wav", "mood": "x"}]': "has an unknown column 'mood'",
}


@pytest.mark.parametrize("text, says", BROKEN.items())
def test_a_broken_table_is_refused_with_the_row(text, says, tmp_path, capsys):
    path = tmp_path / ("turns.json" if text[:1] == "[" else "turns.csv")
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_turns(path)
    assert says in str(caught.value)
    assert run(["converse", str(path), "-o", str(tmp_path / "out")]) == 3
    assert not (tmp_path / "out").exists() and capsys.readouterr().err.count("\n") == 1


def test_what_a_conversation_can_not_be_made_of(sample, tmp_path):
    def fails(text, says):
        path = tmp_path / "turns.csv"
        path.write_text(text)
        with pytest.raises(FacegenError, match=says):
            converse(path)

    fails(f"speaker,audio,start\nA,{sample},0\nA,{sample},0.5\n", "overlap")
    fails("speaker,audio\nA,none.wav\n", "no such file")
    with pytest.raises(FacegenError, match="has 1 channel"):
        converse(sample)
    with pytest.raises(FacegenError, match="holds no turns"):
        converse([])


def test_speakers_get_files_of_their_own():
    assert file_names(["A b", "A/b", "..", "conversation"]) == {
        "A b": "A_b",
        "A/b": "A_b2",
        "..": "speaker",
        "conversation": "conversation2",
    }
    assert len({name.lower() for name in file_names(["x", "X", "x "]).values()}) == 3
