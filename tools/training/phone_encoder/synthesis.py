"""Synthetic speech whose phone times are known: flite (US voices) and espeak-ng (many languages)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from facegen.speech.phones import ARPABET
from tools.training.corpora.symbols import arpabet_spans
from tools.training.phone_encoder import sentences
from tools.training.phone_encoder.espeak import Espeak

FLITE_VOICES = ("slt", "rms", "awb", "kal16")
ESPEAK_LANGUAGES = (
    "en-us", "en-us", "en", "en", "de", "es", "it", "pt", "nl", "pl", "tr", "cmn-latn-pinyin", "ja", "ru",
    "hi", "hi", "hi", "hi", "fr", "fr", "fr", "fr", "ko", "ko", "ko", "ko", "ar", "ar", "ar", "ar",
)  # fmt: skip
ESPEAK_VARIANTS = ("", *(f"+m{i}" for i in range(1, 9)), *(f"+f{i}" for i in range(1, 6)), "+klatt4", "+linda",
                   "+steph", "+edward", "+rob", "+belinda", "+michael", "+Alex", "+Gene", "+Annie")  # fmt: skip


@dataclass(frozen=True)
class Utterance:
    """Sound [N] at 16 kHz with its phones; silence is what no phone covers."""

    sound: np.ndarray
    spans: list[tuple[float, float, str]]
    speaker: str


def flite(hours: float, seed: int, words: list[str], prompts: list[str]) -> Iterator[Utterance]:
    """Random English by flite's voices; rate and pitch vary."""
    rng, made = np.random.default_rng((seed, 1)), 0.0
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        while made < hours * 3600:
            voice = FLITE_VOICES[rng.integers(len(FLITE_VOICES))]
            text = sentences.english(rng, words, prompts)
            argv = ["flite", "-voice", voice, "--setf", f"duration_stretch={rng.uniform(0.75, 1.25):.3f}"]
            if rng.random() < 0.5 and voice != "awb":
                argv += ["--setf", f"int_f0_target_mean={rng.uniform(80, 230):.0f}"]
            done = subprocess.run(
                [*argv, "-t", text + " ", "-o", str(wav), "-psdur"],
                capture_output=True,
                text=True,
                check=True,
            )
            sound, rate = soundfile.read(wav, dtype="float32")
            if rate != 16000 or not len(sound):
                raise RuntimeError(f"flite gave {len(sound)} samples at {rate} Hz")
            made += len(sound) / rate
            yield Utterance(sound, flite_spans(done.stdout.split()), f"flite-{voice}")


def flite_spans(items: list[str]) -> list[tuple[float, float, str]]:
    """``m:0.262`` (phone and its end) as spans, without pauses."""
    spans, start = [], 0.0
    for item in items:
        name, _, end = item.rpartition(":")
        phone = {"ax": "AH", "axr": "ER"}.get(name, name.upper())
        if phone in ARPABET and float(end) > start:
            spans.append((start, float(end), phone))
        start = float(end)
    return spans


def espeak(hours: float, seed: int, words: list[str], prompts: list[str], lists: Path) -> Iterator[Utterance]:
    """Random words in many languages by espeak-ng; voice, rate, pitch and its spread vary."""
    rng, made, engine = np.random.default_rng((seed, 2)), 0.0, Espeak()
    known = {code: sentences.read_words(lists / name) for code, name in sentences.WORD_LISTS.items()}
    turkish = "bir bu ne var yok güzel ev su çocuk büyük küçük mavi kapı pencere yağmur şimdi köpek kuş müzik öğretmen"
    known["tr"] = turkish.split()
    while made < hours * 3600:
        language = ESPEAK_LANGUAGES[rng.integers(len(ESPEAK_LANGUAGES))]
        variant = ESPEAK_VARIANTS[rng.integers(len(ESPEAK_VARIANTS))]
        if language.startswith("en"):
            text = sentences.english(rng, words, prompts)
        else:
            text = sentences.other(rng, language, known.get(language, []))
        speed, pitch, spread = (
            int(rng.integers(110, 230)),
            int(rng.integers(15, 85)),
            int(rng.integers(20, 90)),
        )
        sound, spans = engine.say(text, language + variant, speed, pitch, spread)
        if len(sound) < 8000:
            continue
        made += len(sound) / 16000
        yield Utterance(sound, arpabet_spans(spans), f"espeak-{language}")
