"""How well lips follow languages: espeak-ng's speech, whose phone times are known, in nineteen of them.

    python -m tools.evaluation.evaluate_languages --data ../shared/data --json languages.json

A row a language: lips closed at p b m (on the head that ships, and on ICT-FaceKit's where the data is there; not at
Spanish β, where lips come near without meeting), lower lip at the teeth at f v, open vowels that stay shut, frames whose
viseme class the encoder hears, Pearson's r of the lip aperture from the sound and from the true phones, and rounding: the
chance that a frame of a rounded vowel or glide has more pucker and funnel than one of an unrounded one (area under the
ROC curve). ``--confusions`` lists the IPA symbols that cost most frames, and those that ``ipa_to_arpabet.csv`` lacks.

A few sentences hold few contacts: of Korean, four have seven p b m in each of two voices, so that one missed costs 7 %;
compare languages by all ten. An open vowel counts by the frames of 25 a second whose middles lie within it, one at most in
the shortest (many of Russian's unstressed ones last 15 to 50 ms).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from facegen import api
from facegen.config import Config
from facegen.core.animation import Animation
from facegen.evaluation.metrics.curves import correlation
from facegen.evaluation.metrics.lips import TEETH, contacts, lip_to_teeth, openings
from facegen.pipeline.animate import animate
from facegen.rig import load_rig
from facegen.speech.audio import open_audio
from facegen.speech.load import load_encoder
from facegen.speech.phone_symbols import nearest_arpabet
from facegen.speech.phones import LABIODENTALS, Phone, PhoneTrack
from tools.evaluation.lip_heads import aria_head, ict_head
from tools.training.corpora.symbols import arpabet_spans
from tools.training.phone_encoder import viseme_classes
from tools.training.phone_encoder.espeak import Espeak, Spans
from tools.training.phone_encoder.synthesis import ESPEAK_LANGUAGES

ROOT = Path(__file__).resolve().parents[2]

SENTENCES = ROOT / "datasets" / "languages" / "sentences.json"
REFERENCE = "en-us"
VARIANTS = ("+max", "+shelby")  # a man and a woman, neither among the voices of the encoder's training
SPEED, PITCH, SPREAD = 150, 50, 50
FPS, RATE, FEATURE_HZ = 25, 16_000, 100
NEAR = 0.9  # of the score of REFERENCE that every language should reach
ROUNDED, UNROUNDED = set("uoɔʊyøœʏɒɵʉɶwɥ"), set("ieɛæaɑɪəʌɐɜɨɯɤɘᵻj")
MODIFIERS = "ʲʰʷˠˤ"


APPROXIMANT = "β"


def heard_in_training(language: str) -> bool:
    """Whether the encoder's training data holds speech of the language."""
    synthetic = json.loads((ROOT / "datasets" / "synthetic" / "splits.json").read_text())
    known = {name.split("-")[0] for name in ESPEAK_LANGUAGES}
    held_out = {s.removeprefix("espeak-") for s in synthetic["test"]["speakers"]}
    return language.split("-")[0] in known - held_out


@dataclass
class Tally:
    """What the sentences of a language add up to."""

    hits: dict[str, list[bool]] = field(default_factory=dict)
    agreement: list[float] = field(default_factory=list)
    rounded: list[np.ndarray] = field(default_factory=list)
    unrounded: list[np.ndarray] = field(default_factory=list)
    errors: Counter = field(default_factory=Counter)  # (IPA symbol, class heard) ▸ frames
    unknown: Counter = field(default_factory=Counter)  # IPA symbols that the table lacks

    def add(self, name: str, hits: list[bool]) -> None:
        self.hits.setdefault(name, []).extend(hits)

    def row(self) -> dict[str, float]:
        """The scores by name: per cents, r and AUC."""
        out = {name: 100 * float(np.mean(hits)) for name, hits in self.hits.items() if hits}
        out["aperture r"] = float(np.median(self.agreement))
        out["rounding AUC"] = area(np.concatenate(self.rounded), np.concatenate(self.unrounded))
        return {name: round(value, 3) for name, value in out.items()}


