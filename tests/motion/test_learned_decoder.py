"""The learned decoder: chunks, silence, contacts, style, and files that are no decoder."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.config import Config
from facegen.core.errors import ConfigError, ModelError, UsageError
from facegen.emotion import Emotion, EmotionSpan, EmotionTrack
from facegen.emotion.style import Style, load_style, styles
from facegen.motion.context import Context
from facegen.motion.lipsync import learned, load_decoder
from facegen.motion.lipsync.gestures import LEARNED_CONTROLS
from facegen.motion.lipsync.learned import GESTURES, LearnedDecoder
from facegen.motion.lipsync.style_blending import decode_with_styles
from facegen.rig import ARKIT
from facegen.speech.phones import LABELS, Features, PhoneTrack
from tests.helpers.lip_gap import gap, posteriors


@pytest.fixture(scope="module")
def decoder() -> LearnedDecoder:
    return LearnedDecoder()


def heard(words: str, frames: int = 12, level: float = -25.0) -> Features:
    rows = posteriors(words, frames)
    energy = np.where(rows[:, 0] > 0.5, -95.0, level).astype(np.float32)
    return Features(rows, energy, np.where(rows[:, 0] > 0.5, 0, 120).astype(np.float32))


def decoded(decoder: LearnedDecoder, features: Features, **settings) -> np.ndarray:
    """Controls at 100 Hz, [F, 21]."""
    config = Config(fps="100", **settings)
    context = Context(config, Fraction(100), len(features), features, PhoneTrack(), EmotionTrack())
    return decoder.decode(context).values


def test_controls_are_arkits(decoder):
    assert set(LEARNED_CONTROLS) <= set(ARKIT) and len(set(LEARNED_CONTROLS)) == len(LEARNED_CONTROLS)


@given(seed=st.integers(0, 10**6), block=st.integers(1, 60).map(lambda n: 2 * n))
@settings(max_examples=12, deadline=None)
def test_pieces_of_any_size_give_the_whole(decoder, seed, block):
    rng = np.random.default_rng(seed)
    words = " ".join(rng.choice(LABELS, 30))
    features = heard(f"SIL {words} SIL", int(rng.integers(3, 12)))
    style = np.zeros(5, np.float32)
    given_ = features.posteriors, features.energy, features.pitch, style
    whole = decoder.gestures(*given_)
    before, learned.BLOCK = learned.BLOCK, block
    try:
        np.testing.assert_allclose(decoder.gestures(*given_), whole, atol=1e-4)
    finally:
        learned.BLOCK = before


@given(
    seed=st.integers(0, 10**6),
    piece=st.integers(20, 200).map(lambda n: 2 * n),
    fps=st.sampled_from(["24", "30", "60", "240"]),
)
@settings(max_examples=12, deadline=None)
def test_a_clip_is_decoded_alike_in_pieces_of_any_size(decoder, seed, piece, fps):
    rng = np.random.default_rng(seed)
    features = heard(f"SIL {' '.join(rng.choice(LABELS, 40))} SIL", int(rng.integers(5, 20)))
    frames = math.ceil(len(features) / 100 * int(fps))
    context = Context(Config(fps=fps), Fraction(fps), frames, features, PhoneTrack(), EmotionTrack())
    whole = decoder.decode(context).values
    before, learned.PIECE = learned.PIECE, piece
    try:
        np.testing.assert_allclose(decoder.decode(context).values, whole, atol=1e-4)
    finally:
        learned.PIECE = before


@given(cut=st.integers(150, 400))
@settings(max_examples=10, deadline=None)
def test_no_frame_sees_further_ahead_than_it_says(decoder, cut):
    words = " ".join(np.random.default_rng(cut).choice(LABELS, 40))
    features = heard(words)
    style = np.zeros(5, np.float32)
    whole = decoder.gestures(features.posteriors, features.energy, features.pitch, style)
    part = decoder.gestures(features.posteriors[:cut], features.energy[:cut], features.pitch[:cut], style)
    sure = cut - learned.AHEAD - 1
    np.testing.assert_allclose(part[:sure], whole[:sure], atol=1e-4)


def test_silence_leaves_the_mouth_at_rest(decoder):
    assert not decoded(decoder, heard("SIL SIL SIL SIL SIL", 100)).any()
    long = decoded(decoder, heard(" ".join(["SIL"] * 10 + ["AA"] * 6 + ["SIL"] * 10), 10))
    assert not long[:70].any() and not long[-25:].any() and long.any()


def test_no_frames_give_no_frames(decoder):
    assert decoded(decoder, heard("SIL", 0)).shape == (0, len(LEARNED_CONTROLS))


@pytest.mark.parametrize("label", ["P", "B", "M"])
def test_lips_meet_between_vowels_and_part_in_them(decoder, label):
    features = heard(f"SIL AA {label} AA SIL", 12)
    opened = gap(decoded(decoder, features), LEARNED_CONTROLS)
    assert opened[24:36].min() < 0.03 < 0.06 < opened[12:24].max()


def test_rounded_vowels_narrow_the_lips_and_spread_ones_do_not(decoder):
    def rounding(vowel: str) -> float:
        rows = decoded(decoder, heard(f"SIL {vowel} {vowel} SIL", 15))
        return float(rows[20:40, [LEARNED_CONTROLS.index(n) for n in ("mouthPucker", "mouthFunnel")]].mean())

    assert rounding("W") > rounding("UW") > rounding("IY") + 0.03


def test_articulation_opens_the_mouth(decoder):
    features = heard("SIL B AA D AE G AY T AH M AA SIL", 9)
    wide = [
        np.ptp(gap(decoded(decoder, features, style=s), LEARNED_CONTROLS))
        for s in ("mumbled", "neutral", "hyper")
    ]
    assert wide[0] < 0.85 * wide[1] and wide[1] < 0.85 * wide[2]


def test_every_style_is_known_to_the_decoder(decoder):
    for style in styles().values():
        assert decoder.style_vector(style).shape == (5,)
    with pytest.raises(UsageError, match="speaker"):
        decoder.style_vector(Style(speaker="nobody"))


def test_styles_are_checked(tmp_path):
    with pytest.raises(UsageError, match="mumbeld.*mumbled"):
        load_style("mumbeld")
    for text in ("[1]", "{", '{"articulation": 3}', '{"articulation": "x"}', '{"strength": 1}'):
        path = tmp_path / "style.json"
        path.write_text(text)
        with pytest.raises(ConfigError, match="style.json"):
            load_style(str(path))
    path.write_text('{"articulation": 0.25, "speaker": "s1"}')
    assert load_style(str(path)) == Style(0.25, "s1")


def test_the_mouth_dial_scales_the_motion(decoder):
    features = heard("SIL B AA D AE G SIL", 9)
    jaw = [decoded(decoder, features, mouth=m)[:, 0].max() for m in (0.0, 0.5, 1.0)]
    assert jaw[0] == 0 and jaw[1] == pytest.approx(0.5 * jaw[2], rel=1e-3)


def test_another_file_is_no_decoder(tmp_path):
    path = tmp_path / "x.onnx"
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError, match="x.onnx"):
        LearnedDecoder(path)
    from facegen.speech.phone_network import PhoneNetwork

    with pytest.raises(ModelError, match="no lip decoder"):
        LearnedDecoder(PhoneNetwork().path)


def test_gestures_are_named_once():
    assert len(set(GESTURES)) == len(GESTURES)


@pytest.mark.parametrize("name", ["learned", "rules"])
@pytest.mark.parametrize("fps", [Fraction(100), Fraction(30000, 1001)])
def test_a_span_with_a_style_of_its_own_is_spoken_so(name, fps):
    """As if all were, within; as without, outside; in between between the two."""
    features = heard("SIL " + "P AA M IY B OW F AE M UW " * 4 + "SIL", 10)
    seconds = len(features) / 100
    spans = (EmotionSpan(1.2, 2.8, Emotion(), style="theatrical", leaves=True),)
    count = int(seconds * fps)

    def lips(style="", spans=()):
        config = Config(fps=str(fps), style=style or Config().style, decoder=name)
        emotion = EmotionTrack(spans=spans)
        context = Context(config, fps, count, features, PhoneTrack(), emotion)
        return decode_with_styles(load_decoder(name), context).values

    plain, wide, mixed = lips(), lips("theatrical"), lips(spans=spans)
    times = (np.arange(count) + 0.5) / float(fps)
    inside, outside = (times > 1.5) & (times < 2.5), (times < 0.85) | (times > 3.15)
    assert np.abs(wide - plain)[inside].max() > 0.05, "the styles differ"
    assert np.abs(mixed - wide)[inside].max() < 2e-4
    assert np.array_equal(mixed[outside], plain[outside])
    low, high = np.minimum(plain, wide) - 2e-4, np.maximum(plain, wide) + 2e-4
    assert ((low <= mixed) & (mixed <= high)).all()
    assert np.array_equal(lips(spans=(EmotionSpan(1.2, 2.8, Emotion()),)), plain)
