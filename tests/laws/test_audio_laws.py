"""What holds for every sound: lengths follow from durations, and block sizes never matter."""

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech.audio import open_audio, rechunk, resample
from facegen.speech.audio_decoding import scaled

rates = st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 44_056, 48_000, 96_000, 192_000])


def noise(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, count).astype(np.float32)


def split(samples: np.ndarray, cuts: list[int]) -> list[np.ndarray]:
    places = sorted({cut % (len(samples) + 1) for cut in cuts})
    return np.split(samples, places)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 9), st.integers(1, 30_000), rates, st.lists(st.integers(0, 30_000), max_size=12))
def test_resampling_does_not_know_block_sizes(seed, count, rate, cuts):
    samples = noise(seed, count)
    whole = np.concatenate(list(resample([samples], rate, SAMPLE_RATE_HZ)))
    parts = np.concatenate(list(resample(split(samples, cuts), rate, SAMPLE_RATE_HZ)))
    assert np.array_equal(whole, parts)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 50_000), st.integers(8_000, 192_000), st.integers(1, 3))
def test_the_length_follows_from_the_duration(count, rate, channels):
    sound = open_audio(np.zeros((count, channels), np.float32), rate=rate)
    length = sum(len(block) for block in sound.blocks())
    assert sound.duration == Fraction(count, rate)
    assert length == max(1, round(sound.duration * SAMPLE_RATE_HZ))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 9), st.integers(100, 30_000), st.floats(0, 1), st.floats(0.001, 1))
def test_a_span_is_a_slice(seed, count, start, duration):
    samples = noise(seed, count)
    first = round(Fraction(start) * SAMPLE_RATE_HZ)
    if first >= count:
        return
    sound = open_audio(samples, rate=SAMPLE_RATE_HZ, start=start, duration=duration)
    heard = np.concatenate(list(sound.blocks()))
    last = round((Fraction(start) + Fraction(duration)) * SAMPLE_RATE_HZ)
    assert np.array_equal(heard, samples[first : max(first + 1, last)])


@given(st.integers(0, 2000), st.lists(st.integers(0, 2000), max_size=8), st.integers(1, 700))
def test_rechunking_keeps_all_samples(count, cuts, size):
    samples = np.arange(count)
    blocks = list(rechunk(split(samples, cuts), size))
    assert all(len(block) == size for block in blocks[:-1])
    assert np.array_equal(np.concatenate([samples[:0], *blocks]), samples)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=50), st.sampled_from([8, 16, 32]))
def test_scaled_integers_keep_order_and_range(values, bits):
    codes = np.array([v >> (32 - bits) for v in values], f"int{bits}")
    levels = scaled(codes[None])[0]
    assert levels.min() >= -1 and levels.max() <= 1
    assert np.array_equal(levels, (codes / 2.0 ** (bits - 1)).astype(np.float32))
