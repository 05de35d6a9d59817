"""The built-in emotion encoder: how a voice sounds, to valence, arousal, dominance, categories and sounds that are no
speech, ten times a second.

Each answer sees BEHIND rows of the past and AHEAD rows to come, so sound that comes in blocks gives the answers of the
whole. What tells of the talker and the microphone rather than of the moment is taken relative to the talker's own mean so
far, the more the longer he has been heard.
"""

from __future__ import annotations

from itertools import accumulate
from os import PathLike

import numpy as np

from facegen.core.units import exact_div
from facegen.emotion.curves import EMOTION_HZ, EmotionCurve
from facegen.emotion.voice_network import VoiceNetwork
from facegen.emotion.voice_statistics import MEANS, ROW_WIDTH, VoiceStatistics
from facegen.speech.audio import AudioStream
from facegen.speech.block_processing import BlockBuffer
from facegen.speech.phone_encoder import FILE_STEP, LIVE_STEP, PhoneEncoder
from facegen.speech.phones import LABELS, VOWELS, Features
from facegen.speech.voice_features import VOICE_CONTEXT, VOICE_HOP, VOICE_HZ, VOICE_WIDTH, voice_frames

STRIDE = exact_div(VOICE_HZ, EMOTION_HZ)
BEHIND, AHEAD = 160, 40  # rows of voice about an answer's own start: 3.2 s and 0.8 s
NEAR_BEHIND, NEAR_AHEAD = 20, 30  # those that a sound without words is told by
SLICE = 4096  # phone frames taken in at a time
CHUNK = 128  # answers worked out at a time
MEMORY_S = 60.0  # of the talker's own mean
TRUST_ROWS = 600.0  # voiced rows after which it counts half
LOUD_DB = 12.0
_VOWELS = [LABELS.index(label) for label in VOWELS]
_LOUDNESS = MEANS.index("loudness")
_NO_SOUND = np.zeros(0, np.float32)


class VoiceEmotionEncoder:
    """Voice to emotion by pitch, loudness, timbre and rhythm: the model shipped with the package, or an ONNX file.

    Raises ModelError for a file that is no such model.
    """

    def __init__(self, model: str | PathLike | None = None) -> None:
        self.network = VoiceNetwork(model)

    def stream(self, live: bool = False) -> VoiceEmotionStream:
        """A stream that takes sound and its phone features as they come."""
        return VoiceEmotionStream(self.network, LIVE_STEP if live else FILE_STEP)


