"""Loudness and pitch on the frame grid of `logmel` (100 Hz), numpy and scipy.fft only.

Like `logmel`, both read a fixed number of samples around each frame, so a caller that streams and keeps
ENERGY_CONTEXT or PITCH_CONTEXT samples on either side gets the frames of the whole.
"""

import numpy as np
import scipy.fft

from facegen.core.units import SAMPLE_RATE_HZ
from facegen.speech.logmel import CONTEXT, HOP, WINDOW, frame_windows, logmel_frame_count

ENERGY_CONTEXT = CONTEXT  # samples before and after a frame
SILENCE_DB = -100.0  # energy of digital silence
LOW_PITCH_HZ, HIGH_PITCH_HZ = 60.0, 600.0
PITCH_MEDIAN = 5  # frames
_DECIMATION = 2  # pitch is read at 8 kHz
_PITCH_FRAME_CONTEXT = 432  # samples at 16 kHz either side of the hop: a window of 64 ms
_FIR_HALF = 16  # samples at 16 kHz
PITCH_CONTEXT = (
    _PITCH_FRAME_CONTEXT + _FIR_HALF + (PITCH_MEDIAN // 2) * HOP
)  # samples before and after a frame
VOICING_CONTEXT = _PITCH_FRAME_CONTEXT + _FIR_HALF  # samples before and after a frame, without the median
_VOICED_CLARITY = 0.55  # least normalised autocorrelation of a voiced frame
_VOICED_DB = -60.0  # a quieter frame is unvoiced
_BLOCK_FRAMES = 2048


def energy(samples: np.ndarray) -> np.ndarray:
    """Loudness [T] float32 of sound [N] at 16 kHz: dB RMS under a 25 ms Hann window, SILENCE_DB at the least."""
    samples = np.asarray(samples, dtype=np.float32)
    return energy_frames(_pad(samples, ENERGY_CONTEXT))


def energy_frames(padded: np.ndarray) -> np.ndarray:
    """`energy` of [2 ENERGY_CONTEXT + HOP T] samples, of which both ends are context only."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    weights = (hann / hann.sum()).astype(np.float32)
    squares = np.square(np.asarray(padded, dtype=np.float32))
    power = frame_windows(squares, ENERGY_CONTEXT) @ weights
    return (10.0 * np.log10(power + 10 ** (SILENCE_DB / 10))).astype(np.float32)


def pitch(samples: np.ndarray) -> np.ndarray:
    """Fundamental frequency [T] float32 in Hz of sound [N] at 16 kHz, 0 where unvoiced.

    The first strong peak of the normalised autocorrelation (McLeod & Wyvill, "A smarter way to find pitch", 2005),
    then a median over PITCH_MEDIAN frames.
    """
    samples = np.asarray(samples, dtype=np.float32)
    return pitch_frames(_pad(samples, PITCH_CONTEXT))


def pitch_frames(padded: np.ndarray) -> np.ndarray:
    """`pitch` of [2 PITCH_CONTEXT + HOP T] samples, of which both ends are context only."""
    if len(padded) < 2 * PITCH_CONTEXT + HOP:
        return np.zeros(0, dtype=np.float32)
    low = _decimated(np.asarray(padded, dtype=np.float32))
    windows = np.lib.stride_tricks.sliding_window_view(low, (HOP + 2 * _PITCH_FRAME_CONTEXT) // _DECIMATION)
    windows = windows[:: HOP // _DECIMATION]
    raw = np.concatenate(
        [_pitch_block(windows[i : i + _BLOCK_FRAMES])[0] for i in range(0, len(windows), _BLOCK_FRAMES)]
    )
    return np.median(np.lib.stride_tricks.sliding_window_view(raw, PITCH_MEDIAN), axis=1).astype(np.float32)


def voicing_frames(padded: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Pitch [T] Hz, 0 where unvoiced, of every ``step``-th frame of [2 VOICING_CONTEXT + HOP step T] samples, as it is
    before the median, and its clarity [T]: the normalised autocorrelation, 1 for a periodic sound."""
    if len(padded) < 2 * VOICING_CONTEXT + HOP * step:
        return np.zeros(0, np.float32), np.zeros(0, np.float32)
    low = _decimated(np.asarray(padded, dtype=np.float32))
    windows = np.lib.stride_tricks.sliding_window_view(low, (HOP + 2 * _PITCH_FRAME_CONTEXT) // _DECIMATION)
    windows = windows[:: step * HOP // _DECIMATION]
    parts = [_pitch_block(windows[i : i + _BLOCK_FRAMES]) for i in range(0, len(windows), _BLOCK_FRAMES)]
    return np.concatenate([hz for hz, _ in parts]), np.concatenate([clear for _, clear in parts])


def _pad(samples: np.ndarray, context: int) -> np.ndarray:
    tail = logmel_frame_count(len(samples)) * HOP - len(samples)
    return np.pad(samples, (context, context + tail))


def _decimated(samples: np.ndarray) -> np.ndarray:
    """Every second sample after a low-pass at 1.5 kHz, which also takes formants off the pitch."""
    taps = np.arange(-_FIR_HALF, _FIR_HALF + 1)
    kernel = np.sinc(2 * 1500.0 / SAMPLE_RATE_HZ * taps) * np.hamming(len(taps))
    kernel = (kernel / kernel.sum()).astype(np.float32)
    return np.convolve(samples, kernel, mode="valid")[::_DECIMATION]


def _pitch_block(windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch [T] in Hz of windows [T, W] at 8 kHz, 0 where unvoiced, and its clarity [T]."""
    rate = SAMPLE_RATE_HZ / _DECIMATION
    width = windows.shape[1]
    shortest, longest = int(rate / HIGH_PITCH_HZ), int(np.ceil(rate / LOW_PITCH_HZ)) + 1
    windows = windows - windows.mean(axis=1, keepdims=True)
    spectrum = scipy.fft.rfft(windows, scipy.fft.next_fast_len(width + longest, real=True), axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    overlap = scipy.fft.irfft(power, axis=1)[:, : longest + 1]
    sums = np.cumsum(np.square(windows, dtype=np.float64), axis=1)
    lags = np.arange(longest + 1)
    total = sums[:, -1:]
    head = sums[:, width - 1 - lags]  # energy of the part that stays when shifted by a lag
    tail = total - np.concatenate([np.zeros((len(sums), 1)), sums[:, lags[1:] - 1]], axis=1)
    clarity = (2.0 * overlap / (head + tail + 1e-9)).astype(np.float32)
    return _first_peak(clarity, total[:, 0] / width, shortest, rate)


def _first_peak(
    clarity: np.ndarray, power: np.ndarray, shortest: int, rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pitch of the first peak of `clarity` [T, L] that comes near the highest, refined by a parabola, and the
    height of the highest."""
    body = clarity[:, shortest:]
    middle = body[:, 1:-1]
    peaks = np.where((middle > body[:, :-2]) & (middle >= body[:, 2:]), middle, 0.0)
    best = peaks.max(axis=1)
    first = np.argmax(peaks >= 0.9 * best[:, None], axis=1)
    row = np.arange(len(body))
    left, here, right = body[row, first], body[row, first + 1], body[row, first + 2]
    curve = left - 2 * here + right
    shift = np.where(curve < -1e-9, 0.5 * (left - right) / np.where(curve < -1e-9, curve, -1.0), 0.0)
    hz = rate / (shortest + 1 + first + np.clip(shift, -0.5, 0.5))
    voiced = (best >= _VOICED_CLARITY) & (10 * np.log10(power + 1e-12) > _VOICED_DB)
    return np.where(voiced, hz, 0.0).astype(np.float32), best
