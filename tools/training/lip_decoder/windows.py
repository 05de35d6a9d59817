"""Pieces of three seconds of speech as the decoder hears them, in its own voice and in altered ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.motion.lipsync.coarticulation import SMILE_SHARE, gestures_of
from facegen.motion.lipsync.learned import GESTURES, prosody_of, speech_gate
from facegen.motion.lipsync.visemes import TARGETS
from facegen.speech.logmel import BANDS, SILENCE, logmel
from facegen.speech.phone_network import PhoneNetwork
from facegen.speech.phones import LABELS
from facegen.speech.prosody import energy, pitch
from tools.training.phone_encoder import noise
from tools.training.phone_encoder.batches import other_voices

RATE = 16_000
FRAMES = 300  # of a piece, at 100 Hz
VIDEO_FRAMES, VIDEO_FPS = 75, 25
MEL_LOW, MEL_STEP = -24.0, 0.12
"""How log-mel becomes bytes: half a decibel is coarse enough to travel lightly and finer than any alteration."""
_SPEECH_DB = -45.0
_QUIET_DB = (-90.0, -50.0)
_NOISES = ("coloured", "room", "hum", "breath", "clicks")


def described(sound: np.ndarray) -> dict[str, np.ndarray]:
    """What is kept of a piece of sound [48000]: ``mel`` [300, 80] in bytes, ``loud`` [300] dB and ``hz`` [300]."""
    mel, loud, hz = (f(sound)[:FRAMES] for f in (logmel, energy, pitch))
    steps = np.clip(np.round((mel - MEL_LOW) / MEL_STEP), 0, 255)
    return {"mel": steps.astype(np.uint8), "loud": loud.astype(np.float16), "hz": hz.astype(np.float16)}


@dataclass
class Heard:
    """Of K versions, the first the sound as it is: ``heard`` [K, 300, 43] float16, posteriors and prosody as the
    decoder takes them, and ``gate`` [K, 300] float16. ``taught`` [300, G] float16: the rule decoder's gestures on the
    first, NaN where it has none."""

    heard: np.ndarray
    gate: np.ndarray
    taught: np.ndarray


class Ear:
    """The phone encoder on altered log-mel; the same seed gives the same versions of a piece."""

    def __init__(self, seed: int, versions: int) -> None:
        self._network = PhoneNetwork()
        self._seed, self._versions = seed, versions

    def hear(self, number: int, mel: np.ndarray, loud: np.ndarray, hz: np.ndarray) -> Heard:
        """All versions of the piece ``number``, as `described` keeps it."""
        rng = np.random.default_rng((self._seed, number))
        loud, hz = loud.astype(np.float32), hz.astype(np.float32)
        mel = mel * np.float32(MEL_STEP) + np.float32(MEL_LOW)
        rows = [(mel, loud, hz)] + [_altered(rng, mel, loud, hz) for _ in range(self._versions - 1)]
        heard, gates = [], []
        for sound, level, height in rows:
            likely = self._posteriors(sound)
            heard.append(np.concatenate([likely, prosody_of(likely, level, height)], axis=1))
            gates.append(speech_gate(likely, level))
        arrays = np.stack(heard), np.stack(gates), taught_by_rules(heard[0][:, : len(LABELS)], loud)
        return Heard(*(x.astype(np.float16) for x in arrays))

    def _posteriors(self, mel: np.ndarray) -> np.ndarray:
        network = self._network
        around = [
            np.full((n, BANDS), SILENCE, np.float32) for n in (network.left, network.right + network.stride)
        ]
        log, _ = network.run(np.concatenate([around[0], mel, around[1]]))
        likely = np.exp(log[network.left : network.left + FRAMES].astype(np.float32))
        return likely / likely.sum(axis=1, keepdims=True)


def taught_by_rules(posteriors: np.ndarray, loud: np.ndarray) -> np.ndarray:
    """The rule decoder's gestures as GESTURES [300, G], NaN for those that it does not know."""
    known, scale = gestures_of(posteriors, loud)
    ruled = dict(zip(TARGETS, known.T, strict=True))
    for name in ("jaw", "lower", "upper"):
        ruled[name] = ruled[name] * scale
    ruled["smile"], ruled["stretch"] = SMILE_SHARE * ruled["wide"], (1 - SMILE_SHARE) * ruled["wide"]
    nothing = np.full(len(loud), np.nan, np.float32)
    return np.stack([ruled.get(name, nothing) for name in GESTURES], axis=1).clip(0, 1)


def _altered(rng: np.random.Generator, mel: np.ndarray, loud: np.ndarray, hz: np.ndarray) -> tuple:
    """Another throat, room, channel and loudness; the video's curves stay as they are."""
    sound = getattr(noise, rng.choice(_NOISES))(rng, FRAMES * 160)
    under = logmel((0.1 * sound / (np.std(sound) + 1e-9)).astype(np.float32))[:FRAMES]
    new = other_voices(rng, mel[None].copy(), under[None], (loud > _SPEECH_DB)[None])[0]
    change = np.mean((new - mel)[loud >= np.percentile(loud, 80)]) * 10 / np.log(10)
    floor = rng.uniform(*_QUIET_DB)
    louder = 10 * np.log10(10 ** ((loud + change) / 10) + 10 ** (floor / 10))
    return new.astype(np.float32), louder.astype(np.float32), hz * np.float32(np.exp(rng.uniform(-0.5, 0.5)))


def cut(sound: np.ndarray) -> list[np.ndarray]:
    """Whole pieces of a sound, the only one of a short sound filled up with silence."""
    size = FRAMES * RATE // 100
    if len(sound) < size:
        return [np.pad(sound, (0, size - len(sound)))]
    return [sound[at : at + size] for at in range(0, len(sound) - size + 1, size)]
