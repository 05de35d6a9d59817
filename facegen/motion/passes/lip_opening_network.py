"""The network that predicts how far the lips part before an utterance from the sound of the breath.

A breath through the mouth parts the lips and is audible; one through the nose keeps them shut. An ensemble of small
networks of one hidden layer reads log-mel bands of the pause, the time to the utterance and whether it begins with closed
lips. Trained on tracked faces by ``tools/training/train_lip_opening.py``.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from facegen.core.errors import ModelError
from facegen.core.files import read_bytes
from facegen.core.units import FEATURE_HZ
from facegen.speech.phones import FEATURE_BANDS

# All of these belong to the trained model: to change one, train again.
REACH_FRAMES = FEATURE_HZ
"""Feature frames (10 ms) before the utterance for which the lips are predicted: 1 s."""
BAND_OFFSETS = (-40, -28, -18, -10, -4, 0, 4, 10, 18, 28)
"""Feature frames around each frame whose bands the network reads. Hand-tuned."""
KNOTS = 11
"""Knots of the piecewise linear code of the time to the utterance. Hand-tuned."""
ONSET_FRAMES = 6
"""Feature frames before the utterance that are not read, since its own sound may have begun. Hand-tuned."""
PEAK_FRAMES = 80
"""Feature frames before the utterance over which the loudest value of each band is read. Hand-tuned."""
FLOOR_FRAMES, FLOOR_PERCENTILE = 40, 10
"""Least feature frames, and percentile of the bands over them, of the background's level. Hand-tuned."""
CONTRAST = 4.0
"""Log-mel units above the background at which the input saturates (tanh). Hand-tuned."""
_SMOOTH_FRAMES = 5
"""Feature frames of the Hann window that smooths the bands. Hand-tuned."""
MAX_BYTES = 1 << 22
"""Largest model file that is read, bytes (4 MiB)."""


def lip_opening_inputs(bands: np.ndarray | None, pause_start: int, onset: int, closed: bool) -> np.ndarray:
    """The networks' inputs for the frames of a pause, at most REACH_FRAMES of them.

    Parameters
    ----------
    bands : ndarray of shape (F, B), or None
        Log-mel bands of the sound (see ``Features``), where they are known.
    pause_start, onset : int
        Feature frames at which the pause and the utterance begin.
    closed : bool
        Whether the utterance begins with closed lips (p, b or m).

    Returns
    -------
    ndarray of float32, shape (N, I)
        A row for each frame from ``onset - REACH_FRAMES`` (not before ``pause_start``) to ``onset - 1``.
    """
    frames = np.arange(max(pause_start, onset - REACH_FRAMES), onset)
    position = np.interp(frames - onset, np.linspace(-REACH_FRAMES, 0, KNOTS), np.arange(KNOTS))
    knots = np.maximum(0, 1 - np.abs(np.arange(KNOTS) - position[:, None]))
    pause_length = np.full((len(frames), 1), min(1.0, (onset - pause_start) / REACH_FRAMES))
    flags = np.broadcast_to(np.array([bands is not None, closed], float), (len(frames), 2))
    if bands is None:
        sound = np.zeros((len(frames), (len(BAND_OFFSETS) + 1) * FEATURE_BANDS))
    else:
        contrast, first = _floor_contrast(bands, pause_start, onset)
        sound_end = max(pause_start, onset - ONSET_FRAMES)
        rows = contrast[
            np.clip(frames[:, None] + np.array(BAND_OFFSETS), pause_start, sound_end) - first
        ].reshape(len(frames), -1)
        loudest = contrast[
            max(pause_start, onset - PEAK_FRAMES) - first : max(sound_end, pause_start + 1) - first
        ].max(axis=0)
        sound = np.concatenate([rows, np.broadcast_to(loudest, (len(frames), len(loudest)))], axis=1)
    return np.concatenate([sound, knots, pause_length, flags], axis=1).astype(np.float32)


def _floor_contrast(bands: np.ndarray, pause_start: int, onset: int) -> tuple[np.ndarray, int]:
    """The bands [n, B] of the pause relative to its background, in -1..1, and the number of the first of these frames."""
    first = max(pause_start, onset - 3 * REACH_FRAMES)
    part = bands[first : max(onset, first + FLOOR_FRAMES)].astype(np.float32)
    contrast = part - np.percentile(part, FLOOR_PERCENTILE, axis=0)
    kernel = np.hanning(_SMOOTH_FRAMES + 2)[1:-1]
    padded = np.pad(contrast, ((_SMOOTH_FRAMES // 2,) * 2, (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH_FRAMES, axis=0)
    return np.tanh(windows @ (kernel / kernel.sum()) / CONTRAST), first


def predict_lip_opening(inputs: np.ndarray, model: dict[str, Any] | None = None) -> np.ndarray:
    """How far the lips are parted: the mean of the ensemble.

    Parameters
    ----------
    inputs : ndarray of float32, shape (N, I)
        From ``lip_opening_inputs``.
    model : dict, optional
        Arrays as ``weights`` gives them; by default those that ship.

    Returns
    -------
    ndarray, shape (N,)
        In 0..1, where 1 is the talker's wide opening in speech.
    """
    w = model or weights()
    hidden = np.maximum(inputs @ w["first"] + w["first_bias"][:, None], 0)
    out = (hidden @ w["second"][:, :, None])[:, :, 0] + w["second_bias"][:, None]
    return np.clip(out.mean(axis=0), 0.0, 1.0)


@lru_cache(maxsize=1)
def weights() -> dict[str, Any]:
    """The weights of the networks that ship.

    Returns
    -------
    dict of ndarray
        ``first`` (E, I, H), ``first_bias`` (E, H), ``second`` (E, H) and ``second_bias`` (E,) of E networks.

    Raises
    ------
    ModelError
        For a file that is missing or too large.
    """
    from safetensors.numpy import load

    path = str(resources.files("facegen") / "models" / "parting.safetensors")
    return load(read_bytes(path, limit=MAX_BYTES, error=ModelError))
