"""How a voice sounds, apart from what it says: level, pitch, clarity and the spectrum's shape at 50 Hz.

Like `logmel`, each row reads a fixed number of samples around it, so sound that comes in blocks gives the rows of the
whole.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

from facegen.core.units import FEATURE_HZ, SAMPLE_RATE_HZ
from facegen.speech.logmel import BANDS, CONTEXT, HOP, logmel_frames, mel_centres
from facegen.speech.prosody import VOICING_CONTEXT, voicing_frames

STEP = 2  # frames of 100 Hz in a row
VOICE_HZ = FEATURE_HZ // STEP
VOICE_HOP = STEP * HOP
VOICE_CONTEXT = VOICING_CONTEXT + VOICE_HOP  # samples before and after a row
EDGES_HZ = (50, 500, 1000, 2000, 3500, 5000, 7600)
CEPSTRA = 13
_BANDS = len(EDGES_HZ) - 1
LEVEL, PITCH, CLARITY = range(3)
BANDS_AT, CEPSTRA_AT = slice(3, 3 + _BANDS), slice(3 + _BANDS, 3 + _BANDS + CEPSTRA)
VOICE_WIDTH = 3 + _BANDS + CEPSTRA
NYQUIST_HZ = (
    SAMPLE_RATE_HZ / 2
)  # a mel band's power times its width, summed and divided by this, is that of the sound
_FLOOR = 1e-9


def voice_frames(padded: np.ndarray) -> np.ndarray:
    """Rows [T, VOICE_WIDTH] of [2 VOICE_CONTEXT + VOICE_HOP T] samples at 16 kHz, of which both ends are context only.

    Level in dB; pitch in Hz, 0 where unvoiced; clarity 0..1; dB in the bands between EDGES_HZ; mel cepstra 1 to 13.
    """
    padded = np.asarray(padded, np.float32)
    hz, clarity = voicing_frames(padded, STEP)
    pitch = np.median(np.stack([hz[:-2], hz[1:-1], hz[2:]]), axis=0)
    mel = logmel_frames(padded[VOICE_CONTEXT - CONTEXT : len(padded) - VOICE_CONTEXT + CONTEXT], STEP)
    groups, cosines = _tables()
    power = np.einsum("tb,bg->tg", np.exp(mel), groups)  # not a BLAS, whose last bits depend on its threads
    level = power.sum(axis=1, keepdims=True)
    shape = 10 * np.log10((np.concatenate([level, power], axis=1) + _FLOOR) / NYQUIST_HZ)
    return np.concatenate(
        [
            shape[:, :1],
            pitch[:, None],
            clarity[1:-1, None],
            shape[:, 1:],
            np.einsum("tb,bc->tc", mel, cosines),
        ],
        axis=1,
        dtype=np.float32,
    )


@lru_cache
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """Weights [80, 6] that sum the power of mel bands between EDGES_HZ, and cosines [80, 13] of the cepstra."""
    centres, widths = mel_centres()
    groups = [
        widths * ((centres >= low) & (centres < high))
        for low, high in zip(EDGES_HZ, EDGES_HZ[1:], strict=False)
    ]
    cosines = scipy.fft.dct(np.eye(BANDS), type=2, axis=1, norm="ortho")[:, 1 : 1 + CEPSTRA]
    return np.stack(groups, axis=1).astype(np.float32), cosines.astype(np.float32)
