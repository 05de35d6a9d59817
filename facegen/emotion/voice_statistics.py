"""The manner of speaking within windows of sound: statistics of pitch, level, tilt, clarity and rhythm.

Most are relative to the window itself (ranges, slopes, couplings); means, which tell of the voice and the microphone too,
can be taken relative to the talker's own (``Baseline``). Chosen after what studies of vocal affect agree on (Juslin
and Laukka 2003; Eyben et al. 2016).
"""

from __future__ import annotations

import numpy as np

from facegen.speech.voice_features import (
    BANDS_AT,
    CEPSTRA,
    CEPSTRA_AT,
    CLARITY,
    LEVEL,
    PITCH,
    VOICE_HZ,
    VOICE_WIDTH,
)

SPEECH, CHANGE, VOWEL = range(VOICE_WIDTH, VOICE_WIDTH + 3)
"""Columns after those of ``voice_frames``: the probability of speech, how fast phones change, that of a vowel."""
ROW_WIDTH = VOICE_WIDTH + 3
USUAL_HZ = 150.0
VOICED_CLARITY, VOICED_DB = 0.6, -65.0
SOUNDING_DB, SPEAKING = -70.0, 0.35
FASTEST = 70.0  # semitones a second, as fast as voices change (Xu and Sun 2002); more is a mistake
TILTS = 5
COUPLED = 4  # tilts whose change with level is measured

MEANS = ("pitch", "loudness", *(f"tilt{i}" for i in range(1, TILTS + 1)), "clarity") + tuple(
    f"cepstrum{i}" for i in range(1, CEPSTRA + 1)
)
"""Statistics that tell of the talker and the channel too, first in STATISTICS."""
STATISTICS = (
    *MEANS,
    *(f"{name}_spread" for name in MEANS),
    "pitch_range", "pitch_above", "pitch_below", "pitch_speed", "pitch_rise", "pitch_trend",
    "level_above", "level_below", "level_speed", "level_speed_voiced",
    *(f"tilt{i}_with_level" for i in range(1, COUPLED + 1)), "pitch_with_level",
    "voiced_share", "pause_share", "phone_rate", "vowel_share", "voiced_length", "change", "change_voiced",
)  # fmt: skip


def semitones(hz: np.ndarray) -> np.ndarray:
    """Semitones above USUAL_HZ, those of 60 Hz at the least."""
    return 12 * np.log2(np.maximum(hz, 60.0) / USUAL_HZ)


