"""The rows of voice and phones of each recording, as they are and disturbed, kept in a folder between runs."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from facegen.emotion.voice_encoder import voice_rows
from facegen.speech.audio import Audio, open_audio, read_audio
from facegen.speech.phone_encoder import PhoneEncoder
from tools.training.corpora import Sample, samples
from tools.training.emotion_encoder.augmentation import disturbed
from tools.training.phone_encoder import noise

COPIES = {"emodb": 4, "emogator": 0, "speechocean762": 1, "grid": 1, "thorsten-emotional": 4}
"""Disturbed copies of each recording, beside the recording."""
OCEAN_EACH, GRID_EACH = 4, 24  # recordings of one speaker that are used
_SECONDS = 8.0


def corpus_clips(name: str) -> Iterator[Sample]:
    """The recordings of a corpus that are used."""
    most = {"speechocean762": OCEAN_EACH, "grid": GRID_EACH}.get(name)
    seen: dict[str, int] = {}
    for sample in samples(name):
        seen[sample.speaker] = seen.get(sample.speaker, 0) + 1
        if most is None or seen[sample.speaker] <= most:
            yield sample


def said_again(seed: int) -> Iterator[tuple[str, str, str, int, np.ndarray]]:
    """Read speech with each emotion laid over it, and a disturbed copy of each."""
    from tools.training.emotion_encoder import emotional_prosody

    number = 0
    for name, each in emotional_prosody.EACH.items():
        for sample, voice in emotional_prosody.sayings(samples(name), each):
            number += 1
            for place, emotion in enumerate(emotional_prosody.CHANGES):
                rng = np.random.default_rng([seed, number, place])
                sound = emotional_prosody.resynthesized(voice, emotional_prosody.drawn(emotion, rng), rng)
                yield sample.speaker, emotion, sample.utt, 0, sound
                yield sample.speaker, emotion, sample.utt, 1, disturbed(sound, rng)


def build(name: str, folder: Path, seed: int) -> Path:
    """The cache of one corpus (or of "noise" or "prosody"), made where it is not there: ``rows`` [T, 25], ``ends`` of
    each clip and what is known of it."""
    path = folder / f"{name}.npz"
    if path.exists():
        return path
    rows, about, encoder = [], [], PhoneEncoder()
    for speaker, emotion, utt, copy, sound in _sounds(name, seed):
        rows.append(voice_rows(open_audio(Audio(sound, noise.RATE)), encoder).astype(np.float16))
        about.append((speaker, emotion, utt, str(copy)))
    temporary = path.with_suffix(".tmp.npz")
    np.savez(
        temporary, rows=np.concatenate(rows), ends=np.cumsum([len(r) for r in rows]), about=np.array(about)
    )
    temporary.replace(path)
    return path


def _sounds(name: str, seed: int) -> Iterator[tuple[str, str, str, int, np.ndarray]]:
    if name == "prosody":
        yield from said_again(seed)
        return
    if name == "noise":
        kinds = (noise.coloured, noise.room, noise.hum, noise.clicks, noise.breath, noise.tones, noise.music)
        for kind in kinds:
            for number in range(30):
                rng = np.random.default_rng([seed, zlib.crc32(kind.__name__.encode()), number])
                sound = kind(rng, int(4 * noise.RATE))
                level = 10 ** (rng.uniform(-40, -12) / 20)
                sound = np.clip(level * sound / (sound.std() + 1e-9), -1, 1)
                yield "noise", kind.__name__, f"{kind.__name__}{number}", 0, sound.astype(np.float32)
        return
    for number, sample in enumerate(corpus_clips(name)):
        assert sample.audio is not None
        sound = read_audio(sample.audio).samples[: int(_SECONDS * noise.RATE)]
        emotion = sample.emotion or "neutral"
        yield sample.speaker, emotion, sample.utt, 0, sound
        for copy in range(1, COPIES[name] + 1):
            rng = np.random.default_rng([seed, number, copy])
            yield sample.speaker, emotion, sample.utt, copy, disturbed(sound, rng)


class Clips:
    """A cache in memory: ``clip(i)`` gives rows [T, 25]; ``speaker``, ``emotion``, ``utt``, ``copy`` [N] texts."""

    def __init__(self, path: Path) -> None:
        held = np.load(path)
        self.rows, self.ends = held["rows"], held["ends"]
        self.speaker, self.emotion, self.utt, self.copy = held["about"].T

    def __len__(self) -> int:
        return len(self.ends)

    def clip(self, index: int) -> np.ndarray:
        start = self.ends[index - 1] if index else 0
        return self.rows[start : self.ends[index]].astype(np.float32)
