"""The table of named emotions and the words that ask for them."""

import numpy as np
import pytest

from facegen.core.errors import UsageError
from facegen.emotion import CATEGORIES, Emotion, EmotionSpan, EmotionTrack, named_emotions, parse_emotion
from facegen.emotion.action_units import action_table
from facegen.emotion.lexicon import KINDS, emotion_name_words, vad_table
from facegen.emotion.prompts import emotion_words
from facegen.emotion.timeline import read_timeline
from facegen.formats import load_take, save
from tests.helpers.talking import solve, talk


def shown(text: str, control: str) -> float:
    """Value of a control at rest in the face that ``text`` asks for."""
    names, table, _ = action_table()
    return float(np.minimum(parse_emotion(text).named_distribution() @ table, 1)[names.index(control)])


# The table


def test_the_table_holds_each_set():
    rows = named_emotions().values()
    counts = {kind: sum(row.kind == kind for row in rows) for kind in KINDS}
    assert counts["basic"] == len(CATEGORIES) and counts["compound"] == 15 and sum(counts.values()) >= 56
    wanted = "amusement awe contemplation pride shame tiredness sarcasm doubt relief longing triumph malice"
    assert set(wanted.split()) <= set(named_emotions())


def test_each_row_is_whole():
    for row in named_emotions().values():
        assert max(map(abs, row.vad)) <= 1 and sum(row.categories.values()) <= 1 + 1e-9
        assert set(row.categories) <= set(CATEGORIES) and len(row.source) > 10
        assert 0.1 <= row.onset < row.offset <= 2
        assert all(side in ("both", "left", "right") and 0 < amount <= 1 for side, _, amount in row.units)


def test_no_two_rows_share_a_point_or_a_word():
    assert len(np.unique(vad_table(), axis=0)) == len(named_emotions())
    texts = [text for row in named_emotions().values() for text in (row.name, *row.synonyms)]
    assert len(emotion_name_words()) == len(texts) == len(set(texts))


def test_no_two_emotions_look_alike():
    _, table, _ = action_table()
    away = np.abs(table[:, None] - table[None]).max(axis=2) + np.eye(len(table))
    one, two = np.unravel_index(away.argmin(), away.shape)
    assert away.min() > 0.06, [list(named_emotions())[i] for i in (one, two)]


# Words


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("quietly amused, a bit nervous", {"amusement": 0.41, "nervousness": 0.34}),
        ("a little sad but hopeful", {"sad": 0.2, "hope": 0.75}),
        ("furious but holding it back", {"angry": 0.49, "restraint": 0.5}),
        ("trying to hide her anger", {"angry": 0.38, "restraint": 0.5}),
        ("She sounds EXTREMELY sad", {"sad": 1.0}),
        ("happily surprised", {"happily surprised": 1.0}),
        ("sadly", {"sad": 1.0}),
    ],
)
def test_plain_words_are_a_mixture(text, wanted):
    assert parse_emotion(text).parts == pytest.approx(wanted, abs=0.01)


def test_degrees_are_in_order():
    degrees = ("barely", "slightly", "somewhat", "quite", "very")
    sizes = [parse_emotion(f"{word} happy").intensity for word in degrees]
    assert sizes == sorted(sizes) and len(set(sizes)) == len(sizes)


@pytest.mark.parametrize("text", ["not angry", "no longer angry", "she isn't angry", "far from angry"])
def test_not_is_a_little_of_the_opposite(text):
    emotion = parse_emotion(text)
    assert 0 < emotion.valence < 0.3 and emotion.arousal < 0 and "angry" not in emotion.parts


def test_what_follows_but_weighs_more():
    first, last = parse_emotion("sad but happy"), parse_emotion("happy but sad")
    assert first.valence > 0 > last.valence


def test_holding_back_presses_the_lips_and_weakens_the_brows():
    assert shown("furious but holding it back", "browDownLeft") < 0.7 * shown("furious", "browDownLeft")
    assert shown("amused but hiding it", "mouthPressLeft") > shown("amused", "mouthPressLeft") + 0.1


