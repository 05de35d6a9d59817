"""How far the lips part before an utterance, told by the sound of the breath: small networks learned from faces.

Who draws breath through the mouth parts the lips for it and can be heard; who draws it through the nose keeps them shut.
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

REACH = FEATURE_HZ  # frames before the utterance that are told
PLACES = (-40, -28, -18, -10, -4, 0, 4, 10, 18, 28)
"""Frames about a frame at which it hears the bands."""
KNOTS = 11  # of the time to the utterance
LAST = 6  # frames before the utterance in which its own sound has begun
LOUDEST = 80  # frames before the utterance of which the loudest counts
FLOOR_FRAMES, FLOOR_PERCENTILE = 40, 10
RANGE = 4.0  # in which loudness over the floor, in units of log-mel, counts most
_SMOOTH = 5  # frames
MAX_BYTES = 1 << 22


def described(bands: np.ndarray | None, low: int, at: int, shut: bool) -> np.ndarray:
    """What the networks are told of the frames ``at`` - REACH to ``at`` - 1 that are not before ``low``, [N, I] float32.

    ``bands`` [F, B] are a sound's (see Features), or None; the pause begins at frame ``low``, the utterance at ``at``,
    and ``shut`` says that it begins with closed lips."""
    frames = np.arange(max(low, at - REACH), at)
    time = np.interp(frames - at, np.linspace(-REACH, 0, KNOTS), np.arange(KNOTS))
    knots = np.maximum(0, 1 - np.abs(np.arange(KNOTS) - time[:, None]))
    room = np.full((len(frames), 1), min(1.0, (at - low) / REACH))
    flags = np.broadcast_to(np.array([bands is not None, shut], float), (len(frames), 2))
    if bands is None:
        heard = np.zeros((len(frames), (len(PLACES) + 1) * FEATURE_BANDS))
    else:
        over, first = _over_floor(bands, low, at)
        last = max(low, at - LAST)
        rows = over[np.clip(frames[:, None] + np.array(PLACES), low, last) - first].reshape(len(frames), -1)
        loudest = over[max(low, at - LOUDEST) - first : max(last, low + 1) - first].max(axis=0)
        heard = np.concatenate([rows, np.broadcast_to(loudest, (len(frames), len(loudest)))], axis=1)
    return np.concatenate([heard, knots, room, flags], axis=1).astype(np.float32)


def _over_floor(bands: np.ndarray, low: int, at: int) -> tuple[np.ndarray, int]:
    """The bands [n, B] about the pause over its floor, in -1..1, and which frame is the first of them."""
    first = max(low, at - 3 * REACH)
    part = bands[first : max(at, first + FLOOR_FRAMES)].astype(np.float32)
    over = part - np.percentile(part, FLOOR_PERCENTILE, axis=0)
    kernel = np.hanning(_SMOOTH + 2)[1:-1]
    padded = np.pad(over, ((_SMOOTH // 2,) * 2, (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _SMOOTH, axis=0)
    return np.tanh(windows @ (kernel / kernel.sum()) / RANGE), first


def predict_lip_opening(inputs: np.ndarray, model: dict[str, Any] | None = None) -> np.ndarray:
    """How far the lips are parted, [N] in 0..1 of the talker's wide opening, of ``inputs`` [N, I]."""
    w = model or weights()
    hidden = np.maximum(inputs @ w["first"] + w["first_bias"][:, None], 0)
    out = (hidden @ w["second"][:, :, None])[:, :, 0] + w["second_bias"][:, None]
    return np.clip(out.mean(axis=0), 0.0, 1.0)


@lru_cache(maxsize=1)
def weights() -> dict[str, Any]:
    """Of the networks that ship: ``first`` [E, I, H], ``first_bias`` [E, H], ``second`` [E, H], ``second_bias`` [E]."""
    from safetensors.numpy import load

    path = str(resources.files("facegen") / "models" / "parting.safetensors")
    return load(read_bytes(path, limit=MAX_BYTES, error=ModelError))
