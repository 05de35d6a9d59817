"""Log-mel frames and phone labels of all training sound, several augmented copies each, as one .npz a source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import soxr

from facegen.speech.logmel import logmel
from facegen.speech.phones import LABELS
from tools.training.corpora import emodb, grid, speechocean
from tools.training.corpora.symbols import arpabet_spans
from tools.training.phone_encoder import noise
from tools.training.phone_encoder.sound import load_sound

UNKNOWN = -1  # label of a frame that nothing is learnt from or measured on
_INDEX = {label: i for i, label in enumerate(LABELS)}
_PATHS = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Recording:
    """A sound [N] with its phone spans; `unsure` spans are neither learnt nor measured."""

    name: str
    speaker: str
    test: bool
    sound: np.ndarray
    spans: list
    unsure: list


def held_out(corpus: str) -> tuple[set[str], set[str]]:
    """Speakers and clips that are never trained on."""
    test = json.loads((_PATHS / "datasets" / corpus / "splits.json").read_text())["test"]
    return set(test["speakers"]), set(test.get("clips", ()))


def aligned(corpus: str, data: Path, alignments: Path) -> Iterator[Recording]:
    """speechocean762 or GRID with the phones of an alignment file; clips without one are left out."""
    module = {"speechocean762": speechocean, "grid": grid}[corpus]
    rows = {row["clip"]: row for row in map(json.loads, alignments.read_text().splitlines())}
    speakers, clips = held_out(corpus)
    for sample in module.samples(data):
        row = rows.get(sample.audio.stem)
        if row:
            test = sample.speaker in speakers or sample.audio.stem in clips
            yield Recording(
                sample.audio.stem,
                sample.speaker,
                test,
                load_sound(sample.audio),
                row["phones"],
                row.get("unsure", []),
            )


def hand_labelled(data: Path) -> Iterator[Recording]:
    """Emo-DB."""
    speakers, _ = held_out("emodb")
    for sample in emodb.samples(data):
        assert sample.audio is not None
        test = sample.speaker in speakers
        spans = arpabet_spans(sample.phones)
        yield Recording(sample.utt, sample.speaker, test, load_sound(sample.audio), spans, [])


def synthetic(utterances: Iterable) -> Iterator[Recording]:
    """Synthesised utterances."""
    speakers, _ = held_out("synthetic")
    for number, said in enumerate(utterances):
        yield Recording(str(number), said.speaker, said.speaker in speakers, said.sound, said.spans, [])


def not_speech(minutes: float, seed: int, test: bool) -> Iterator[Recording]:
    """Noise, hum, music and their like in clips of 8 s, kinds in turn, music more often."""
    rng = np.random.default_rng((seed, 3))
    kinds = [*noise.KINDS, "music", "music", "room"]
    for number in range(int(minutes * 60 / 8)):
        kind = kinds[number % len(kinds)]
        yield Recording(f"{kind}{number}", kind, test, noise.clip(kind, rng, 8.0), [], [])


def frame_labels(count: int, spans: list, unsure: list) -> np.ndarray:
    """Label of each frame by its middle, [count] int8."""
    labels = np.zeros(count, np.int8)
    for start, end, label in spans:
        labels[max(0, round(start * 100)) : max(0, round(end * 100))] = _INDEX[label]
    for start, end in unsure:
        labels[max(0, round(start * 100)) : max(0, round(end * 100))] = UNKNOWN
    return labels


def disturbed(rng: np.random.Generator, sound: np.ndarray) -> tuple[np.ndarray, float]:
    """A copy of a sound: other size of speaker, room, coarse quantisation, clipping; and how much longer it is."""
    factor = 1.0
    if rng.random() < 0.75:
        factor = rng.uniform(0.84, 1.2)
        sound = soxr.resample(sound, 16000, round(16000 * factor))
    if rng.random() < 0.45:
        sound = scipy.signal.fftconvolve(sound, room_response(rng))[: len(sound)]
    peak = float(np.abs(sound).max()) + 1e-9
    if rng.random() < 0.1:
        sound = np.clip(sound, -peak * rng.uniform(0.2, 0.7), peak * rng.uniform(0.2, 0.7))
    if rng.random() < 0.15:  # mu-law, as on the telephone
        bits = rng.integers(5, 9)
        folded = np.sign(sound) * np.log1p(255 * np.abs(sound) / peak) / np.log(256)
        folded = np.round(folded * 2 ** (bits - 1)) / 2 ** (bits - 1)
        sound = np.sign(folded) * (256 ** np.abs(folded) - 1) / 255 * peak
    return sound.astype(np.float32), factor


def room_response(rng: np.random.Generator) -> np.ndarray:
    """A synthetic room: the direct sound, then noise that decays by 60 dB in 0.1 to 0.7 s."""
    seconds = rng.uniform(0.1, 0.7)
    t = np.arange(int(seconds * 16000)) / 16000
    tail = rng.standard_normal(len(t)) * np.exp(-6.9 * t / seconds) * (t > rng.uniform(0.001, 0.012))
    tail *= 10 ** (rng.uniform(-15, 0) / 20) / (np.sqrt(np.sum(tail**2)) + 1e-9)
    tail[0] = 1.0
    return tail


def build(recordings: Iterable[Recording], out: Path, copies: int, seed: int) -> None:
    """Write the frames and labels of recordings; what is not for testing also in `copies` disturbed copies."""
    rng = np.random.default_rng((seed, 4))
    frames, labels, rows = [], [], []
    for recording in recordings:
        for copy in range(1 if recording.test else 1 + copies):
            sound, factor = (recording.sound, 1.0) if copy == 0 else disturbed(rng, recording.sound)
            mel = logmel(sound).astype(np.float16)
            spans = [(a * factor, b * factor, p) for a, b, p in recording.spans]
            unsure = [(a * factor, b * factor) for a, b in recording.unsure]
            frames.append(mel)
            labels.append(frame_labels(len(mel), spans, unsure))
            rows.append((recording.name, recording.speaker, recording.test, copy, len(mel)))
    temporary = out.with_suffix(".tmp.npz")
    np.savez(
        temporary,
        frames=np.concatenate(frames),
        labels=np.concatenate(labels),
        names=np.array([r[0] for r in rows]),
        speakers=np.array([r[1] for r in rows]),
        test=np.array([r[2] for r in rows]),
        copy=np.array([r[3] for r in rows]),
        ends=np.cumsum([r[4] for r in rows]),
    )
    temporary.replace(out)