class RowStream:
    """Rows [T, ROW_WIDTH] of voice and phones at VOICE_HZ from blocks of sound and the phone features heard in it,
    which may lag."""

    def __init__(self, step: int) -> None:
        size = max(1, step // 2) * VOICE_HOP
        self._voice = BlockBuffer(voice_frames, (VOICE_CONTEXT,) * 2, size, VOICE_HOP, row=(VOICE_WIDTH,))
        self._heard: list[np.ndarray] = [np.zeros((0, VOICE_WIDTH), np.float32)]
        self._spoken = np.zeros((0, ROW_WIDTH - VOICE_WIDTH), np.float32)
        self._last: np.ndarray | None = None  # posteriors of the frame before
        self._odd: np.ndarray = np.zeros((0, 3), np.float32)

    def push(self, block: np.ndarray, features: Features | None = None) -> np.ndarray:
        if len(block):
            self._heard.append(self._voice.push(np.asarray(block, np.float32)))
        if features is None or not len(features):
            return np.zeros((0, ROW_WIDTH), np.float32)
        self._take(features)
        return self._joined(False)

    def close(self, features: Features | None = None) -> np.ndarray:
        self._heard.append(self._voice.close())
        if features is not None:
            self._take(features)
        if len(self._odd):
            self._spoken = np.concatenate([self._spoken, self._odd * [[1, 2, 1]]])
        return self._joined(True)

    def _take(self, features: Features) -> None:
        """Keep what counts of ``features``, a slice at a time: those of an hour are big."""
        slices = (
            features.posteriors[at : at + SLICE].astype(np.float32) for at in range(0, len(features), SLICE)
        )
        self._spoken = np.concatenate([self._spoken, *map(self._phones, slices)])

    def _phones(self, posteriors: np.ndarray) -> np.ndarray:
        before = posteriors[:1] if self._last is None else self._last
        self._last = posteriors[-1:].copy()
        change = 0.5 * np.abs(np.diff(posteriors, axis=0, prepend=before)).sum(axis=1)
        frames = np.stack([1 - posteriors[:, 0], change, posteriors[:, _VOWELS].sum(axis=1)], axis=1)
        frames = np.concatenate([self._odd, frames])
        self._odd = frames[len(frames) // 2 * 2 :]
        pairs = frames[: len(frames) // 2 * 2].reshape(-1, 2, 3).mean(axis=1)
        return pairs * np.array([1, 2, 1], np.float32)

    def _joined(self, whole: bool) -> np.ndarray:
        voice = np.concatenate(self._heard) if len(self._heard) > 1 else self._heard[0]
        if whole and len(voice) > len(self._spoken):  # an encoder that gave less than the sound: nobody spoke
            self._spoken = np.pad(self._spoken, ((0, len(voice) - len(self._spoken)), (0, 0)))
        count = min(len(voice), len(self._spoken))
        rows = np.concatenate([voice[:count], self._spoken[:count]], axis=1, dtype=np.float32)
        self._heard, self._spoken = [voice[count:]], self._spoken[count:]
        return rows


def voice_rows(sound: AudioStream, encoder: PhoneEncoder) -> np.ndarray:
    """Rows [T, ROW_WIDTH] of a whole sound."""
    phones, rows = encoder.stream(FILE_STEP), RowStream(FILE_STEP)
    parts = [rows.push(block, phones.push(block)) for block in sound.blocks()]
    return np.concatenate([*parts, rows.close(phones.close())])


class VoiceEmotionStream:
    """Answers for sound that comes in blocks, the same as those for the whole.

    ``push(block, features)`` takes samples [n] at 16 kHz and the phone features that came meanwhile, and gives the
    answers that are due, about a second after what they are about; ``close(features)`` gives the rest.
    """

    def __init__(self, network: VoiceNetwork, step: int) -> None:
        self._network, self._rows = network, RowStream(step)
        self._held = np.zeros((0, ROW_WIDTH), np.float32)
        self._first = 0  # the row that ``_held`` starts at
        self._given = 0  # answers given
        self._own = np.zeros(1 + len(MEANS))  # fading sums over the talker's voiced rows: how many, MEANS

    def push(self, block: np.ndarray, features: Features | None = None) -> EmotionCurve:
        self._held = np.concatenate([self._held, self._rows.push(block, features)])
        return self._answers((self._first + len(self._held) - AHEAD) // STRIDE + 1)

    def close(self, features: Features | None = None) -> EmotionCurve:
        count = 0 if features is None else len(features)
        parts = [  # a slice at a time: the rows of an hour are big
            self.push(_NO_SOUND, features.part(at, at + SLICE))  # type: ignore[union-attr]
            for at in range(0, count, SLICE)
        ]
        self._held = np.concatenate([self._held, self._rows.close()])
        parts.append(self._answers(-(-(self._first + len(self._held)) // STRIDE)))
        return EmotionCurve.joined(parts)

    def _answers(self, count: int) -> EmotionCurve:
        """The answers from the next one up to ``count``."""
        parts = [EmotionCurve.nothing()]
        while self._given < count:
            until = min(count, self._given + CHUNK)
            parts.append(self._chunk(np.arange(self._given, until) * STRIDE))
            self._given = until
            spent = max(0, until * STRIDE - BEHIND - 1) - self._first
            if spent > 0:
                self._held, self._first = self._held[spent:], self._first + spent
        return EmotionCurve.joined(parts)

    def _chunk(self, at: np.ndarray) -> EmotionCurve:
        """Answers for the rows ``at`` [N]."""
        low = max(0, int(at[0]) - BEHIND - 1)
        high = min(self._first + len(self._held), int(at[-1]) + AHEAD)
        manner = VoiceStatistics(self._held[low - self._first : high - self._first])

        def windows(before: int, after: int) -> tuple[np.ndarray, np.ndarray]:
            return tuple(np.clip(at + edge, low, high) - low for edge in (-before, after))  # type: ignore[return-value]

        whole, near = windows(BEHIND, AHEAD), windows(NEAR_BEHIND, NEAR_AHEAD)
        fresh = windows(STRIDE - AHEAD, AHEAD)
        if at[0] == 0:
            fresh[0][0] = 0
        own, trust = self._talker(np.column_stack([manner.counts(*fresh)[:, 0], manner.sums(*fresh)]))
        rows = relative(manner.statistics(*whole), own, trust, self._network.usual)
        return self._network.answer(
            rows, manner.evidence(*whole), manner.statistics(*near), manner.evidence(*near)
        )

    def _talker(self, fresh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The talker's own MEANS [N, M] so far and how far to trust them [N], of the sums over fresh rows [N, 1 + M]."""
        keep = np.exp(-1 / (EMOTION_HZ * MEMORY_S))
        fading = accumulate(fresh, lambda before, now: keep * before + now, initial=self._own)
        sums = np.array(list(fading))[1:]
        self._own = sums[-1]
        count = sums[:, 0]
        return sums[:, 1:] / np.maximum(count, 1)[:, None], count / (count + TRUST_ROWS)


def relative(rows: np.ndarray, own: np.ndarray, trust: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """``rows`` [N, S] with their MEANS moved by as much as the talker's ``own`` [N, M] are off the ``usual`` [M], by
    ``trust`` [N] in 0..1; loudness is held to LOUD_DB about the usual, since much of it is the microphone's gain."""
    count = len(usual)
    moved = rows.copy()
    moved[:, :count] -= trust[:, None] * (own - usual)
    centre = usual[_LOUDNESS]
    moved[:, _LOUDNESS] = np.clip(moved[:, _LOUDNESS], centre - LOUD_DB, centre + LOUD_DB)
    return moved.astype(np.float32)
