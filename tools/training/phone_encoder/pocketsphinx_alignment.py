"""Forced alignment of known phones with pocketsphinx's English model: words first, then phones."""

from __future__ import annotations

import re

import numpy as np
from pocketsphinx import Decoder

from tools.training.corpora import Sample

_FRAME_S = 0.01
_LEAD_S = 0.15  # silence put around a clip, so that the aligner finds its own


class Aligner:
    """Aligns the canonical phones of a sample to its sound; each word's pronunciation is the one given."""

    def __init__(self) -> None:
        self._decoder = Decoder(
            loglevel="FATAL", samprate=16000, lm=None, bestpath=False, beam=1e-80, pbeam=1e-80, wbeam=1e-60
        )
        self._known: set[str] = set()

    def align(self, sample: Sample, sound: np.ndarray) -> list[tuple[float, float, str]]:
        """Phones (start s, end s, label) without silence; RuntimeError where no path fits."""
        names = [self._word(word, phones) for word, phones in sample.canonical or ()]
        lead = np.zeros(int(_LEAD_S * 16000), np.float32)
        pcm = np.concatenate([lead, sound / max(0.05, float(np.abs(sound).max())) * 0.7, lead])
        noise = np.random.default_rng(0).standard_normal(len(pcm)).astype(np.float32) * 1e-4
        data = ((pcm + noise) * 32767).astype("<i2").tobytes()
        self._decoder.set_align_text(" ".join(names))
        self._pass(data)
        self._decoder.set_alignment()
        self._pass(data)
        spans = []
        for word in self._decoder.get_alignment():
            if word.name not in self._known:
                continue
            for phone in word:
                start, end = (
                    phone.start * _FRAME_S - _LEAD_S,
                    (phone.start + phone.duration) * _FRAME_S - _LEAD_S,
                )
                spans.append((max(0.0, round(start, 3)), max(0.0, round(end, 3)), phone.name))
        return spans

    def _pass(self, data: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(data, full_utt=True)
        self._decoder.end_utt()

    def _word(self, word: str, phones: tuple[str, ...]) -> str:
        name = re.sub(r"[^a-z]", "", word.lower()) + "_" + "_".join(phones).lower()
        if name not in self._known:
            self._decoder.add_word(name, " ".join(phones), True)
            self._known.add(name)
        return name


def plausible(spans: list, seconds: float) -> bool:
    """Whether an alignment looks like speech: no vowel of a second, few phones at the least duration."""
    if not spans or spans[-1][1] > seconds + 0.2:
        return False
    lengths = np.array([end - start for start, end, _ in spans])
    return bool(lengths.max() < 0.9 and np.mean(lengths <= 0.031) < 0.6 and lengths.min() > 0)
