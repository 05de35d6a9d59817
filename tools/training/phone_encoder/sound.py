"""Sound files as 16 kHz mono arrays, for training."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

RATE = 16_000


def load_sound(path: Path) -> np.ndarray:
    """The sound of an audio or video file, mono at 16 kHz, [N] float32."""
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    parts = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            parts += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        parts += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)