@pytest.mark.parametrize(
    "text, says",
    [
        ("hapy", "did you mean happy"),
        ("verry happy", "did you mean very"),
        ("happy and sd", "no emotion is called 'sd'"),
        ("very", "names no emotion"),
        ("amusd:0.5", "amused"),
        ("happy:0.2+joy:0.1", "occurs twice"),
        ("happy 3", "'3' has no place"),
        ("happy " * 200_000, "too long"),
        ("not", "names no emotion"),
    ],
)
def test_unknown_words_are_refused_with_the_nearest(text, says):
    with pytest.raises(UsageError) as caught:
        parse_emotion(text)
    assert says in str(caught.value) and len(str(caught.value)) < 300


def test_words_of_degree_name_no_emotion():
    kinds = {kind for kind, _ in emotion_words().values()}
    assert kinds == {"degree", "not", "but", "hide", "join"}
    assert not {text for text, (kind, _) in emotion_words().items() if kind != "hide"} & set(
        emotion_name_words()
    )


# The face


def test_the_opposite_of_anger_is_warm():
    assert shown("-angry", "mouthSmileLeft") > 0.15 and shown("-angry", "browDownLeft") == 0
    assert shown("-happy", "mouthFrownLeft") > 0.2 and shown("-happy", "mouthSmileLeft") < 0.05


def test_a_point_alone_shows_as_its_name_does():
    warm = "vad:0.81,0.51,0.46"
    assert shown(warm, "mouthSmileLeft") > 0.8 * shown("happy", "mouthSmileLeft")
    weak = "vad:0.405,0.255,0.23"
    assert 0.3 < shown(weak, "mouthSmileLeft") / shown(warm, "mouthSmileLeft") < 0.8


def test_surprise_comes_faster_than_sadness():
    def first(name: str) -> float:
        track = EmotionTrack(spans=(EmotionSpan(1.0, 4.0, parse_emotion(name)),))
        times = np.arange(0, 4, 0.01)
        weights = track.named_weights(times)[:, list(named_emotions()).index(name)]
        return times[weights > 0.95][0] - times[weights > 0.05][0]

    assert first("surprised") < 0.5 * first("sad")


def test_a_take_keeps_its_named_emotions(tmp_path):
    track = EmotionTrack(parse_emotion("awe:0.5"), (EmotionSpan(0.5, 1.0, Emotion.from_vad(0.4, 0.7, 0.1)),))
    take = solve(talk(2.0, emotion=track))
    save(take, tmp_path / "a.take")
    assert load_take(tmp_path / "a.take").emotion == track


# Timelines


def test_a_timeline_gives_fades_and_styles(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("start,end,emotion,fade,fade_out,style\n0,2,vad:0.4,0.7,0.1,0.2,1.5,lively\n2,4,sad,,,\n")
    first, last = read_timeline(path)
    assert (first.fade_in, first.fade_out, first.style) == (0.2, 1.5, "lively")
    assert first.emotion.vad == (0.4, 0.7, 0.1) and (last.fade_in, last.style) == (None, "")
    (tmp_path / "a.json").write_text('[{"start": 0, "end": 2, "emotion": "happy", "fade": 0.5}]')
    assert read_timeline(tmp_path / "a.json")[0].fade_out == 0.5


def test_a_fade_lasts_as_long_as_asked():
    for seconds in (0.2, 1.0, 2.0):
        span = EmotionSpan(2.0, 6.0, parse_emotion("happy"), fade_in=seconds, fade_out=seconds)
        amount = EmotionTrack(spans=(span,)).named_weights(np.arange(0, 8, 0.01))[:, 1]
        assert (amount[:400] > 0.005).argmax() / 100 == pytest.approx(2 - seconds / 2, abs=0.1)
        assert (amount > 0.995).sum() / 100 == pytest.approx(4 - seconds, abs=0.2)


def test_a_style_of_a_span_moves_the_head_only_there():
    track = EmotionTrack(spans=(EmotionSpan(10, 20, parse_emotion("neutral"), style="theatrical"),))
    plain, styled = (solve(talk(30, emotion=t)).layer("head").animation.head for t in (EmotionTrack(), track))
    assert np.array_equal(plain[: 9 * 30], styled[: 9 * 30])
    assert styled[330:570, 0].std() > 1.5 * plain[330:570, 0].std()


def test_a_row_of_a_timeline_may_name_a_style_alone(tmp_path):
    (tmp_path / "a.csv").write_text("start,end,emotion,style\n1,2,,tired\n")
    (span,) = read_timeline(tmp_path / "a.csv")
    track = EmotionTrack(parse_emotion("happy"), (span,))
    assert span.leaves and (track.named_weights(np.array([1.5]))[:, 1] == 1).all()
