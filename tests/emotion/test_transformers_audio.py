"""A transformers audio classifier from a folder in the place of the built-in emotion encoder."""

from __future__ import annotations

import json

import numpy as np
import pytest

import facegen
from facegen.core.errors import ModelError
from facegen.emotion import CATEGORIES, EmotionCurve
from facegen.emotion.load import load_emotion_encoder

torch = pytest.importorskip("torch", reason='no torch: pip install "facegen[torch]"')
transformers = pytest.importorskip("transformers", reason='no transformers: pip install "facegen[portrait]"')

LABELS = ("angry", "hap", "neutral", "sadness")
RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny random wav2vec2 classifier as such folders are."""
    place = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8, 8),
        conv_stride=(5, 8, 8),
        conv_kernel=(10, 8, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        num_labels=len(LABELS),
        id2label=dict(enumerate(LABELS)),
        label2id={label: i for i, label in enumerate(LABELS)},
        classifier_proj_size=8,
    )
    transformers.Wav2Vec2ForSequenceClassification(config).save_pretrained(place)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(place)
    return place


def test_it_answers_and_blocks_give_the_whole(folder, sample):
    heard = facegen.emotion(sample, duration=3, emotion_encoder=str(folder)).heard
    assert len(heard) == 30
    assert heard.categories[:, CATEGORIES.index("fearful")].max() == 0
    assert np.allclose(heard.categories[:, :4].sum(axis=1), 1, atol=1e-5)
    from facegen.speech.audio import open_audio

    (samples,) = open_audio(sample, duration=3).blocks()
    stream = load_emotion_encoder(folder).stream(live=True)
    parts = [stream.push(samples[at : at + 1500]) for at in range(0, len(samples), 1500)]
    again = EmotionCurve.joined([*parts, stream.close()])
    for ours, theirs in zip(again.arrays, heard.arrays, strict=True):
        assert np.abs(ours - theirs).max() < 1e-4


def test_the_face_follows_it(folder, sample):
    take = facegen.solve(sample, duration=2, emotion_encoder=str(folder))
    assert len(take.emotion.heard) == 20


def test_silence_is_nothing_and_short_sound_is_answered(folder):
    for samples in (np.zeros(RATE, np.float32), np.full(800, 0.1, np.float32) * np.sin(np.arange(800))):
        heard = facegen.emotion(samples.astype(np.float32), rate=RATE, emotion_encoder=str(folder)).heard
        assert len(heard) == -(-len(samples) // 1600)


def test_broken_folders_are_refused(folder, tmp_path):
    with pytest.raises(ModelError, match="no folder with a model"):
        load_emotion_encoder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "wav2vec2"}')
    with pytest.raises(ModelError):
        load_emotion_encoder(tmp_path)


def test_labels_that_name_no_emotion_are_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["id2label"] = {str(i): f"LABEL_{i}" for i in range(len(LABELS))}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="name no emotion"):
        load_emotion_encoder(tmp_path)


def test_a_model_that_gives_nan_is_refused(folder, tmp_path, sample):
    model = transformers.Wav2Vec2ForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        model.classifier.bias.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="not finite"):
        facegen.emotion(sample, duration=2, emotion_encoder=str(tmp_path))
