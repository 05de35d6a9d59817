"""Stage directions in transcripts."""

from __future__ import annotations

import numpy as np
import pytest

import facegen
from facegen.cli.app import run
from facegen.core.errors import UsageError
from facegen.emotion import named_emotions
from facegen.emotion.stage_directions import _table, read_directions, strip_directions
from facegen.emotion.style import styles
from facegen.emotion.transcript import Transcript
from facegen.speech.audio import open_audio
from facegen.speech.load import load_encoder
from facegen.speech.phone_timing import refine_alignment

SAID = "Hello! My name is Aria. Five brave wolves move from the pool to the farm, and papa bought me a warm coat."
DIRECTED = (
    "[whispering] Hello! My name is Aria. *sighs* [furious but holding it back] Five brave wolves move from the pool "
    "[sad:0.5] to the farm, and papa bought me a warm coat."
)


def said(text):
    return Transcript.load(text).words


@pytest.fixture(scope="module")
def heard(sample):
    return load_encoder("phones").encode(open_audio(sample), None)


def test_directions_are_no_words():
    assert said(DIRECTED) == said(SAID)
    assert strip_directions("I am *really* (very) glad") == "I am *really* (very) glad"
    assert strip_directions("well (laughs) yes *gasps*").split() == ["well", "yes"]
    assert said("*laughs*") == ()


def test_each_row_of_the_table_names_what_is_known():
    for words, tag in _table().items():
        assert words == words.lower() and tag.kind in ("sound", "manner", "reset", "ignore")
        assert not tag.style or tag.style in styles()
        assert (tag.kind == "sound") == (tag.seconds > 0) == (tag.emotion is not None)


def test_the_same_phones_are_aligned(heard):
    plain, directed = (refine_alignment(heard, said(t)).phones for t in (SAID, DIRECTED))
    assert plain == directed


def test_words_have_times_in_order(heard):
    times = refine_alignment(heard, said(DIRECTED)).words
    assert len(times) == len(said(SAID))
    flat = [t for pair in times for t in pair]
    assert flat == sorted(flat) and 0.8 < flat[-1] - flat[0] < len(heard) / 100
    assert times[5][0] - times[4][1] > 0.4  # the pause after "Aria"


def test_directions_become_spans(sample, heard):
    take = facegen.solve(sample, text=DIRECTED, decoder="rules")
    times = refine_alignment(heard, said(DIRECTED)).words
    whisper, sigh, fury, sad = take.emotion.spans
    assert whisper.style == "whispering" and whisper.start == 0 and whisper.end <= sigh.start
    assert sigh.start == pytest.approx(times[4][1], abs=0.1) and "relief" in sigh.emotion.parts
    assert "restraint" in fury.emotion.parts and fury.end == sad.start
    assert sad.start == pytest.approx(times[11][0], abs=0.35) and sad.end == pytest.approx(len(heard) / 100)
    rows = take.emotion.named_weights(np.array([times[8][0], times[15][0]]))
    names = list(named_emotions())
    assert rows[0, names.index("angry")] > 0.3 and rows[1, names.index("sad")] > 0.3
    jaw = [facegen.animate(sample, text=t, decoder="rules").channel("jawOpen") for t in (SAID, DIRECTED)]
    assert np.corrcoef(*jaw)[0, 1] > 0.9


def test_a_timeline_goes_before_directions(sample, tmp_path):
    (tmp_path / "a.csv").write_text("0,30,happy\n")
    take = facegen.solve(sample, text=DIRECTED, timeline=str(tmp_path / "a.csv"), decoder="rules")
    assert len(take.emotion.spans) == 1


@pytest.mark.parametrize(
    "text, says",
    [("[hapy] hello", "did you mean happy"), ("[] hello", "is empty"), ("[wispering] hello", "whispering")],
)
def test_unknown_directions_are_refused(text, says, sample, tmp_path, capsys):
    with pytest.raises(UsageError) as caught:
        read_directions(text)
    assert says in str(caught.value)
    assert run(["animate", str(sample), "--text", text, "-o", str(tmp_path / "a.csv")]) == 2
    assert says in capsys.readouterr().err and not (tmp_path / "a.csv").exists()


def test_notes_of_transcribers_say_nothing():
    assert read_directions("[music] hello [inaudible] there [pause]") == ()
    assert said("[music] hello [inaudible] there") == said("hello there")


def test_a_manner_leaves_what_is_felt(sample):
    take = facegen.solve(sample, text="[whispering] " + SAID, emotion="happy", decoder="rules")
    (span,) = take.emotion.spans
    assert span.leaves and span.style == "whispering"
    weights = take.emotion.named_weights(np.array([1.0, 3.0]))
    assert (weights[:, list(named_emotions()).index("happy")] == 1).all()


def test_a_sound_of_the_text_shows_as_one_that_is_heard(sample, tmp_path):
    from facegen.emotion import SOUNDS
    from facegen.formats import load_take, save

    take = facegen.solve(sample, text=SAID.replace("Aria.", "Aria. *laughs*"), decoder="rules")
    sounds = take.emotion.heard.sounds[:, SOUNDS.index("laugh")]
    assert 10 <= (sounds == 1).sum() <= 18
    assert "nonverbal" in [layer.name for layer in take.layers]
    save(take, tmp_path / "a.take")
    assert load_take(tmp_path / "a.take").emotion == take.emotion
