"""Pieces of three seconds of speech as the decoder hears them, in its own voice and in altered ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.encoders.logmel import BANDS, SILENCE, logmel
from facegen.encoders.network import Network
from facegen.encoders.prosody import energy, pitch
from tools.encoder import noise
from tools.encoder.batches import other_voices

RATE = 16_000
FRAMES = 300  # of a piece, at 100 Hz
VIDEO_FRAMES, VIDEO_FPS = 75, 25
_SPEECH_DB = -45.0
_QUIET_DB = (-90.0, -50.0)
_NOISES = ("coloured", "room", "hum", "breath", "clicks")


@dataclass
class Heard:
    """``log`` [K, 300, 40] float16 log-posteriors, ``deep`` [K, 300, 64] float16 bottleneck, ``coarse`` [K, 300, 20]
    float16 log-mel of four bands each, and ``prosody`` [K, 300, 2] float16 (dB, Hz) of K versions; the first is the
    sound as it is."""

    log: np.ndarray
    deep: np.ndarray
    coarse: np.ndarray
    prosody: np.ndarray


class Ear:
    """The phone encoder on altered log-mel; the same seed gives the same versions."""

    def __init__(self, seed: int, versions: int) -> None:
        self._network = Network()
        self._rng = np.random.default_rng(seed)
        self._versions = versions

    def hear(self, sound: np.ndarray) -> Heard:
        """All versions of one piece of sound [48000]."""
        mel, loud, hz = (f(sound)[:FRAMES] for f in (logmel, energy, pitch))
        rows = [(mel, loud, hz)] + [self._altered(mel, loud, hz) for _ in range(self._versions - 1)]
        log, deep = (np.stack(x) for x in zip(*(self._classify(m) for m, _, _ in rows), strict=True))
        coarse = np.stack([m.reshape(FRAMES, -1, 4).mean(axis=2) for m, _, _ in rows])
        prosody = np.stack([np.stack([e, f], axis=1) for _, e, f in rows])
        return Heard(*(x.astype(np.float16) for x in (log, deep, coarse, prosody)))

    def _altered(self, mel: np.ndarray, loud: np.ndarray, hz: np.ndarray) -> tuple:
        """Another throat, room, channel and loudness; the video's curves stay as they are."""
        rng = self._rng
        sound = getattr(noise, rng.choice(_NOISES))(rng, FRAMES * 160)
        under = logmel((0.1 * sound / (np.std(sound) + 1e-9)).astype(np.float32))[:FRAMES]
        new = other_voices(rng, mel[None], under[None], (loud > _SPEECH_DB)[None])[0]
        change = np.mean((new - mel)[loud >= np.percentile(loud, 80)]) * 10 / np.log(10)
        floor = rng.uniform(*_QUIET_DB)
        louder = 10 * np.log10(10 ** ((loud + change) / 10) + 10 ** (floor / 10))
        return new.astype(np.float32), louder, hz * np.exp(rng.uniform(-0.5, 0.5))

    def _classify(self, mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        network = self._network
        around = [
            np.full((n, BANDS), SILENCE, np.float32) for n in (network.left, network.right + network.stride)
        ]
        log, deep = network.run(np.concatenate([around[0], mel, around[1]]), bottleneck=True)
        inside = slice(network.left, network.left + FRAMES)
        return log[inside], deep[inside]


def cut(sound: np.ndarray) -> list[np.ndarray]:
    """Whole pieces of a sound, the only one of a short sound filled up with silence."""
    size = FRAMES * RATE // 100
    if len(sound) < size:
        return [np.pad(sound, (0, size - len(sound)))]
    return [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]
