"""Confusion table of the emotions of our own takes, as a classifier trained on other tables sees them.

    python -m tools.evaluation.classify_face_emotions --data ../shared/data --clips 6 --seeds 3 [--intensity 1] [--fine]

Real speech (GRID, Emo-DB's neutral sentences) animated in each basic emotion; with --fine every named emotion, held to
the category that weighs most in it. The captured recordings, if there, are judged too, as a check.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np

from facegen import api
from facegen.emotion import CATEGORIES, named_emotions
from facegen.evaluation.metrics.face_emotion import face_emotion
from facegen.motion.take import compose


def speech(data: Path, count: int) -> list[Path]:
    """Clips of several speakers, men and women, English and German."""
    grid = sorted((data / "grid-multi" / "clips").glob("*.mp4"))
    german = sorted((data / "emodb" / "audio").glob("*N[a-z].opus"))
    half = max(1, count // 2)
    return grid[:: max(1, len(grid) // half)][:half] + german[:: max(1, len(german) // half)][: count - half]


def judged(clip: Path, emotion: str, options: argparse.Namespace) -> list[dict[str, float]]:
    return [
        face_emotion(compose(api.solve(clip, emotion=emotion, seed=seed, intensity=options.intensity)))
        for seed in range(options.seeds)
    ]


def table(rows: dict[str, list[dict[str, float]]], truth: dict[str, str]) -> str:
    """A line an emotion: how many takes were judged as each category, and the mean recall of the categories."""
    lines = [f"{'':22}" + "".join(f"{name[:9]:>10}" for name in CATEGORIES)]
    recalls: dict[str, list[float]] = {}
    for name, found in rows.items():
        predicted = [max(row, key=lambda key: row[key]) for row in found]
        lines.append(f"{name:22}" + "".join(f"{predicted.count(c):10d}" for c in CATEGORIES))
        recalls.setdefault(truth[name], []).append(predicted.count(truth[name]) / len(predicted))
    lines.append(f"mean recall {np.mean([np.mean(r) for r in recalls.values()]):.3f}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FACEGEN_DATA", "../shared/data")))
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--intensity", type=float, default=1.0)
    parser.add_argument("--fine", action="store_true", help="every named emotion")
    options = parser.parse_args()
    names = list(named_emotions()) if options.fine else list(CATEGORIES)
    truth = {}
    for name in names:
        weights = named_emotions()[name].categories
        top = max(weights, key=lambda key: weights[key]) if weights else "neutral"
        truth[name] = top if not weights or weights[top] >= 0.3 else "neutral"
    clips = speech(options.data, options.clips)
    rows = {name: [row for clip in clips for row in judged(clip, name, options)] for name in names}
    print(table(rows, truth))
    for path in sorted((options.data / "livelink-captures").glob("*.csv")):
        shares = face_emotion(api.load(path))
        best = sorted(shares, key=lambda key: -shares[key])[:3]
        print(f"captured {path.stem:10}" + ", ".join(f"{name} {shares[name]:.2f}" for name in best))
    return 0


if __name__ == "__main__":
    sys.exit(main())
