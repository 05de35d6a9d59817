"""The decoder's training side: network, export, losses, and training that goes on where it ended."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs torch (extra: train)")
pytest.importorskip("onnx", reason="the export needs onnx (extra: train)")
import onnxruntime
import torch

from facegen.core.animation import Animation
from facegen.motion.lipsync.gestures import CONTROLS
from facegen.motion.lipsync.gestures import controls as decoder_controls
from facegen.motion.lipsync.learned import GESTURES, SPEAKER_DIMENSIONS
from facegen.speech.phones import LABELS
from tools.evaluation.lip_heads import aria_head, ict_head
from tools.training import train_lip_decoder
from tools.training.lip_decoder import (
    batches,
    export,
    losses,
    network,
    time_stretch,
)


def inputs(frames: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(len(LABELS), 0.1), (1, frames)).astype(np.float32)
    return (
        rows,
        rng.normal(size=(1, frames, 3)).astype(np.float32),
        rng.normal(size=(1, 5)).astype(np.float32),
    )


def test_onnx_gives_the_mean_of_what_torch_gives():
    torch.manual_seed(1)
    models = [network.LipNet(16).eval() for _ in range(3)]
    content = export.onnx_model(models, {"s1": [0.0] * SPEAKER_DIMENSIONS}, 1, "test").SerializeToString()
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    given = inputs(60)
    feed = dict(zip(("posteriors", "prosody", "style"), given, strict=True))
    with torch.inference_mode():
        wanted = torch.stack([m(*map(torch.from_numpy, given)) for m in models]).mean(dim=0)
    np.testing.assert_allclose(session.run(["gestures"], feed)[0], wanted.numpy(), atol=5e-3)


def test_context_is_as_stated():
    torch.manual_seed(1)
    model = network.LipNet(16).eval()
    first, second, style = map(torch.from_numpy, inputs(400))
    at = 200
    with torch.inference_mode():
        base = model(first, second, style)
        other = second.clone()
        other[:, at] += 1
        moved = (model(first, other, style) - base).abs().amax(dim=(0, 2)).numpy()
    frames = np.flatnonzero(moved > 1e-7)
    assert at - network.RIGHT <= frames.min() and frames.max() <= at + network.LEFT


def test_torch_and_the_decoder_make_the_same_controls():
    rows = np.random.default_rng(2).random((40, len(GESTURES))).astype(np.float32)
    named = dict(zip(GESTURES, rows.T, strict=True))
    made = network.controls(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(made[:, : len(CONTROLS)], decoder_controls(named, 1.0, 1.0), atol=1e-5)


def test_a_mumbled_target_is_smaller_and_smoother_and_a_careful_one_larger():
    t = torch.sin(torch.arange(75) * 0.9)[None].abs()
    small, same, large = (losses.articulated(t, torch.tensor([a])) for a in (-1.0, 0.0, 1.0))
    torch.testing.assert_close(same, t)
    assert small.max() < 0.7 * t.max() and large.max() > 1.4 * t.max()


def test_the_head_opens_with_the_jaw_and_widens_with_a_smile():
    head = losses.LipHead(aria_head())
    rows = torch.zeros(3, len(losses.LEARNED_CONTROLS))
    rows[1, losses.LEARNED_CONTROLS.index("jawOpen")] = 0.5
    rows[2, losses.LEARNED_CONTROLS.index("mouthSmileLeft")] = 0.5
    gap, width = head(rows).unbind(dim=-1)
    assert gap[0] == 0 and width[0] == 0 and gap[1] > 0.1 and width[2] > 0.01


def test_lips_in_training_are_those_that_are_measured():
    """Combination shapes too. Raised brows draw apart the eyes corners, by which lips are measured: not in training."""
    head = aria_head()
    rows = np.random.default_rng(4).random((50, len(losses.LEARNED_CONTROLS))).astype(np.float32)
    trained = losses.LipHead(head)(torch.from_numpy(rows)).numpy()
    gap, width = head.aperture_and_width(Animation(25.0, losses.LEARNED_CONTROLS, rows))
    rest = head.aperture_and_width(Animation(25.0, losses.LEARNED_CONTROLS, 0 * rows))
    np.testing.assert_allclose(trained[:, 0], gap - rest[0], rtol=5e-3, atol=2e-3)
    np.testing.assert_allclose(trained[:, 1], width - rest[1], rtol=5e-3, atol=2e-3)


def test_the_other_head_of_the_training_opens_with_the_jaw(data_folder):
    rows = np.zeros((2, 1), np.float32)
    rows[1] = 0.5
    gap, _ = ict_head(data_folder / "ict-facekit").aperture_and_width(Animation(25.0, ("jawOpen",), rows))
    assert gap[1] > gap[0] + 0.1


def pieces(count: int, who: int, seed: int) -> batches.Pieces:
    """Rows of random sound; with a face where ``who`` is a GRID speaker."""
    rng = np.random.default_rng(seed)
    seen = who < batches.SPEAKERS.index("facegood")
    captured = who == batches.SPEAKERS.index("facegood")
    curve = rng.random((count, 75)).astype(np.float32)
    nothing = np.full((count, 75), np.nan, np.float32)
    return batches.Pieces(
        heard=np.concatenate(
            [rng.dirichlet(np.full(40, 0.1), (count, 2, 300)), rng.normal(size=(count, 2, 300, 3))], axis=-1
        ).astype(np.float16),
        gate=np.ones((count, 2, 300), np.float16),
        taught=rng.random((count, 300, len(GESTURES))).astype(np.float16),
        who=np.full(count, who),
        gap=0.1 * curve if seen else nothing,
        width=0.03 * curve if seen else nothing,
        brow=curve if seen else nothing,
        captured=np.full((count, 75, len(losses.LEARNED_CONTROLS)), 0.2 if captured else np.nan, np.float32),
        phones=rng.integers(0, 40, (count, 300)).astype(np.int16),
        name=np.array([f"{who}-{i}" for i in range(count)]),
    )


@pytest.fixture
def corpus(monkeypatch):
    small = {"grid": pieces(6, 0, 1), "facegood": pieces(4, 6, 2), "readers": pieces(4, batches.NOBODY, 3)}
    for name, value in small.items():
        monkeypatch.setattr(batches, name, lambda cache, value=value: value)
    monkeypatch.setattr(losses, "heads", lambda folder: (losses.LipHead(aria_head()),))
    return train_lip_decoder.Corpus(argparse.Namespace(cache=None, data=None, leave=[], all_takes=False))


def test_training_goes_on_where_it_ended(corpus, tmp_path):
    def train(steps: int, folder) -> train_lip_decoder.Trainer:
        options = argparse.Namespace(
            steps=4, batch=6, channels=8, rate=1e-3, dropout=0.1, seed=1, checkpoint=folder, until=steps
        )
        trainer = train_lip_decoder.Trainer(options, corpus, 0)
        trainer.run()
        return trainer

    whole = train(4, tmp_path / "whole")
    train(2, tmp_path / "parts")
    parts = train(4, tmp_path / "parts")
    for a, b in zip(whole.averaged.parameters(), parts.averaged.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_batches_hold_the_shares_of_the_speakers_sorted_by_what_is_known(corpus):
    batch = corpus.draw(np.random.default_rng(1), 20)
    assert len(batch) == 20 and batch.posteriors.shape[1] == batches.BEFORE + 300 + batches.AFTER
    assert (batch.who[: batch.filmed] == 0).all() and batch.filmed in (14, 15)
    assert (
        batch.who[batch.filmed : batch.filmed + batch.captured] == batches.SPEAKERS.index("facegood")
    ).all()
    assert torch.isfinite(batch.gap).all() and torch.isfinite(batch.curves).all()
    assert (batch.posteriors[:, 0, 0] == 1).all()  # silence about the piece


def test_a_piece_said_faster_is_heard_and_seen_faster(corpus):
    batch = corpus.draw(np.random.default_rng(2), 12)
    count = len(batch)
    same = time_stretch.said_again(batch, torch.ones(count), torch.zeros(count))
    for name in ("posteriors", "gate", "taught", "gap", "bilabial", "curves"):
        torch.testing.assert_close(getattr(same, name), getattr(batch, name), atol=1e-5, rtol=0)
    late = time_stretch.said_again(batch, torch.full((count,), 2.0), torch.full((count,), 1 / 3))
    inner = slice(batches.BEFORE, -batches.AFTER)
    wanted = batch.posteriors[:, inner][:, 100:].reshape(count, 100, 2, -1).mean(dim=2)
    torch.testing.assert_close(late.posteriors[:, inner][:, :100], wanted)
    torch.testing.assert_close(late.gap[:, :25], batch.gap[:, 25:].reshape(-1, 25, 2).mean(dim=2))
    assert (late.gap[:, 25:] == batch.gap[:, -1:]).all()
    torch.testing.assert_close(late.posteriors[:, : batches.BEFORE], batch.posteriors[:, : batches.BEFORE])


def test_captured_words_are_mostly_hurried_and_films_hardly(corpus):
    batch = corpus.draw(np.random.default_rng(3), 60)
    drawn, start = time_stretch.drawn(np.random.default_rng(4), batch)
    captured = drawn[batch.filmed : batch.filmed + batch.captured]
    assert captured.min() > 0.9 and captured.max() > 1.2
    assert (torch.log(drawn[: batch.filmed]).abs() <= time_stretch.USUAL + 1e-6).all()
    last = start + drawn  # as a part of the piece
    assert (torch.where(drawn < 1, last, torch.ones(1)) <= 1).all()


def test_pieces_travel_as_bytes_and_are_heard_as_the_product_hears_them():
    from facegen.motion.lipsync.learned import prosody_of, speech_gate
    from facegen.speech.audio import open_audio
    from facegen.speech.load import load_encoder
    from tools.training.lip_decoder.windows import Ear, cut, described

    sound = open_audio("examples/hello.flac")
    heard = load_encoder("phones").encode(sound)
    samples = np.concatenate(list(open_audio("examples/hello.flac").blocks()))
    kept = described(cut(samples)[0])
    first = Ear(1, 2).hear(0, *(kept[k] for k in ("mel", "loud", "hz")))
    inside = slice(0, 250)  # what lies behind the piece is not heard in it
    assert np.abs(first.heard[0, inside, :40] - heard.posteriors[inside]).mean() < 2e-3
    prosody = prosody_of(heard.posteriors, heard.energy, heard.pitch)
    np.testing.assert_allclose(first.heard[0, inside, 40:], prosody[inside], atol=0.05)
    gate = speech_gate(heard.posteriors, heard.energy)
    assert np.abs(first.gate[0, inside] - gate[inside]).mean() < 0.02
    assert np.abs(first.heard[1] - first.heard[0]).max() > 0.1
    again = Ear(1, 2).hear(0, *(kept[k] for k in ("mel", "loud", "hz")))
    np.testing.assert_array_equal(first.heard, again.heard)
