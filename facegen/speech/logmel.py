"""Log-mel front end of the phone encoder: 80 bands at 100 Hz, numpy and scipy.fft only.

Frame i covers samples [HOP i, HOP (i + 1)); its Hann window of WINDOW samples is centred on the middle of
that span, so it reads samples [HOP i - CONTEXT, HOP (i + 1) + CONTEXT). A caller that streams hands
`logmel_frames` a block with CONTEXT real samples on either side and gets the frames of the whole.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft

from facegen.core.units import FEATURE_STEP_SAMPLES, SAMPLE_RATE_HZ, WINDOW_SAMPLES
from facegen.speech.phones import FEATURE_BANDS

HOP = FEATURE_STEP_SAMPLES  # samples, 10 ms
WINDOW = WINDOW_SAMPLES  # samples, 25 ms
CONTEXT = (WINDOW - HOP) // 2  # samples read before and after a frame's own span
FFT_SIZE = 512
BANDS = 80
LOW_HZ, HIGH_HZ = 50.0, 7600.0
POWER_FLOOR = 1e-8  # -80 dB: below a quiet room, above the noise of 16-bit sound
SILENCE = float(np.log(POWER_FLOOR))  # every band of a frame of digital silence
_BLOCK_FRAMES = 2048  # keeps the spectra in cache and the memory bounded


def logmel_frame_count(sample_count: int) -> int:
    """Number of frames of a signal: ceil(N / HOP)."""
    return -(-sample_count // HOP)


def logmel(samples: np.ndarray) -> np.ndarray:
    """Log-mel frames [T, BANDS] float32 of mono sound [N] at 16 kHz, T = ceil(N / HOP), zeros beyond both ends."""
    return logmel_frames(pad_for_frames(samples))


def pad_for_frames(samples: np.ndarray) -> np.ndarray:
    """Sound [N] with the zeros around it that the first and the last window read: [2 CONTEXT + HOP T]."""
    samples = np.asarray(samples, dtype=np.float32)
    tail = logmel_frame_count(len(samples)) * HOP - len(samples)
    return np.pad(samples, (CONTEXT, CONTEXT + tail))


def logmel_frames(padded: np.ndarray, step: int = 1) -> np.ndarray:
    """Log-mel frames [T, BANDS] of [2 CONTEXT + HOP T] samples, of which the first and last CONTEXT are context only;
    every ``step``-th of them.

    Any block of a longer signal that begins at a frame gives the same frames as the whole, to 1e-5.
    """
    windows = frame_windows(padded)[::step]
    out = np.empty((len(windows), BANDS), dtype=np.float32)
    taper, mel = _taper(), _mel_rows()
    for start in range(0, len(windows), _BLOCK_FRAMES):
        block = windows[start : start + _BLOCK_FRAMES] * taper
        spectrum = scipy.fft.rfft(block, FFT_SIZE, axis=1)
        power = np.ascontiguousarray((spectrum.real**2 + spectrum.imag**2).T)
        out[start : start + _BLOCK_FRAMES] = np.log(mel @ power + np.float32(POWER_FLOOR)).T
    return out


def broad(mel: np.ndarray) -> np.ndarray:
    """Log-mel [..., BANDS] in FEATURE_BANDS broad bands, each the mean of as many narrow ones."""
    bands: np.ndarray = mel.reshape(*mel.shape[:-1], FEATURE_BANDS, BANDS // FEATURE_BANDS).mean(axis=-1)
    return bands


def frame_windows(padded: np.ndarray, context: int = CONTEXT) -> np.ndarray:
    """Read-only view [T, HOP + 2 context] of the windows of [2 context + HOP T] samples."""
    padded = np.ascontiguousarray(padded, dtype=np.float32)
    width = HOP + 2 * context
    if len(padded) < width:
        return np.empty((0, width), dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(padded, width)[::HOP]


@lru_cache
def _taper() -> np.ndarray:
    """Hann window [WINDOW], scaled so that white noise of variance v has power v in each FFT bin."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    return (hann / np.sqrt(np.sum(hann**2))).astype(np.float32)


@lru_cache
def mel_weights() -> np.ndarray:
    """Mel filter bank [FFT_SIZE / 2 + 1, BANDS]: triangles on the HTK mel scale, each summing to one.

    A triangle is integrated over the width of each FFT bin: sampled at the bin's centre, the lowest bands, narrower
    than two bins, would come out uneven.
    """
    edges = _hz(np.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), BANDS + 2))
    step = SAMPLE_RATE_HZ / FFT_SIZE
    fine = (np.arange((FFT_SIZE // 2 + 1) * 64) + 0.5) / 64 * step - step / 2  # Hz, 64 points a bin
    rise = (fine[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - fine[:, None]) / (edges[2:] - edges[1:-1])
    triangles = np.clip(np.minimum(rise, fall), 0, None)
    weights = triangles.reshape(FFT_SIZE // 2 + 1, 64, BANDS).mean(axis=1)
    return (weights / weights.sum(axis=0)).astype(np.float32)


@lru_cache
def _mel_rows() -> Any:
    """`mel_weights` transposed and sparse: quick, and summed in one order, where a BLAS with another number of threads
    gives other last bits."""
    from scipy.sparse import csr_array

    return csr_array(np.ascontiguousarray(mel_weights().T))


def mel_centres() -> tuple[np.ndarray, np.ndarray]:
    """Centre and width of each band in Hz, [BANDS] each."""
    edges = _hz(np.linspace(_mel(LOW_HZ), _mel(HIGH_HZ), BANDS + 2))
    return edges[1:-1], np.diff(edges)[:-1]


def _mel(hz):
    return 2595.0 * np.log10(1.0 + np.asarray(hz) / 700.0)


def _hz(mel):
    return 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)
