"""Laws of the feature front end: frame grid, exact blocks, known signals, speed."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech import logmel, prosody
from facegen.speech.logmel import BANDS, CONTEXT, HOP, SILENCE


def noise(count: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def tone(hz: float, seconds: float, level: float = 0.3) -> np.ndarray:
    t = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (level * np.sin(2 * np.pi * hz * t)).astype(np.float32)


@given(count=st.integers(0, 5000))
@settings(max_examples=40, deadline=None)
def test_there_is_a_frame_for_every_begun_hop(count):
    sound = noise(count)
    frames = -(-count // HOP)
    assert logmel.logmel(sound).shape == (frames, BANDS)
    assert prosody.energy(sound).shape == (frames,)
    assert prosody.pitch(sound).shape == (frames,)


@given(first=st.integers(0, 60), count=st.integers(1, 60), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_a_block_with_its_context_gives_the_frames_of_the_whole(first, count, seed):
    sound = noise(HOP * 120, seed)
    padded = np.pad(sound, 4000)

    def block(function, context):
        start = 4000 + first * HOP
        return function(padded[start - context : start + count * HOP + context])

    part = slice(first, first + count)
    np.testing.assert_allclose(
        block(logmel.logmel_frames, CONTEXT), logmel.logmel(sound)[part], atol=1e-5, rtol=0
    )
    np.testing.assert_allclose(
        block(prosody.energy_frames, prosody.ENERGY_CONTEXT), prosody.energy(sound)[part], atol=1e-3
    )
    np.testing.assert_allclose(
        block(prosody.pitch_frames, prosody.PITCH_CONTEXT), prosody.pitch(sound)[part], atol=0.1
    )


def test_digital_silence_is_the_floor():
    silent = np.zeros(3200, np.float32)
    np.testing.assert_allclose(logmel.logmel(silent), SILENCE, atol=1e-5)
    np.testing.assert_allclose(prosody.energy(silent), prosody.SILENCE_DB, atol=1e-3)
    assert not prosody.pitch(silent).any()


def test_a_window_is_centred_on_its_frame():
    sound = np.zeros(HOP * 41, np.float32)
    sound[HOP * 20 + HOP // 2] = 1.0  # the middle of frame 20
    level = logmel.logmel(sound).mean(axis=1)
    assert level.argmax() == 20
    np.testing.assert_allclose(level[19], level[21], atol=0.1)


@pytest.mark.parametrize("hz", [120, 440, 1000, 3000, 7000])
def test_a_tone_is_loudest_in_the_band_that_holds_it(hz):
    mel = logmel.logmel(tone(hz, 0.5))[10:-10].mean(axis=0)
    weights = logmel.mel_weights()
    centres = weights.T @ (np.arange(len(weights)) * SAMPLE_RATE_HZ / logmel.FFT_SIZE)
    nearest = np.argsort(np.abs(centres - hz))[:2]
    assert mel.argmax() in nearest


def test_every_band_hears_something_and_weighs_one():
    np.testing.assert_allclose(logmel.mel_weights().sum(axis=0), 1.0, rtol=1e-4)


@given(gain=st.floats(0.1, 3.0))
@settings(max_examples=20, deadline=None)
def test_gain_shifts_log_mel_and_energy(gain):
    sound = noise(8000)
    shift = logmel.logmel(sound * np.float32(gain)) - logmel.logmel(sound)
    np.testing.assert_allclose(shift, 2 * np.log(gain), atol=0.05)
    louder = prosody.energy(sound * np.float32(gain)) - prosody.energy(sound)
    np.testing.assert_allclose(louder, 20 * np.log10(gain), atol=0.01)


def test_energy_of_a_full_sine_is_minus_three_decibels():
    middle = prosody.energy(tone(500, 0.5, level=1.0))[10:-10]
    np.testing.assert_allclose(middle, -3.01, atol=0.1)


@pytest.mark.parametrize("hz", [80, 123.4, 220, 331, 480])
def test_pitch_of_a_voice_like_tone(hz):
    sound = sum(tone(k * hz, 0.6, level=0.3 / k) for k in range(1, 8) if k * hz < 7000)
    middle = prosody.pitch(sound)[10:-10]
    np.testing.assert_allclose(middle, hz, rtol=0.02)


def test_noise_has_no_pitch():
    assert np.mean(prosody.pitch(noise(SAMPLE_RATE_HZ * 3)) > 0) < 0.05


@pytest.mark.slow
def test_an_hour_takes_seconds():
    minutes = 5
    sound = noise(SAMPLE_RATE_HZ * 60 * minutes)
    for function, limit in ((logmel.logmel, 6), (prosody.energy, 6), (prosody.pitch, 15)):
        best = min(_seconds(function, sound) for _ in range(3))
        assert best * 60 / minutes < limit, function.__name__


def _seconds(function, sound) -> float:
    start = time.process_time()
    function(sound)
    return time.process_time() - start
