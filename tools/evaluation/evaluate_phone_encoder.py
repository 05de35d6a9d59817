"""Measure a phone encoder on what it never heard, against a linear softmax on log-mel.

    python -m tools.evaluation.evaluate_phone_encoder --model facegen/models/phones.onnx --cache CACHE \\
        [--card facegen/models/MODEL_CARD.md]

With --card the table between the card's two marker lines is replaced.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime

from facegen.speech.logmel import SILENCE
from facegen.speech.phones import BILABIALS, LABELS
from tools.training.phone_encoder import linear_baseline, viseme_classes

SOURCES = ("speechocean762", "grid", "emodb", "flite", "espeak")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


@dataclass
class Result:
    """Counts over one group of recordings; `add` takes posteriors [T, 40] and labels [T]."""

    name: str
    frames: int = 0
    hits: int = 0
    viseme_hits: int = 0
    speech: int = 0
    speech_hits: int = 0
    speech_heard: int = 0
    silence: int = 0
    silence_heard: int = 0
    lips: int = 0
    lips_guessed: int = 0
    lips_hit: int = 0

    def add(self, posteriors: np.ndarray, labels: np.ndarray) -> None:
        known = labels >= 0
        posteriors, labels = posteriors[known], labels[known].astype(int)
        guess, classes = posteriors.argmax(axis=1), viseme_classes.of_labels()
        spoken, predicted = labels > 0, posteriors[:, 0] < 0.5
        lips = np.isin(labels, [LABELS.index(p) for p in BILABIALS])
        lips_guess = np.isin(guess, [LABELS.index(p) for p in BILABIALS])
        self.frames += len(labels)
        self.hits += int((guess == labels).sum())
        self.viseme_hits += int((classes[guess] == classes[labels]).sum())
        self.speech += int(spoken.sum())
        self.speech_hits += int((guess == labels)[spoken].sum())
        self.speech_heard += int((predicted & spoken).sum())
        self.silence += int((~spoken).sum())
        self.silence_heard += int((predicted & ~spoken).sum())
        self.lips += int(lips.sum())
        self.lips_guessed += int(lips_guess.sum())
        self.lips_hit += int((lips & lips_guess).sum())

    def row(self) -> str:
        def percent(part: int, whole: int) -> str:
            return f"{100 * part / whole:.1f}" if whole else "–"

        cells = [
            self.name,
            f"{self.frames / 6000:.1f}",
            percent(self.hits, self.frames),
            percent(self.speech_hits, self.speech),
            percent(self.viseme_hits, self.frames),
            percent(self.speech_heard, self.speech),
            percent(self.silence_heard, self.silence),
            percent(self.lips_hit, self.lips),
            percent(self.lips_hit, self.lips_guessed),
        ]
        return "| " + " | ".join(cells) + " |"


HEADER = (
    "| held out | minutes | phone % | phone %, speech only | viseme class % | speech heard % | false speech % "
    "| P B M recall % | P B M precision % |\n|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--card", type=Path)
    parser.add_argument("--no-baseline", action="store_true")
    options = parser.parse_args()
    lines = [HEADER, *(r.row() for r in measure(options.cache, onnx_scorer(options.model)).values())]
    if not options.no_baseline:
        linear = linear_baseline.train(options.cache)
        lines += [
            r.row().replace("| ", "| linear baseline: ", 1) for r in measure(options.cache, linear).values()
        ]
    table = "\n".join(lines)
    print(table)
    if options.card:
        text = options.card.read_text(encoding="utf-8")
        head, tail = text.split(BEGIN)[0], text.split(END)[1]
        options.card.write_text(f"{head}{BEGIN}\n{table}\n{END}{tail}", encoding="utf-8")


def measure(cache: Path, scorer) -> dict[str, Result]:
    """Results by group; `scorer` gives posteriors [T, 40] of log-mel [T, 80]."""
    results: dict[str, Result] = {}
    for source in (*SOURCES, "noise-test"):
        with np.load(cache / f"{source}.npz", allow_pickle=False) as file:
            frames, labels, ends = file["frames"], file["labels"], file["ends"]
            speakers, test = file["speakers"], file["test"]
        starts = np.concatenate([[0], ends[:-1]])
        for row in np.flatnonzero(test):
            name = group(source, str(speakers[row]))
            mel = frames[starts[row] : ends[row]].astype(np.float32)
            results.setdefault(name, Result(name)).add(scorer(mel), labels[starts[row] : ends[row]])
    return results


def group(source: str, speaker: str) -> str:
    """The line of the table that a recording belongs to."""
    if source == "grid":
        return "GRID, speaker s31" if speaker == "s31" else "GRID, other clips of s1 (speaker known)"
    if source == "noise-test":
        return "no speech: " + speaker
    names = {"speechocean762": "speechocean762, 20 speakers", "emodb": "Emo-DB, speakers 03 and 16"}
    return names.get(source, f"synthetic, {speaker}")


def onnx_scorer(path: Path):
    """Posteriors by ONNX Runtime, with the model's context of silence around each recording."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    known = session.get_modelmeta().custom_metadata_map
    left, right = int(known["left_context"]), int(known["right_context"])

    def score(mel: np.ndarray) -> np.ndarray:
        padded = np.pad(mel, ((left, right), (0, 0)), constant_values=SILENCE)[None]
        return np.exp(session.run(["log_posteriors"], {"logmel": padded})[0][0, left : left + len(mel)])

    return score


if __name__ == "__main__":
    main()
