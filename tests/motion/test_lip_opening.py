"""How far lips part before an utterance: what the networks are told, and what they make of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facegen.motion.passes.lip_opening_network import lip_opening_inputs, predict_lip_opening
from facegen.speech.audio import open_audio
from facegen.speech.lexicon import pronounce
from facegen.speech.load import load_encoder
from facegen.speech.logmel import broad, logmel
from facegen.speech.phone_timing import refine_alignment
from facegen.speech.phones import FEATURE_BANDS


def quiet_room(frames: int = 150) -> np.ndarray:
    """Bands of a room in which nobody is heard."""
    return np.random.default_rng(0).normal(-14, 0.4, (frames, FEATURE_BANDS)).astype(np.float16)


@pytest.mark.parametrize("shut", [False, True])
def test_a_breath_that_is_heard_parts_the_lips_wider(shut):
    room = quiet_room()
    breath, hum, gain = room.copy(), room.copy(), room + 6
    breath[75:125, 4:13] += 4 * np.hanning(50)[:, None].astype(np.float16)
    hum[75:125, :2] += 4
    still, drawn, low, loud = (
        predict_lip_opening(lip_opening_inputs(x, 0, 150, shut)) for x in (room, breath, hum, gain)
    )
    assert drawn.max() > 1.5 * still.max() and low.max() < 1.1 * still.max()
    assert 75 <= 50 + int(drawn.argmax()) < 125  # while it is drawn
    np.testing.assert_allclose(loud, still, atol=0.02)  # however near the microphone


@settings(max_examples=40, deadline=None)
@given(low=st.integers(0, 140), at=st.integers(0, 150), seed=st.integers(0, 9), known=st.booleans())
def test_parting_is_told_of_each_frame_of_the_pause_in_0_to_1(low, at, seed, known):
    bands = np.random.default_rng(seed).normal(-12, 3, (160, FEATURE_BANDS)).astype(np.float16)
    predicted = (
        predict_lip_opening(lip_opening_inputs(bands if known else None, low, at, False))
        if at > low
        else np.zeros(0)
    )
    assert len(predicted) == max(0, min(at - low, 100))
    assert ((predicted >= 0) & (predicted <= 1)).all()


def test_bands_are_heard_alike_whole_and_in_blocks():
    sound = np.random.default_rng(3).normal(0, 0.05, 16_000 * 3 + 77).astype(np.float32)
    stream = load_encoder("phones").stream(step=50)
    parts = [stream.push(sound[at : at + 4000]).bands for at in range(0, len(sound), 4000)]
    parts.append(stream.close().bands)
    np.testing.assert_allclose(np.concatenate(parts), broad(logmel(sound)), atol=0.02)


def test_a_transcript_leaves_what_was_heard_of_the_breath():
    sound = open_audio("examples/hello.flac")
    heard = load_encoder("phones").encode(sound)
    given, *_ = refine_alignment(heard, pronounce("hello, my name is facegen"))
    np.testing.assert_array_equal(given.bands, heard.bands)
    assert not np.array_equal(given.posteriors, heard.posteriors)


def test_trained_networks_are_read_as_they_were_made():
    torch = pytest.importorskip("torch", reason="training needs torch (extra: train)")
    from torch import nn

    from tools.training.train_lip_opening import stacked

    inputs = lip_opening_inputs(quiet_room(), 0, 150, False)
    nets = [
        nn.Sequential(
            nn.Dropout(), nn.Linear(inputs.shape[1], 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 1)
        ).eval()
        for _ in range(3)
    ]
    with torch.inference_mode():
        wanted = torch.stack([net(torch.from_numpy(inputs))[:, 0] for net in nets]).mean(dim=0)
    made = predict_lip_opening(inputs, stacked(nets))
    np.testing.assert_allclose(made, wanted.clamp(0, 1).numpy(), atol=1e-5)
