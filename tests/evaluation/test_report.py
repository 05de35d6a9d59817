"""The card: good takes pass, and each fault is caught by the line that is for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.config import Config
from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, AudioError
from facegen.evaluation.metrics.spans import FaultSpan, frozen_spans, runs, seconds_in, speech_spans
from facegen.evaluation.report import CheckReport, check
from facegen.evaluation.report.audio_checks import SOUND
from facegen.evaluation.report.motion_checks import MOTION
from facegen.evaluation.report.thresholds import FAIL, PASS, SKIPPED, WARN, Range, ranges
from facegen.motion.take import Take, compose
from facegen.pipeline import animate as pipeline
from facegen.rig import ARKIT
from facegen.speech.audio import Audio, read_audio
from facegen.speech.phones import Phone, PhoneTrack
from tests.laws.strategies import animations

RATE = 16_000


@pytest.fixture(scope="module")
def take(sample) -> Take:
    return pipeline.solve(sample, Config())


@pytest.fixture(scope="module")
def good(take) -> Animation:
    return compose(take)


@pytest.fixture(scope="module")
def speech(sample) -> np.ndarray:
    return read_audio(sample).samples


def faults(card: CheckReport, *verdicts: str) -> set[str]:
    return {line.name for line in card.lines if line.verdict in (verdicts or (FAIL, WARN))}


def changed(animation: Animation, **curves) -> Animation:
    """With functions of the curves ``curves`` in their place."""
    values = np.array(animation.values)
    for name, function in curves.items():
        values[:, animation.controls.index(name)] = function(animation.channel(name))
    return replace(animation, values=values)


def moved(animation: Animation, frames: int) -> Animation:
    return replace(animation, values=np.roll(animation.values, frames, axis=0))


def test_a_good_take_passes_every_line(take, sample):
    card = check(take, sample)
    assert not faults(card, FAIL, WARN, SKIPPED) and card.verdict == PASS and not card.failed
    assert [line.name for line in card.lines] == [row.name for row in (*MOTION, *SOUND)]


@pytest.mark.parametrize("fps", ["24", "29.97", "60", "120"])
def test_a_good_take_passes_at_any_rate(fps, sample):
    assert not faults(check(pipeline.solve(sample, Config(fps=fps, seed=5)), sample), FAIL, WARN)


@pytest.mark.parametrize("emotion", ["happy:0.7", "sad:0.7", "angry:0.7", "surprised:0.6", "disgusted:0.7"])
def test_an_emotion_is_no_fault(emotion, sample):
    assert not faults(check(pipeline.solve(sample, Config(emotion=emotion)), sample), FAIL)


def test_grid_takes_have_no_fail(data_folder):
    clips = sorted((data_folder / "grid-multi" / "clips").glob("*.mp4"))[::12]
    clips += sorted((data_folder / "grid-s1" / "clips").glob("*.mp4"))[::220]
    assert len(clips) >= 10
    for clip in clips:
        card = check(pipeline.solve(clip, Config()), clip)
        assert not faults(card, FAIL), clip
        assert len(faults(card, WARN)) <= 2, clip  # lips that part before speech count as motion in silence


def test_captures_of_actors_have_no_fault(data_folder):
    captures = sorted((data_folder / "livelink-captures").glob("*.csv"))
    assert len(captures) == 4
    for capture in captures:
        card = check(capture)
        assert not faults(card, FAIL, WARN), capture
        assert card.line("blinks_a_minute").verdict == PASS
        assert (
            card.line("sync_offset").verdict == SKIPPED
            and "give the sound" in card.line("sync_offset").reason
        )


@pytest.mark.parametrize("frames", [-4, 4, 9])
def test_shifted_curves_are_out_of_sync(frames, good, sample):
    line = check(moved(good, frames), sample).line("sync_offset")
    assert line.verdict == FAIL
    assert line.value == pytest.approx(frames * 1000 / 30, abs=10)
    assert ("late" if frames > 0 else "early") in line.spans[0].text


def test_a_small_shift_passes(good, sample):
    assert check(moved(good, 1), sample).line("sync_offset").verdict == PASS


@pytest.mark.slow
def test_real_lips_are_in_sync(data_folder):
    """Shift of tracked lips against the lips expected of the sound; needs mediapipe."""
    pytest.importorskip("mediapipe")
    from fractions import Fraction

    from facegen.evaluation.metrics.curves import best_shift
    from facegen.evaluation.report.inputs import CheckInputs, by_rule
    from facegen.evaluation.report.run_checks import recognize_audio
    from tools.evaluation.lip_tracking import aperture_and_width, track

    shifts = []
    for clip in sorted((data_folder / "grid-multi" / "clips").glob("*.mp4"))[:40:10]:
        gap = aperture_and_width(track(clip))[0]
        heard = recognize_audio(str(clip), Config())
        moved = by_rule(heard.features, heard.phones, Fraction(25), len(gap))
        shifts.append(best_shift(gap, CheckInputs(moved, heard.phones).gap, 25, 0.6)[0])
    assert abs(np.median(shifts)) < 45


def test_a_take_without_sound_is_held_against_its_own_phones(take):
    card = check(take)
    assert card.line("closure_rate").value == 100 and card.line("silence_motion").verdict == SKIPPED
    late = replace(
        take,
        layers=tuple(
            replace(x, animation=moved(x.animation, 5), mask=None) for x in take.layers if x.name == "lips"
        ),
    )
    assert check(late).line("sync_offset").verdict == FAIL


def test_lips_that_stay_apart_are_named(good, sample):
    parted = changed(good, jawOpen=lambda x: np.maximum(x, 0.2), mouthClose=np.zeros_like)
    line = check(parted, sample).line("closure_rate")
    assert line.verdict == FAIL and line.value == 0
    assert {span.text[0] for span in line.spans} == {"P", "B", "M"}
    for span in line.spans:
        assert span.text.endswith(": the lips stay apart") and 0 < span.start < span.end < good.seconds


def test_lips_that_stay_shut_are_named(good, sample):
    card = check(changed(good, jawOpen=lambda x: x * 0.05), sample)
    assert card.line("open_vowels_shut").verdict in (WARN, FAIL)


def test_no_blinks(take, good, sample):
    assert check(compose(take.without("blink")), sample).line("blinks_a_minute").verdict == FAIL
    once = good.concat(good).concat(good)
    never = changed(once, eyeBlinkLeft=np.zeros_like, eyeBlinkRight=np.zeros_like)
    line = check(never).line("blinks_a_minute")
    assert line.value == 0 and line.spans == (FaultSpan(0.0, never.seconds, "no blink for 26 s"),)


def test_a_short_clip_is_not_blamed_for_not_blinking(take):
    line = check(compose(take.without("blink")).slice(0, 3)).line("blinks_a_minute")
    assert line.verdict == SKIPPED and "shorter" in line.reason


def test_clipped_curves(good, sample):
    card = check(changed(good, jawOpen=lambda x: np.clip(6 * x, 0, 1)), sample)
    line = card.line("clipped_speech")
    assert line.verdict == FAIL and all(span.text == "jawOpen held at 1" for span in line.spans)
    assert card.line("out_of_range").verdict == PASS
    held = changed(good, browInnerUp=lambda x: np.ones_like(x))
    assert check(held).line("clipped_expression").verdict == WARN
    lids = changed(good, eyeBlinkLeft=lambda x: np.where(good.times % 4 < 0.2, 1, x))
    assert check(lids).line("clipped_expression").verdict == PASS, "a blink shuts the lids"
    lids = changed(good, eyeBlinkLeft=lambda x: np.where(good.times % 4 < 2, 1, x))
    assert check(lids).line("clipped_expression").verdict == WARN


def test_values_out_of_range(good):
    line = check(changed(good, jawOpen=lambda x: 6 * x)).line("out_of_range")
    assert line.verdict == FAIL and line.spans[0].text == "jawOpen outside 0..1"
    assert check(changed(good, jawOpen=lambda x: x - 0.1)).line("out_of_range").verdict == FAIL


def test_noise_on_the_curves(good, sample):
    rng = np.random.default_rng(0)
    noisy = np.clip(good.values + 0.05 * rng.standard_normal(good.values.shape), 0, 1)
    card = check(replace(good, values=noisy), sample)
    assert card.line("mouth_jitter").verdict == FAIL and card.line("mouth_jitter").spans
    assert card.line("silence_motion").verdict == FAIL


def test_lips_that_talk_in_silence(good, sample):
    """The speaker pauses from 2.6 to 3.4 s."""
    chatter = 0.3 + 0.3 * np.sin(2 * np.pi * 3 * good.times)
    pause = (good.times > 2.4) & (good.times < 3.4)
    card = check(changed(good, jawOpen=lambda x: np.where(pause, chatter, x)), sample)
    line = card.line("silence_lips")
    assert line.verdict == FAIL and all(2.3 < s.start < s.end < 3.5 for s in line.spans)
    assert card.line("silence_motion").verdict == WARN


def test_frozen(good, sample):
    values, head = np.array(good.values), np.array(good.head)
    values[60:120], head[60:120] = values[60], head[60]
    line = check(replace(good, values=values, head=head), sample).line("frozen_curves")
    assert line.verdict == FAIL
    assert (2.0, 4.0) in [(s.start, s.end) for s in line.spans if s.text == "the whole face stands still"]
    stuck = np.array(good.values)
    stuck[60:120, good.controls.index("jawOpen")] = 0.2
    line = check(replace(good, values=stuck), sample).line("frozen_curves")
    assert line.verdict == FAIL and line.spans[0].text == "jawOpen stands still in speech"


def test_a_mouth_alone_may_rest_in_silence(take, sample):
    lips = replace(take, layers=(take.layer("lips"),))
    assert check(lips, sample).line("frozen_curves").verdict == PASS


def test_another_sound(good, data_folder):
    other = sorted((data_folder / "facegood" / "audio").glob("*.opus"))[0]
    card = check(good, other)
    assert card.line("length_difference").verdict == FAIL
    assert {"lip_agreement", "sync_offset", "closure_rate"} & faults(card, FAIL, WARN)


def test_the_span_that_a_take_was_solved_from(sample):
    take = pipeline.solve(sample, Config(start=3.0, duration=4.0))
    card = check(take, sample)
    assert card.line("length_difference").verdict == PASS and abs(card.line("sync_offset").value) <= 20


def test_a_transcript_says_what_is_spoken(good, sample):
    heard, given = (check(good, sample, text=t).drawing["phones"] for t in (None, "hello my name is"))
    assert heard != given


@given(animations())
def test_any_animation_can_be_checked(animation):
    card = check(animation)
    for line in card.lines:
        assert line.verdict in (PASS, WARN, FAIL, SKIPPED)
        assert (line.value is None) == (line.verdict == SKIPPED) == bool(line.reason)
        for span in line.spans:
            assert 0 <= span.start < span.end <= animation.seconds + 1e-6


@settings(max_examples=12)
@given(st.integers(1, 4000), st.sampled_from([8000, 16000, 44100]))
def test_any_short_sound_can_be_checked(count, rate):
    rng = np.random.default_rng(count)
    assert check(Audio((0.1 * rng.standard_normal(count)).astype(np.float32), rate)).lines


def test_a_mouth_with_other_controls_is_not_judged():
    wave = np.abs(np.sin(np.arange(300) / 5))[:, None]
    card = check(Animation(30, ("CTRL_jaw",), wave))
    assert card.line("mouth_jitter").reason == "it has no controls of the mouth"
    assert card.line("blinks_a_minute").verdict == SKIPPED


def test_files_that_can_not_be_read(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(AnimationFileError):
        check(broken)
    with pytest.raises(AudioError):
        check(tmp_path / "missing.wav")


def test_every_row_has_a_range_and_every_range_a_row():
    rows = [row.name for row in (*MOTION, *SOUND)]
    assert sorted(rows) == sorted(ranges())
    assert all(found.source and found.unit for found in ranges().values())


def test_verdicts():
    found = Range(-1, 1, -2, None, "ms", "")
    assert [found.verdict(v) for v in (-3, -2, -1, 0, 1, 50)] == [FAIL, WARN, PASS, PASS, PASS, WARN]
    assert str(found) == "-1..1" and str(Range(None, 3, None, 4, "", "")) == "at most 3"
    assert str(Range(2, None, 1, None, "", "")) == "at least 2" and str(Range(0, 0, 0, 1, "", "")) == "0"


def test_runs():
    mask = np.array([1, 1, 0, 1, 0, 0, 0, 1], bool)
    assert runs(mask, 10) == [(0.0, 0.2), (0.3, 0.4), (0.7, 0.8)]
    assert runs(mask, 10, least=0.2) == [(0.0, 0.2)]
    assert runs(mask, 10, least=0.3, bridge=0.1) == [(0.0, 0.4)]
    assert runs(np.zeros(0, bool), 10) == []
    assert seconds_in(
        [FaultSpan(0, 1), FaultSpan(0.5, 2), FaultSpan(3, 4), FaultSpan(3.2, 3.4)]
    ) == pytest.approx(3)


def test_a_phrase_holds_its_short_pauses():
    phones = PhoneTrack((Phone(0.0, 0.2, "AA"), Phone(0.4, 0.5, "M"), Phone(1.5, 2.0, "AA")))
    assert runs(speech_spans(phones, 30, 10), 10) == [(0.0, 0.5), (1.5, 2.0)]


def test_a_held_vowel_of_a_tracker_is_not_frozen():
    rng = np.random.default_rng(0)
    values = np.zeros((90, len(ARKIT)), np.float32)
    values[:, ARKIT.index("jawOpen")] = 0.3 + 1e-4 * rng.standard_normal(90)
    assert frozen_spans(Animation(30, ARKIT, values), PhoneTrack((Phone(0.0, 3.0, "AA"),))) == []


def test_same_subject_same_card(take, sample):
    assert check(take, sample) == check(take, Path(sample))
