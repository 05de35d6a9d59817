"""What ships keeps the protocols, and so does the least that a plug-in can write: it animates files and live sound."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import facegen
from facegen.config import Config
from facegen.core import registry
from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.registry import Registry
from facegen.emotion import EmotionCurve
from facegen.emotion.encoder import EmotionEncoder
from facegen.emotion.load import load_emotion_encoder
from facegen.live.sinks import Sink
from facegen.motion.lipsync import Decoder, load_decoder
from facegen.motion.passes import PASSES
from facegen.speech.encoder import Encoder, StreamWindow
from facegen.speech.load import load_encoder
from facegen.speech.phones import LABELS, Features

FRAME = 160  # samples at 16 kHz
THRESHOLD_DB = -35.0


def loudness(samples: np.ndarray) -> np.ndarray:
    power = np.mean(samples.reshape(-1, FRAME).astype(np.float64) ** 2, axis=1)
    return (10 * np.log10(power + 1e-12)).astype(np.float32)


def features_of(samples: np.ndarray) -> Features:
    """AA where it is loud, silence elsewhere."""
    energy = loudness(samples)
    posteriors = np.zeros((len(energy), len(LABELS)), np.float32)
    loud = energy > THRESHOLD_DB
    posteriors[loud, LABELS.index("AA")] = 1
    posteriors[~loud, 0] = 1
    return Features(posteriors, energy, np.zeros(len(energy), np.float32))


class LoudnessStream:
    def __init__(self) -> None:
        self.rest = np.zeros(0, np.float32)

    def push(self, block):
        samples = np.concatenate([self.rest, block])
        whole = len(samples) // FRAME * FRAME
        self.rest = samples[whole:]
        return features_of(samples[:whole])

    def close(self):
        return features_of(np.pad(self.rest, (0, -len(self.rest) % FRAME)))


class LoudnessEncoder(Encoder):
    """A speech encoder in two methods."""

    def encode(self, sound, progress=None):
        samples = np.concatenate(list(sound.blocks()))
        return features_of(np.pad(samples, (0, -len(samples) % FRAME)))

    def stream(self, step):
        return LoudnessStream()


class HappyStream:
    """Happy throughout, ten rows a second."""

    def __init__(self) -> None:
        self.samples = self.rows = 0

    def push(self, block, features=None):
        self.samples += len(block)
        return self.until(self.samples // 1600)

    def close(self, features=None):
        return self.until(-(-self.samples // 1600))

    def until(self, count):
        new, self.rows = count - self.rows, count
        categories = np.zeros((new, 8), np.float32)
        categories[:, 1] = 1
        return EmotionCurve(np.zeros((new, 3)), categories, np.ones(new), np.zeros((new, 6)))


class HappyEncoder(EmotionEncoder):
    def stream(self, live=False):
        return HappyStream()


class JawDecoder(Decoder):
    """A decoder in one method."""

    controls = ("jawOpen",)
    before = ahead = 0

    def decode(self, context):
        speech = np.asarray(context.features.speech, np.float32)[:, None]
        return Animation(context.fps, self.controls, context.at_frames(0.5 * speech))


class OldEncoder:
    """One that can't process live sound."""

    encode = LoudnessEncoder.encode


@pytest.fixture
def plugins(monkeypatch):
    for kind, name, cls in (
        ("encoders", "loudness", LoudnessEncoder),
        ("encoders", "old", OldEncoder),
        ("emotion_encoders", "cheerful", HappyEncoder),
        ("decoders", "jaw", JawDecoder),
    ):
        monkeypatch.setitem(registry._BUILT_IN[kind], name, f"{__name__}:{cls.__name__}")
    return {"encoder": "loudness", "emotion_encoder": "cheerful", "decoder": "jaw"}


@pytest.fixture(scope="module")
def speech(sample):
    return soundfile.read(sample, dtype="float32")[0][: 3 * 16000 + 77]


def test_what_ships_keeps_the_protocols():
    assert all(isinstance(load_encoder(name), Encoder) for name in Registry("encoders").names())
    assert all(isinstance(load_decoder(name), Decoder) for name in Registry("decoders").names())
    names = Registry("emotion_encoders").names()
    assert names and all(isinstance(load_emotion_encoder(name), EmotionEncoder) for name in names)
    for name in Registry("streams").names():
        sink = Registry("streams").get(name)
        assert not [
            x for x in ("send", "messages", "notes", "close", "paced", "options") if not hasattr(sink, x)
        ]
    for row in PASSES:
        assert row.run.__code__.co_varnames[:2] == ("take", "context"), row.name


def test_a_sink_is_one(tmp_path):
    from facegen.live.sinks import open_sink

    sink = open_sink(f"jsonl:{tmp_path / 'frames.jsonl'}")
    assert isinstance(sink, Sink)
    sink.close()


def test_a_plug_in_animates_a_file(plugins, speech):
    take = facegen.animate(speech, rate=16000, passes=("expression", "limit"), **plugins)
    plain = facegen.animate(speech, rate=16000, passes=("expression", "limit"))
    jaw, smile = take.channel("jawOpen"), take.channel("mouthSmileLeft")
    assert 0.3 < jaw.max() <= 0.5 and jaw.min() == 0
    assert smile[-20:].mean() > 0.2 > plain.channel("mouthSmileLeft")[-20:].mean()


def test_a_plug_in_streams(plugins, speech):
    settings = {**plugins, "passes": ("limit",), "emotion": "neutral", "latency": 300}
    whole = facegen.animate(speech, rate=16000, passes=("limit",), emotion="neutral", **plugins)
    for size in (320, 1601):
        blocks = np.split(speech, range(size, len(speech), size))
        frames = list(facegen.stream(blocks, rate=16000, **settings))
        live = np.array([controls["jawOpen"] for _, controls in frames])
        assert len(live) == len(whole)
        assert np.abs(live - whole.channel("jawOpen")).max() < 1e-6


def test_a_plug_in_streams_its_emotion(plugins, speech):
    blocks = np.split(speech, range(320, len(speech), 320))
    smile = [c["mouthSmileLeft"] for _, c in facegen.stream(blocks, rate=16000, **plugins)]
    assert np.mean(smile[-15:]) > 0.2 > np.mean(smile[:15])


def test_an_encoder_without_a_stream_animates_files_only(plugins, speech):
    settings = {**plugins, "encoder": "old"}
    assert facegen.animate(speech, rate=16000, **settings).channel("jawOpen").max() > 0.3
    with pytest.raises(UsageError, match="live sound"):
        next(facegen.stream([speech], rate=16000, **settings))


def test_the_window_of_a_stream_forgets_what_is_old(speech):
    window = StreamWindow(LoudnessStream(), keep=31)
    for block in np.split(speech, range(999, len(speech), 999)):
        window.push(block)
        assert window.start % 2 == 0 and len(window.window()) == window.count - window.start <= 32
    window.close()
    whole = features_of(np.pad(speech, (0, -len(speech) % FRAME)))
    assert window.count == len(whole)
    assert np.array_equal(window.window().energy, whole.energy[window.start :])


def test_rows_of_a_decoder_are_its_decoding_at_the_rate_of_features(speech):
    features = features_of(speech[:16000])
    rows = JawDecoder().rows(features, Config())
    assert np.array_equal(rows[:, 0], 0.5 * features.speech)
