"""The phone encoder: any cutting of the sound gives the same features, and wrong models are refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.core.errors import ModelError, UsageError
from facegen.speech.audio import open_audio
from facegen.speech.load import load_encoder
from facegen.speech.logmel import logmel
from facegen.speech.phone_encoder import PhoneEncoder
from facegen.speech.phone_timing import decode_phones
from facegen.speech.phones import LABELS, Features
from facegen.speech.prosody import energy, pitch
from tests.helpers.phone_model import phone_model

pytest.importorskip("onnx", reason="the small test network is built with onnx (extra: train)")

RATE = 16_000


class Blocks:
    """The part of a Sound that encoders read: samples cut at the given sizes, the last size repeated."""

    estimate = None

    def __init__(self, samples: np.ndarray, sizes: list[int]) -> None:
        self._samples, self._sizes = samples, sizes

    def blocks(self):
        at, sizes = 0, list(self._sizes)
        while at < len(self._samples):
            size = sizes.pop(0) if len(sizes) > 1 else sizes[0]
            yield self._samples[at : at + size]
            at += size


def tone(seconds: float, seed: int = 0) -> np.ndarray:
    """A gliding buzz with noise, a silence in its middle."""
    count = round(seconds * RATE)
    time = np.arange(count) / RATE
    rng = np.random.default_rng(seed)
    sound = 0.2 * np.sign(np.sin(2 * np.pi * (110 + 20 * time) * time)) + 0.02 * rng.standard_normal(count)
    sound[count // 3 : count // 2] = 0
    return sound.astype(np.float32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small.onnx"
    path.write_bytes(phone_model())
    return path


@pytest.fixture(scope="module")
def strided(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "strided.onnx"
    path.write_bytes(phone_model(stride=4))
    return path


def streamed(encoder: PhoneEncoder, samples: np.ndarray, sizes: list[int], step: int) -> Features:
    stream = encoder.stream(step, bottleneck=True)
    parts = [stream.push(block) for block in Blocks(samples, sizes).blocks()] + [stream.close()]
    return Features(
        *(
            np.concatenate([getattr(p, n) for p in parts])
            for n in ("posteriors", "energy", "pitch", "bottleneck")
        )
    )


def whole(encoder: PhoneEncoder, samples: np.ndarray) -> Features:
    """The features by one run of the network over the whole sound, without the stream."""
    network = encoder.network
    frames = logmel(samples)
    around = np.pad(frames, ((network.left, network.right), (0, 0)), constant_values=network.pad_value)
    scores, deep = network.run(around, True)
    span = slice(network.left, network.left + len(frames))
    posteriors, loud = np.exp(scores[span]), energy(samples)
    posteriors[loud < -75] = np.eye(1, len(LABELS))
    return Features(posteriors, loud, pitch(samples), deep[span])


def assert_equal(a: Features, b: Features) -> None:
    assert len(a) == len(b)
    np.testing.assert_allclose(a.posteriors, b.posteriors, atol=1e-3)
    np.testing.assert_allclose(a.bottleneck, b.bottleneck, atol=1e-4)
    np.testing.assert_allclose(a.energy, b.energy, atol=1e-3)
    assert np.mean(np.abs(a.pitch - b.pitch) < 0.5) > 0.98


@pytest.mark.parametrize("kind", ["model", "strided"])
@pytest.mark.parametrize("count", [1, 159, 160, 161, 1600, 39_999])
def test_stream_equals_whole(kind, count, request):
    encoder = PhoneEncoder(request.getfixturevalue(kind))
    samples = tone(3.0)[:count]
    reference = whole(encoder, samples)
    assert len(reference) == -(-count // 160)
    for step in (4, 50, 1024):
        assert_equal(streamed(encoder, samples, [1000], step), reference)
    assert_equal(encoder.encode(Blocks(samples, [700]), bottleneck=True), reference)


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=6).filter(lambda s: s[-1] > 100))
def test_block_sizes_change_no_bit(model, sizes):
    encoder, samples = PhoneEncoder(model), tone(1.3, seed=3)
    a = encoder.encode(Blocks(samples, sizes))
    b = encoder.encode(Blocks(samples, [len(samples)]))
    assert all(np.array_equal(getattr(a, n), getattr(b, n)) for n in ("posteriors", "energy", "pitch"))


def test_rows_are_probabilities_and_silence_is_silent(model):
    samples = tone(1.5)
    features = PhoneEncoder(model).encode(Blocks(samples, [4096]))
    np.testing.assert_allclose(features.posteriors.sum(axis=1, dtype=np.float32), 1, atol=1e-3)
    assert features.bottleneck is None
    quiet = slice(55, 70)
    assert (features.posteriors[quiet, 0] == 1).all() and (features.speech[quiet] == 0).all()
    assert features.speech[10:45].mean() > 0.5  # the random network hears something in the buzz


def test_a_stream_lags_by_no_more_than_it_says(model):
    stream = PhoneEncoder(model).stream(step=4)
    given_frames = heard = 0
    for block in np.split(tone(1.0), 50):
        given_frames += len(stream.push(block))
        heard += len(block) / 160
        assert heard - given_frames <= stream.lag + 2 * 4
    assert given_frames > 80


def test_no_sound_at_all_gives_no_frames(model):
    features = PhoneEncoder(model).encode(Blocks(np.zeros(0, np.float32), [1]))
    assert len(features) == 0 and features.posteriors.shape == (0, len(LABELS))


def test_progress_counts_seconds(model):
    seen = []
    PhoneEncoder(model).encode(Blocks(tone(2.0), [8000]), lambda step, done, total: seen.append((step, done)))
    assert {step for step, _ in seen} == {"encode"}
    assert [done for _, done in seen] == sorted(done for _, done in seen)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda: b"", "can't be opened"),
        (lambda: b"\x00not a model" * 50, "can't be opened"),
        (lambda: phone_model(labels=LABELS[::-1]), "labels"),
        (lambda: phone_model(labels=LABELS[:30]), "labels"),
        (lambda: phone_model(sample_rate="8000"), "sample_rate is 8000"),
        (lambda: phone_model(left_context="-3"), "left_context is -3"),
        (lambda: phone_model(right_context="many"), "no number 'right_context'"),
        (lambda: phone_model(pad_value="nan"), "no number 'pad_value'"),
    ],
)
def test_other_models_are_refused(tmp_path, content, says):
    path = tmp_path / "other.onnx"
    path.write_bytes(content())
    with pytest.raises(ModelError) as caught:
        load_encoder(path)
    assert says in str(caught.value) and str(path) in str(caught.value) and caught.value.remedy


def test_encoders_by_name_and_by_path(model, tmp_path):
    assert isinstance(load_encoder(model), PhoneEncoder)
    with pytest.raises(UsageError, match="phones"):
        load_encoder("phonez")
    with pytest.raises(ModelError, match="no such file"):
        load_encoder(tmp_path / "none.onnx")


@pytest.fixture(scope="module")
def built_in():
    return PhoneEncoder()


def test_the_built_in_model_hears_phones_of_the_sample(built_in):
    sample = Path(__file__).parents[2] / "examples" / "hello.flac"
    samples = np.concatenate(list(open_audio(sample).blocks()))
    reference = whole(built_in, samples)
    assert 0.3 < np.mean(reference.speech > 0.5) < 1 and len(decode_phones(reference.posteriors)) > 5
    assert_equal(streamed(built_in, samples, [4000], 40), reference)
    assert_equal(built_in.encode(Blocks(samples, [5000]), bottleneck=True), reference)


@pytest.mark.parametrize("kind", ["digital silence", "hiss", "hum"])
def test_the_built_in_model_hears_no_speech_in(kind, built_in):
    rng, time = np.random.default_rng(1), np.arange(4 * RATE) / RATE
    samples = {
        "digital silence": np.zeros(len(time)),
        "hiss": 0.03 * rng.standard_normal(len(time)),
        "hum": 0.1 * sum(np.sin(2 * np.pi * 50 * k * time) / k for k in range(1, 6)),
    }[kind].astype(np.float32)
    features = built_in.encode(Blocks(samples, [9000]))
    assert np.mean(features.speech > 0.5) < 0.2
    assert kind != "digital silence" or (features.speech == 0).all()
