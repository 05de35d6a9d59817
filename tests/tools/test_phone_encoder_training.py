"""The encoder's training side: network, ONNX export, batches, alignment, synthetic sounds."""

import unicodedata

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (extra: train)")
pytest.importorskip("onnx", reason="the export needs onnx (extra: train)")
import onnxruntime
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.speech.logmel import BANDS, SILENCE
from facegen.speech.phones import LABELS
from tools.training.phone_encoder import (
    batches,
    export,
    network,
    noise,
    sentences,
    viseme_classes,
    viterbi,
)


@pytest.fixture(scope="module")
def small():
    """A small network with random weights and running statistics, and its ONNX session."""
    torch.manual_seed(3)
    model = network.PhoneNet(channels=24).eval()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    model.mean.fill_(-8.0)
    model.scale.fill_(0.3)
    content = export.onnx_model(model, seed=3, version="test").SerializeToString()
    return model, onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])


def mel(batch: int, frames: int, seed: int = 0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(-8, 3, (batch, frames, BANDS))).astype(np.float32)


def test_onnx_gives_what_torch_gives(small):
    model, session = small
    sound = mel(2, 120)
    posteriors, bottleneck = session.run(["log_posteriors", "bottleneck"], {"logmel": sound})
    with torch.inference_mode():
        expected, narrow = model(torch.from_numpy(sound))
    # The weights are stored in half precision.
    np.testing.assert_allclose(posteriors, expected.numpy(), atol=5e-3)
    np.testing.assert_allclose(bottleneck, narrow.numpy(), atol=5e-3)
    np.testing.assert_allclose(np.exp(posteriors).sum(-1), 1, atol=1e-5)


def test_training_goes_on_from_what_was_exported(small, tmp_path):
    model, session = small
    path = tmp_path / "phones.onnx"
    path.write_bytes(export.onnx_model(model, seed=3, version="test").SerializeToString())
    read = network.PhoneNet(channels=24).eval()
    export.load(path, read)
    sound = mel(1, 80)
    with torch.inference_mode():
        posteriors, bottleneck = read(torch.from_numpy(sound))
    wanted = session.run(["log_posteriors", "bottleneck"], {"logmel": sound})
    np.testing.assert_allclose(posteriors, wanted[0], atol=1e-3)
    np.testing.assert_allclose(bottleneck, wanted[1], atol=1e-3)


@pytest.mark.parametrize("language", ["ko", "ar", "ru", "ja", "hi", "cmn-latn-pinyin"])
def test_words_of_a_language_without_a_list_are_of_its_letters(language):
    words = sentences.other(np.random.default_rng(1), language, [])
    again = sentences.other(np.random.default_rng(1), language, [])
    script = {"ko": "HANGUL", "ar": "ARABIC", "ru": "CYRILLIC", "ja": "HIRAGANA", "hi": "DEVANAGARI"}
    letters = [c for c in words if c not in " 、" and not c.isdigit()]
    assert words == again and letters
    assert all(unicodedata.name(c).startswith(script.get(language, "LATIN")) for c in letters)


@given(frames=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_there_is_an_output_for_every_frame(small, frames):
    posteriors, bottleneck = small[1].run(["log_posteriors", "bottleneck"], {"logmel": mel(1, frames)})
    assert posteriors.shape == (1, frames, len(LABELS)) and bottleneck.shape == (
        1,
        frames,
        network.BOTTLENECK,
    )


@given(first=st.integers(0, 30), count=st.integers(1, 60))
@settings(max_examples=20, deadline=None)
def test_a_window_with_its_context_gives_the_whole(small, first, count):
    session = small[1]
    known = session.get_modelmeta().custom_metadata_map
    left, right = int(known["left_context"]), int(known["right_context"])
    assert left % network.STRIDE == 0 and right <= 18
    sound, start = mel(1, 400), 140 + 2 * first
    whole = session.run(["log_posteriors"], {"logmel": sound})[0]
    window = sound[:, start - left : start + count + right]
    part = session.run(["log_posteriors"], {"logmel": window})[0][:, left : left + count]
    np.testing.assert_allclose(part, whole[:, start : start + count], atol=1e-4)


def write_cache(folder, rng) -> None:
    for name in batches.SHARES:
        frames = rng.normal(-8, 3, (1500, BANDS)).astype(np.float16)
        labels = np.zeros(1500, np.int8) if name == "noise" else rng.integers(-1, 40, 1500).astype(np.int8)
        np.savez(
            folder / f"{name}.npz", frames=frames, labels=labels, ends=np.array([700, 1100, 1500]),
            speakers=np.array(["a", "b", "c"]), test=np.array([False, True, False]),
        )  # fmt: skip


def test_batches_are_finite_seeded_and_labelled(tmp_path):
    write_cache(tmp_path, np.random.default_rng(0))
    first, labels = batches.Batches(tmp_path, 5, 6).next()
    again, _ = batches.Batches(tmp_path, 5, 6).next()
    other, _ = batches.Batches(tmp_path, 6, 6).next()
    assert first.shape == (6, batches.FRAMES, BANDS) and labels.shape == (6, batches.FRAMES)
    assert np.isfinite(first).all() and first.min() >= SILENCE - 1e-3
    assert labels.min() >= -1 and labels.max() < 40
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_held_out_recordings_are_never_drawn(tmp_path):
    write_cache(tmp_path, np.random.default_rng(0))
    with np.load(tmp_path / "grid.npz") as file:
        content = dict(file)
    content["labels"] = np.full(1500, 1, np.int8)
    content["labels"][700:1100] = 2  # the second recording, which is for testing
    np.savez(tmp_path / "grid.npz", **content)
    source, rng = batches.Source.read(tmp_path / "grid.npz"), np.random.default_rng(1)
    assert not any((source.draw(rng, 400)[1] == 2).any() for _ in range(50))


def test_viterbi_finds_the_times_of_a_known_sequence():
    truth = [0] * 12 + [5] * 7 + [9] * 4 + [0] * 6 + [5] * 5 + [0] * 9
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1, (len(truth), 40))
    logits[np.arange(len(truth)), truth] += 6
    scores = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    spans = viterbi.align(scores, [[5, 9], [5]], np.full(40, -np.log(40)))
    assert spans == [(12, 19, 5), (19, 23, 9), (29, 34, 5)]
    with pytest.raises(ValueError):
        viterbi.align(scores[:5], [[5, 9], [5]], np.zeros(40))


def test_every_label_is_in_one_viseme_class():
    assert (viseme_classes.membership().sum(axis=0) == 1).all()


@pytest.mark.parametrize("kind", noise.KINDS)
def test_noises_are_finite_bounded_and_seeded(kind):
    sounds = [noise.clip(kind, np.random.default_rng(seed), 2.0) for seed in (1, 1, 2)]
    assert sounds[0].shape == (32000,) and np.isfinite(sounds[0]).all() and np.abs(sounds[0]).max() <= 1
    np.testing.assert_array_equal(sounds[0], sounds[1])