def area(high: np.ndarray, low: np.ndarray) -> float:
    """The chance that one of ``high`` passes one of ``low`` (ties count half): area under the ROC curve.

    Mann and Whitney 1947. nan where either is empty.
    """
    if not len(high) or not len(low):
        return float("nan")
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    return float((ranks.sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def phone_track(spans: Spans) -> PhoneTrack:
    """IPA spans as ARPAbet phones."""
    return PhoneTrack(tuple(Phone(*span) for span in arpabet_spans(spans) if span[1] > span[0]))


def is_rounded(symbol: str) -> bool | None:
    """Whether an IPA vowel or glide has rounded lips, by its last letter; None for what is neither, or changes."""
    letters = [c for c in symbol if c in ROUNDED | UNROUNDED]
    if not letters or len(nearest_arpabet(symbol)) != 1 or symbol[0] not in ROUNDED | UNROUNDED:
        return None
    kinds = {c in ROUNDED for c in letters}
    return kinds.pop() if len(kinds) == 1 else None


def rounding(animation: Animation, spans: Spans) -> tuple[np.ndarray, np.ndarray]:
    """Pucker plus funnel at the frames of rounded and of unrounded vowels and glides, [n] and [m]."""
    amount = animation.channel("mouthPucker") + animation.channel("mouthFunnel")
    middle = (np.arange(len(amount)) + 0.5) / float(animation.fps)
    kind = np.full(len(amount), -1)
    for start, end, symbol in spans:
        found = is_rounded(symbol)
        if found is not None:
            kind[(middle >= start) & (middle < end)] = found
    return amount[kind == 1], amount[kind == 0]


def by_true_phones(sound: np.ndarray, phones: PhoneTrack, decoder: str) -> Animation:
    """The same decoder's animation where the phones are given instead of heard."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phones.json"
        rows = [{"start": p.start, "end": p.end, "phone": p.label} for p in phones]
        path.write_text(json.dumps({"phones": rows}))
        return api.animate(sound, rate=RATE, fps=FPS, emotion="neutral", decoder=decoder, alignment=str(path))


def judge(tally: Tally, sound: np.ndarray, spans: Spans, decoder: str, heads: dict) -> None:
    """Add the scores of one sentence to ``tally``."""
    phones = phone_track(spans)
    ours = animate(api.solve(sound, rate=RATE, fps=FPS, emotion="neutral", decoder=decoder))
    gaps = {name: head.aperture_and_width(ours)[0] for name, head in heads.items()}
    closing = phone_track([s for s in spans if s[2] != APPROXIMANT])
    for name, gap in gaps.items():
        tally.add(f"p b m closed % ({name})", [c.hit for c in contacts(gap, FPS, closing)])
    teeth = contacts(lip_to_teeth(load_rig("aria"), ours), FPS, phones, LABIODENTALS, TEETH)
    tally.add("f v at the teeth %", [c.hit for c in teeth])
    tally.add("open vowels shut %", [not c.hit for c in openings(gaps["aria"], FPS, phones)])
    forced = heads["aria"].aperture_and_width(by_true_phones(sound, phones, decoder))[0]
    tally.agreement.append(correlation(gaps["aria"], forced))
    for kept, found in zip((tally.rounded, tally.unrounded), rounding(ours, spans), strict=True):
        kept.append(found)
    visemes(tally, sound, spans, phones)


def visemes(tally: Tally, sound: np.ndarray, spans: Spans, phones: PhoneTrack) -> None:
    """Frame by frame in speech: is the class of the likeliest phone that of the true one, and what else was heard?"""
    posteriors = load_encoder(Config().encoder).encode(open_audio(sound, rate=RATE)).posteriors
    classes, names = viseme_classes.of_labels(), [name for name, _ in viseme_classes.rows()]
    true, predicted = phones.frames(len(posteriors)), posteriors.argmax(axis=1)
    hit, speech = classes[true] == classes[predicted], true != 0
    tally.add("viseme class %", hit[speech].tolist())
    for start, end, symbol in spans:
        if not nearest_arpabet(symbol) and symbol.strip(MODIFIERS + "ˈˌːˑ|'-"):
            tally.unknown[symbol] += 1
        for frame in range(round(start * FEATURE_HZ), min(len(hit), round(end * FEATURE_HZ))):
            if speech[frame] and not hit[frame]:
                tally.errors[symbol, names[classes[predicted[frame]]]] += 1


def evaluate(languages: list[str], decoder: str, data: Path | None, sentences: int | None = None) -> dict:
    """Each language's Tally; ICT-FaceKit's head takes part where ``data`` holds it."""
    engine, heads = Espeak(), {"aria": aria_head()}
    if data is not None and (data / "ict-facekit").is_dir():
        heads["ICT"] = ict_head(data / "ict-facekit")
    texts, out = json.loads(SENTENCES.read_text(encoding="utf-8")), {}
    for language in languages:
        out[language] = tally = Tally()
        for text in texts[language][:sentences]:
            for variant in VARIANTS:
                sound, spans = engine.say(text, language + variant, SPEED, PITCH, SPREAD)
                judge(tally, sound, spans, decoder, heads)
        print(f"\r{language:8s}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return out


def short_of(rows: dict[str, dict[str, float]], names: tuple[str, ...]) -> dict[str, list[str]]:
    """The scores of ``names`` in which each language stays under NEAR of REFERENCE."""
    best = rows[REFERENCE]
    return {
        language: [n for n in names if row.get(n, best[n]) < NEAR * best[n]] for language, row in rows.items()
    }


GOALS = ("p b m closed % (aria)", "viseme class %")


def markdown(rows: dict[str, dict[str, float]]) -> str:
    """The table, English first, then what was heard in training, then the rest."""
    columns = list(rows[REFERENCE])
    lines = ["| language | in training | " + " | ".join(columns) + " | under 90 % of English |"]
    lines.append("| --- " * (len(columns) + 3) + "|")
    missed = short_of(rows, GOALS)
    for name in sorted(rows, key=lambda n: (n != REFERENCE, not heard_in_training(n))):
        known = "yes" if heard_in_training(name) else "no"
        cells = [f"{rows[name][c]:.{1 if '%' in c else 2}f}" if c in rows[name] else "" for c in columns]
        lines.append(f"| {name} | {known} | " + " | ".join(cells) + f" | {', '.join(missed[name])} |")
    return "\n".join(lines)


def confusions(tallies: dict[str, Tally], count: int = 8) -> str:
    """For each language the symbols and classes heard in their stead that cost most frames, and unknown symbols."""
    lines = []
    for language, tally in tallies.items():
        worst = [
            f"{s}▸{c} {n / len(tally.hits['viseme class %']):.1%}"
            for (s, c), n in tally.errors.most_common(count)
        ]
        lines.append(f"{language}: {', '.join(worst)}; not in the table: {dict(tally.unknown) or 'none'}")
    return "\n".join(lines)


def main() -> int:
    known = list(json.loads(SENTENCES.read_text(encoding="utf-8")))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FACEGEN_DATA", "../shared/data")))
    parser.add_argument("--languages", nargs="*", choices=known, default=known, metavar="CODE")
    parser.add_argument("--decoder", default=Config().decoder)
    parser.add_argument("--sentences", type=int, help="only so many a language")
    parser.add_argument("--confusions", action="store_true")
    parser.add_argument("--json", type=Path, help="file for the table as JSON")
    options = parser.parse_args()
    languages = [REFERENCE, *(x for x in options.languages if x != REFERENCE)]
    tallies = evaluate(languages, options.decoder, options.data, options.sentences)
    rows = {language: tally.row() for language, tally in tallies.items()}
    print(markdown(rows))
    if options.confusions:
        print(confusions(tallies))
    if options.json:
        plain = {n: {**r, "in training": heard_in_training(n)} for n, r in rows.items()}
        options.json.write_text(json.dumps({"decoder": options.decoder, "languages": plain}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
