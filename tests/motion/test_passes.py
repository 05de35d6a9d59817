"""Each pass: what it does to the face, its statistics, its switches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.emotion import CATEGORIES
from facegen.motion.context import Context
from facegen.motion.passes import FINISHING, PASSES, enabled, finishing
from facegen.motion.passes.lip_closure import lip_closure
from facegen.motion.passes.preparatory_opening import preparatory_opening
from facegen.motion.take import Layer, Take, compose
from facegen.rig import ARKIT
from facegen.speech.phone_timing import one_hot
from facegen.speech.phones import LABELS, Phone, PhoneTrack
from tests.helpers.lip_gap import gap
from tests.helpers.talking import rises, solve, talk

MOUTH = ("mouth", "jaw", "tongue")


def mouth_gap(take: Take) -> np.ndarray:
    return gap(compose(take).values, ARKIT)


# Switches


def test_all_passes_run_by_default_and_flags_drop_theirs():
    names = [row.name for row in PASSES]
    assert [row.name for row in enabled(Config())] == names
    assert "blink" not in [row.name for row in enabled(Config(blink=False))]
    assert not {"head", "breath"} & {row.name for row in enabled(Config(head=False))}
    assert finishing(Config()) == ("smooth", "limit")
    assert finishing(Config(passes=("limit", "blink"))) == ("limit",)
    assert [row.name for row in enabled(Config(passes=("blink", "head")))] == ["head", "blink"]
    assert all(row.help for row in PASSES) and all(FINISHING.values())


@pytest.mark.parametrize("ask", [enabled, finishing])
def test_an_unknown_pass_names_the_nearest(ask):
    with pytest.raises(UsageError, match="blnk") as caught:
        ask(Config(passes=("blnk",)))
    assert "blink" in caught.value.remedy


# Lips


@pytest.mark.parametrize(
    "emotion", ["neutral", "happy", "surprised", "disgusted", "angry", "fearful", "awe", "rage", "triumph"]
)
@pytest.mark.parametrize("fps", ["25", "60"])
def test_lips_meet_at_each_bilabial_whatever_the_emotion(emotion, fps):
    context = talk(fps=fps, emotion=emotion)
    shut = mouth_gap(solve(context))
    times = (np.arange(len(shut)) + 0.5) / float(context.fps)
    closed = [
        shut[(times >= p.start - 0.03) & (times <= p.end + 0.03)].min() < 0.02
        for p in context.phones
        if p.label in ("P", "B", "M")
    ]
    assert len(closed) >= 5 and all(closed)


def misheard(mass: float, told: str = "D", between: str = "AA") -> Context:
    """A vowel, 80 ms heard as ``told`` but for the probability ``mass`` of b, and a vowel."""
    context = talk(
        0.68, fps="100", text=f"{between} {between} {between} {told} {between} {between} {between}"
    )
    rows = context.features.posteriors.copy()
    here = rows[:, LABELS.index(told)] > 0
    rows[here] = 0
    rows[here, LABELS.index(told)], rows[here, LABELS.index("B")] = 1 - mass, mass
    return replace(context, features=replace(context.features, posteriors=rows))


@pytest.mark.parametrize(
    ("told", "mass", "most", "least"),
    [
        ("D", 0.25, 1.0, 1.0),
        ("N", 0.25, 1.0, 1.0),
        ("K", 0.15, 0.6, 0.4),
        ("D", 0.05, 0.0, 0.0),
        ("S", 0.25, 0.0, 0.0),
    ],
)
def test_a_stop_that_may_be_b_shuts_the_lips(told, mass, most, least):
    layer = lip_closure(None, misheard(mass, told))
    peak = 0.0 if layer is None else float(layer.mask.max())
    assert least - 1e-6 <= peak <= most + 1e-6


def test_what_is_heard_of_b_at_the_edge_of_the_stop_after_it_is_no_second_closure():
    context = misheard(0.25, "D", "M")
    only = replace(context, phones=PhoneTrack(tuple(p for p in context.phones if p.label == "M")))
    both, one = (lip_closure(None, c).mask for c in (context, only))
    np.testing.assert_array_equal(both, one)


@pytest.mark.parametrize("fps", ["25", "30", "100"])
@pytest.mark.parametrize("length", [0.04, 0.05, 0.07])
def test_lips_part_in_a_short_vowel_between_closures(fps, length):
    phones = [
        Phone(0.2, 0.28, "B"),
        Phone(0.28, 0.28 + length, "AA"),
        Phone(0.28 + length, 0.4 + length, "M"),
    ]
    context = talk(0.7, fps=fps)
    track = PhoneTrack(tuple(phones))
    features = replace(context.features, posteriors=one_hot(track.frames(len(context.features))))
    context = replace(context, features=features, phones=track)
    mask, times = lip_closure(None, context).mask, (np.arange(context.frames) + 0.5) / float(fps)
    inside = (times >= phones[1].start) & (times <= phones[1].end)
    assert mask[inside].min() < 0.1
    for phone in (phones[0], phones[2]):
        assert mask[(times >= phone.start - 0.03) & (times <= phone.end + 0.03)].max() == 1


def test_vowels_are_not_shut():
    context = talk()
    opened = mouth_gap(solve(context))
    times = (np.arange(len(opened)) + 0.5) / float(context.fps)
    vowels = [p for p in context.phones if p.label in ("AA", "AE", "AY", "AH")]
    assert all(opened[(times >= p.start) & (times <= p.end)].max() > 0.03 for p in vowels)


@pytest.mark.parametrize(
    "emotion", [*CATEGORIES[1:], "awe", "rage", "excitement", "awed", "distress", "-angry"]
)
def test_emotion_leaves_articulation(emotion):
    plain, felt = mouth_gap(solve(talk())), mouth_gap(solve(talk(emotion=emotion)))
    assert np.corrcoef(plain, felt)[0, 1] > 0.9


def test_silence_leaves_the_mouth_at_rest_and_the_eyes_alive():
    animation = compose(solve(talk(20, text="SIL")))
    mouth = [i for i, name in enumerate(animation.controls) if name.startswith(MOUTH)]
    assert not animation.values[:, mouth].any()
    assert len(rises(animation.channel("eyeBlinkLeft"), 0.5)) >= 2
    assert animation.channel("eyeLookOutLeft").std() > 0.01
    assert animation.head[:, :3].std() > 0.002


def test_no_motion_of_the_mouth_at_strength_zero():
    animation = compose(solve(talk(mouth=0.0)))
    mouth = [i for i, name in enumerate(animation.controls) if name.startswith(MOUTH)]
    assert not animation.values[:, mouth].any()


# Preparation

AFTER = "HH AH L OW " * 5


def opening(pause: int, text: str = AFTER, **settings) -> Layer | None:
    """The preparation before ``text`` after ``pause`` tenths of a second of silence, at 100 frames a second."""
    silence = "SIL " * pause
    whole = silence + text
    take = solve(talk(len(whole.split()) / 10, fps="100", text=whole, **settings))
    return next((x for x in take.layers if x.name == "prepare"), None)


def test_lips_part_before_an_utterance_and_near_its_first_phone():
    lips = [opening(15, seed=seed).animation.channel("mouthLowerDownLeft") for seed in range(20)]
    mean = np.mean(lips, axis=0)
    assert not mean[: 150 - 100].any() and not mean[150:].any()
    assert 0.08 < mean[150 - 35 : 150 - 20].min() and mean.max() < 0.3
    assert mean[150 - 2] < 0.4 * mean.max() and mean[150 - 70] < 0.4 * mean.max()
    assert np.std([x.max() for x in lips]) > 0.01


def test_a_shorter_pause_gives_a_smaller_preparation():
    def size(pause: int) -> float:
        lip = opening(0, AFTER + "SIL " * pause + AFTER)
        return 0.0 if lip is None else lip.animation.values.max()

    sizes = [size(pause) for pause in (1, 3, 4, 5, 8, 12)]
    assert sizes[0] == sizes[1] == 0 < sizes[2] < sizes[3] < sizes[4] == pytest.approx(sizes[5], rel=0.05)


def test_a_sound_that_begins_shortly_before_a_word_begins_with_parted_lips():
    lip = opening(4).animation.channel("mouthLowerDownLeft")
    assert lip[0] > 0.75 * lip.max() and not lip[40:].any()


def test_pauses_within_a_sound_are_prepared_too():
    lip = opening(2, AFTER + "SIL " * 9 + AFTER).animation.channel("mouthLowerDownLeft")
    assert lip[220:310].max() > 0.1 and not lip[20:220].any() and not lip[311:].any()


def test_preparation_follows_the_mouths_strength_and_lowers_nothing():
    assert opening(15, mouth=0.0) is None
    assert opening(15, mouth=0.5).animation.values.max() < 0.6 * opening(15).animation.values.max()
    take = solve(talk(20, fps="60"))
    below, above = (compose(x) for x in (take.without("prepare", "lip_closure"), take.without("lip_closure")))
    assert (above.values >= below.values - 0.01).all()  # the filter rings a little


def test_phones_that_no_lips_follow_are_not_prepared():
    context = talk(3, text="SIL " * 15 + AFTER)
    quiet = replace(context.features, energy=np.full_like(context.features.energy, -90))
    assert "prepare" not in [x.name for x in solve(replace(context, features=quiet)).layers]
    take = Take(context.fps, context.frames).with_layer(
        Layer("lips", "add", Animation(context.fps, ("jawOpen",), np.zeros((context.frames, 1))))
    )
    assert preparatory_opening(take, context) is None
