"""How far the lips part before an utterance, told by the sound of the breath: small networks learned from faces.

Who draws breath through the mouth parts the lips for it and can be heard; who draws it through the nose keeps them shut.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from facegen.errors import ModelError
from facegen.files import read_bytes
from facegen.phones import HEARD_BANDS
from facegen.units import FEATURE_HZ

REACH = FEATURE_HZ  # frames before the utterance that are told
EARLIER, LATER = 30, 30  # frames before those and of the utterance that are heard beside them
KNOTS = 11  # of the time to the utterance
FLOOR_FRAMES, FLOOR_PERCENTILE = 40, 10
RANGE = 4.0  # in which loudness over the floor, in units of log-mel, counts most
DILATIONS = (1, 2, 4)  # of the networks' convolutions
MAX_BYTES = 1 << 22


def described(bands: np.ndarray | None, low: int, at: int, shut: bool) -> np.ndarray:
    """What the networks are told of the frames ``at`` - REACH - EARLIER to ``at`` + LATER - 1, [N, I] float32.

    ``bands`` [F, B] are a sound's (see Features), or None; the pause begins at frame ``low``, the utterance at ``at``,
    and ``shut`` says that it begins with closed lips."""
    frames = np.arange(at - REACH - EARLIER, at + LATER)
    time = np.interp(frames - at, np.linspace(-REACH, 0, KNOTS), np.arange(KNOTS))
    knots = np.maximum(0, 1 - np.abs(np.arange(KNOTS) - time[:, None]))
    known = frames >= low
    flags = np.stack([known, known & (bands is not None), np.full(len(frames), shut)], axis=1)
    heard = np.zeros((len(frames), HEARD_BANDS))
    if bands is not None:
        first = max(low, at - 3 * REACH)
        floor = np.percentile(bands[first : max(at, first + FLOOR_FRAMES)], FLOOR_PERCENTILE, axis=0)
        rows = bands[np.clip(frames, low, len(bands) - 1)].astype(np.float32)
        heard = np.tanh((rows - floor) / RANGE) * known[:, None]
    return np.concatenate([heard, knots, flags], axis=1).astype(np.float32)


def parted(inputs: np.ndarray, model: dict[str, Any] | None = None) -> np.ndarray:
    """How far the lips are parted in the frames ``at`` - REACH to ``at`` - 1, [REACH] in 0..1 of the talker's wide
    opening, of ``inputs`` [N, I] as `described` makes them; what it says of frames before the pause means nothing."""
    w = model or weights()
    hidden = _convolved(np.broadcast_to(inputs, (len(w["out"]), *inputs.shape)), w, 0)
    for layer in range(1, len(DILATIONS)):
        hidden = hidden + _convolved(hidden, w, layer)
    out = (hidden @ w["out"][:, :, None])[:, EARLIER : EARLIER + REACH, 0] + w["out_bias"][:, None]
    return np.clip(out.mean(axis=0), 0.0, 1.0)


def _convolved(rows: np.ndarray, w: dict[str, Any], layer: int) -> np.ndarray:
    """The rectified convolution ``layer`` of each network's ``rows`` [E, N, C], beyond whose ends lies nothing."""
    kernel = w[f"layer{layer}"]  # E (K C) H
    size = kernel.shape[1] // rows.shape[2]
    reach = DILATIONS[layer] * (size // 2)
    padded = np.pad(rows, ((0, 0), (reach, reach), (0, 0)))
    at = np.arange(rows.shape[1])[:, None] + DILATIONS[layer] * np.arange(size)
    windows = padded[:, at].reshape(*rows.shape[:2], -1)
    return np.maximum(windows @ kernel + w[f"layer{layer}_bias"][:, None], 0)


@lru_cache(maxsize=1)
def weights() -> dict[str, Any]:
    """Of the networks that ship: ``layer0``… [E, K * C, H], ``layer0_bias``… [E, H], ``out`` [E, H], ``out_bias`` [E]."""
    from safetensors.numpy import load

    path = str(resources.files("facegen") / "models" / "parting.safetensors")
    return load(read_bytes(path, limit=MAX_BYTES, error=ModelError))