class VoiceStatistics:
    """Statistics of windows over ``rows`` [T, ROW_WIDTH] at VOICE_HZ; the first row only tells what came before."""

    def __init__(self, rows: np.ndarray) -> None:
        rows = np.asarray(rows, np.float64)
        level, clear = rows[:, LEVEL], rows[:, CLARITY]
        voiced = (rows[:, PITCH] > 0) & (clear > VOICED_CLARITY) & (level > VOICED_DB)
        active = voiced | ((level > SOUNDING_DB) & (rows[:, SPEECH] > SPEAKING))
        self._voiced, self._active, self._level = voiced, active, level
        self._pitch = semitones(rows[:, PITCH])
        self._total = np.concatenate(
            [np.zeros((1, _WIDTH)), np.cumsum(_quantities(rows, voiced, active), axis=0)]
        )

    def evidence(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Rows of each window that are voiced speech, and those that sound at all, [N, 2]."""
        return self._total[ends][:, _EVIDENCE_AT] - self._total[starts][:, _EVIDENCE_AT]

    def counts(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Voiced and active rows of each window, [N, 2]."""
        return self._total[ends, :2] - self._total[starts, :2]

    def sums(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Sums of MEANS over the voiced rows, [N, M]."""
        return self._total[ends, _MEANS_AT] - self._total[starts, _MEANS_AT]

    def statistics(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """STATISTICS [N, S] float32 of the windows ``rows[starts:ends]``; 0 where nothing is voiced."""
        sums = self._total[ends] - self._total[starts]
        voiced, active, steady, begun = (np.maximum(sums[:, [i]], 1) for i in range(4))
        mean, square, product, time = (
            sums[:, at] / voiced for at in (_MEANS_AT, _SQUARES_AT, _PRODUCTS_AT, _TIME_AT)
        )
        variance = np.maximum(square - mean**2, 0)
        loud = variance[:, [1]] + 4
        coupled = (product - mean[:, [1]] * mean[:, _COUPLED]) / loud
        coupled[:, [-1]] *= np.sqrt(loud / (variance[:, [0]] + 1))
        spread = np.maximum(time[:, [1]] - time[:, [0]] ** 2, 0)
        trend = (time[:, [2]] - time[:, [0]] * mean[:, [0]]) / (spread + 2 / voiced)
        low, q1, middle, q3, high = self._quantiles(
            self._pitch, self._voiced, starts, ends, (0.1, 0.25, 0.5, 0.75, 0.9)
        ).T
        soft, usual, strong = self._quantiles(self._level, self._active, starts, ends, (0.1, 0.5, 0.9)).T
        rest = sums[:, _REST_AT]
        pause = 1 - sums[:, [1]] / np.maximum(self._spans(starts, ends), 1)
        rows = np.concatenate(
            [
                mean,
                np.sqrt(variance),
                np.stack([q3 - q1, high - middle, middle - low], axis=1),
                rest[:, :2] / steady,
                np.clip(trend, -8, 8),
                np.stack([strong - usual, usual - soft], axis=1),
                rest[:, [2]] / active,
                rest[:, [3]] / voiced,
                coupled,
                sums[:, [0]] / active,
                pause,
                rest[:, [4]] / active * VOICE_HZ,
                rest[:, [5]] / active,
                np.log(voiced / begun),
                rest[:, [6]] / active,
                rest[:, [7]] / voiced,
            ],
            axis=1,
        )
        rows[sums[:, 0] < 1] = 0
        return rows.astype(np.float32)

    @staticmethod
    def _quantiles(
        values: np.ndarray, mask: np.ndarray, starts: np.ndarray, ends: np.ndarray, at: tuple[float, ...]
    ) -> np.ndarray:
        """Quantiles [N, len(at)] of the masked values of each window, by rank; 0 where there are none."""
        width = int((ends - starts).max(initial=1))
        place = starts[:, None] + np.arange(width)
        inside = place < ends[:, None]
        place = np.minimum(place, len(values) - 1)
        kept = np.where(inside & mask[place], values[place], np.inf)
        kept.sort(axis=1)
        count = np.isfinite(kept).sum(axis=1)
        rank = np.rint(np.asarray(at) * np.maximum(count - 1, 0)[:, None]).astype(np.int64)
        found = np.take_along_axis(kept, rank, axis=1)
        return np.where(count[:, None] > 0, found, 0.0)

    def _spans(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Rows from the first active one of each window to the last, [N, 1]."""
        width = int((ends - starts).max(initial=1))
        place = starts[:, None] + np.arange(width)
        active = (place < ends[:, None]) & self._active[np.minimum(place, len(self._active) - 1)]
        first, last = active.argmax(axis=1), width - active[:, ::-1].argmax(axis=1)
        return np.where(active.any(axis=1), last - first, 1)[:, None]


_M = len(MEANS)
_COUPLED = [*range(2, 2 + COUPLED), 0]
_MEANS_AT = slice(4, 4 + _M)
_SQUARES_AT = slice(4 + _M, 4 + 2 * _M)
_PRODUCTS_AT = slice(_SQUARES_AT.stop, _SQUARES_AT.stop + COUPLED + 1)
_TIME_AT = slice(_PRODUCTS_AT.stop, _PRODUCTS_AT.stop + 3)
_REST_AT = slice(_TIME_AT.stop, _TIME_AT.stop + 8)
_EVIDENCE_AT = slice(_REST_AT.stop, _REST_AT.stop + 2)
_WIDTH = _EVIDENCE_AT.stop


def _quantities(rows: np.ndarray, voiced: np.ndarray, active: np.ndarray) -> np.ndarray:
    """What is summed over windows, [T, _WIDTH]: counts, the MEANS, their squares and products, rates."""
    v, a = voiced[:, None], active[:, None]
    level, pitch, bands = rows[:, LEVEL], semitones(rows[:, PITCH]), rows[:, BANDS_AT]
    clear = np.clip(rows[:, CLARITY], 0.3, 0.995)
    clear = 10 * np.log10(clear / (1 - clear))
    tilts = bands[:, 1:] - bands[:, :1]
    cepstra = rows[:, CEPSTRA_AT]
    means = np.column_stack([pitch, level, tilts, clear, cepstra])
    before = np.concatenate([rows[:1], rows[:-1]])
    speed = np.concatenate([[0], np.diff(pitch)]) * VOICE_HZ
    steady = voiced & np.concatenate([[False], voiced[:-1]]) & (np.abs(speed) < FASTEST)
    begun = voiced & ~np.concatenate([[False], voiced[:-1]])
    louder = np.abs(level - before[:, LEVEL])
    change = np.abs(cepstra[:, :8] - before[:, CEPSTRA_AT][:, :8]).mean(axis=1)
    time = np.arange(len(rows)) / VOICE_HZ
    return np.concatenate(
        [
            np.column_stack([voiced, active, steady, begun]),
            means * v,
            means**2 * v,
            (level[:, None] * means[:, _COUPLED]) * v,
            np.column_stack([time, time**2, time * pitch]) * v,
            np.column_stack(
                [np.abs(speed) * steady, np.maximum(speed, 0) * steady, louder * active, louder * voiced]
            ),
            np.column_stack([rows[:, CHANGE], rows[:, VOWEL], change]) * a,
            change[:, None] * v,
            np.column_stack([voiced & (rows[:, SPEECH] > SPEAKING), level > SOUNDING_DB]),
        ],
        axis=1,
    )
