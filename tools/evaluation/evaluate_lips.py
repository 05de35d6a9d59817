"""How well the lips follow real ones: a decoder's curves on a head against lips tracked in GRID video.

    python -m tools.evaluation.evaluate_lips --data ../shared/data --clips 20 --cache /tmp/tracks --plots plots/

For each speaker: Pearson correlation of the lip aperture and width with the tracked ones (median over clips), lag,
the part of p b m at which the lips meet and of open vowels at which they stay shut, beside the correlation of
plain loudness. Needs the `track` extra and the GRID folders of the data.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file

from facegen import api
from facegen.config import Config
from facegen.core.animation import Animation
from facegen.evaluation.metrics.curves import correlation, lag_ms
from facegen.evaluation.metrics.lips import contacts, openings
from facegen.motion.passes import lip_opening_network
from facegen.motion.take import Take
from facegen.pipeline.animate import animate
from facegen.speech.phones import Phone, PhoneTrack
from tools.evaluation.lip_heads import Head, aria_head, ict_head
from tools.evaluation.lip_tracking import aperture_and_width, track

VIDEO_FPS = 25
SPLITS = Path(__file__).resolve().parents[2] / "datasets" / "grid" / "splits.json"
LOUD_FLOOR_DB, LOUD_WINDOW = -50.0, 21


class Clip(NamedTuple):
    speaker: str
    video: Path
    words: str


class Result(NamedTuple):
    """Of one clip: correlations, lag in ms (positive: ours is late), and counts of closures and vowels."""

    aperture: float
    width: float
    loudness: float
    lag: float
    closures: int
    closed: int
    vowels: int
    shut: int


def find_clips(data: Path) -> list[Clip]:
    """The clips of GRID speaker 1 that the encoder was not trained on, and all of the five others."""
    held_out = set(json.loads(SPLITS.read_text())["test"]["clips"])
    clips = []
    for row in _rows(data / "grid-s1" / "alignments.jsonl"):
        if row["clip"] in held_out:
            clips.append(Clip("s1", data / "grid-s1" / "clips" / f"{row['clip']}.mp4", _words(row)))
    clips.sort(key=lambda c: c.video.name)
    for row in _rows(data / "grid-multi" / "grid-multi.jsonl"):
        clips.append(Clip(row["speaker"], data / "grid-multi" / "clips" / f"{row['utt']}.mp4", _words(row)))
    return clips


def _rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _words(row: dict) -> str:
    return " ".join(w for *_, w in (row.get("words") or []) if w not in ("sil", "sp"))


def loudness(energy: np.ndarray, frames: int, fps: float = VIDEO_FPS) -> np.ndarray:
    """Smoothed energy at the middle of each frame, [frames]."""
    kernel = np.hanning(LOUD_WINDOW + 2)[1:-1]
    loud = np.pad(np.maximum(energy, LOUD_FLOOR_DB), LOUD_WINDOW // 2, mode="edge")
    loud = np.convolve(loud, kernel / kernel.sum(), mode="valid")
    return np.interp((np.arange(frames) + 0.5) / fps * 100 - 0.5, np.arange(len(loud)), loud)


def compare(
    ours: tuple[np.ndarray, np.ndarray], theirs: tuple, loud: np.ndarray, phones: PhoneTrack
) -> Result:
    """The measures of one clip from aperture and width [T] of both, at VIDEO_FPS."""
    count = min(len(ours[0]), len(theirs[0]))
    (gap, width), (true_gap, true_width) = ((x[:count] for x in pair) for pair in (ours, theirs))
    closed = [c.hit for c in contacts(gap, VIDEO_FPS, phones)]
    parted = [c.hit for c in openings(gap, VIDEO_FPS, phones)]
    agree = correlation(gap, true_gap), correlation(width, true_width), correlation(loud[:count], true_gap)
    lag = lag_ms(gap, true_gap, VIDEO_FPS)
    return Result(*agree, lag, len(closed), sum(closed), len(parted), len(parted) - sum(parted))


def given_phones(path: Path | None) -> dict[str, PhoneTrack]:
    """Phones by clip name from JSON lines of ``clip`` and ``phones`` [[start s, end s, label]]."""
    rows = _rows(path) if path else []
    return {r["clip"]: PhoneTrack(tuple(Phone(*p) for p in r["phones"])) for r in rows}


def table(results: dict[str, list[Result]]) -> str:
    lines = ["speaker   clips  aperture  width  loudness  lag ms  p b m closed  open vowels shut"]
    everyone = [r for speaker, rs in results.items() if speaker != "s1" for r in rs]
    for name, rows in [*sorted(results.items()), ("all but s1", everyone)]:
        if not rows:
            continue
        middle = [np.median([r[i] for r in rows]) for i in range(4)]
        total = [sum(r[i] for r in rows) for i in range(4, 8)]
        closed, shut = (100 * total[i + 1] / max(1, total[i]) for i in (0, 2))
        lines.append(
            f"{name:10s}{len(rows):5d}{middle[0]:10.3f}{middle[1]:7.3f}{middle[2]:10.3f}{middle[3]:8.0f}"
            f"{closed:12.1f} %{shut:16.1f} %"
        )
    return "\n".join(lines)


def plot(path: Path, title: str, curves: tuple, take, phones: PhoneTrack) -> None:
    """Tracked and our aperture and width with the phones, as a PNG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    (gap, width), (true_gap, true_width), loud = curves
    figure, axes = pyplot.subplots(3, 1, figsize=(14, 9), sharex=True)
    axes[0].plot(np.arange(len(loud)) / VIDEO_FPS, loud, color="0.5")
    axes[0].set(title=title, ylabel="loudness dB")
    for axis, mine, real, name in (
        (axes[1], gap, true_gap, "aperture"),
        (axes[2], width, true_width, "width"),
    ):
        count = min(len(mine), len(real))
        middle = (np.arange(count) + 0.5) / VIDEO_FPS
        axis.plot(middle, real[:count], "k", label="tracked")
        axis.plot(
            middle,
            mine[:count] - (np.median(mine[:count] - real[:count]) if name == "width" else 0),
            "r",
            label="ours",
        )
        axis.set(ylabel=f"{name} r={correlation(mine[:count], real[:count]):.2f}")
        axis.legend(loc="upper right")
    for phone in phones:
        for axis in axes:
            axis.axvline(phone.start, color="0.85", lw=0.7)
        axes[1].text(
            (phone.start + phone.end) / 2, axes[1].get_ylim()[1], phone.label, ha="center", fontsize=8
        )
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    pyplot.close(figure)


def solve(clip: Clip, options: argparse.Namespace) -> tuple[Animation, Take, np.ndarray]:
    """The clip's neutral animation at the video's rate, its take, and the energy of its sound."""
    from facegen.speech.audio import open_audio
    from facegen.speech.prosody import energy

    settings = {"text": clip.words} if options.text and clip.words else {}
    take = api.solve(clip.video, fps=VIDEO_FPS, decoder=options.decoder, emotion="neutral", **settings)  # type: ignore[arg-type]
    samples = np.concatenate(list(open_audio(clip.video).blocks()))
    return animate(take), take, energy(samples)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FACEGEN_DATA", "../shared/data")))
    parser.add_argument("--head", choices=("ict", "aria"), default="ict")
    parser.add_argument("--decoder", default=Config().decoder)
    parser.add_argument(
        "--parting", type=Path, help="what tools/training/train_lip_opening.py wrote; else what ships"
    )
    parser.add_argument("--clips", type=int, default=20, help="at most so many a speaker")
    parser.add_argument("--speakers", nargs="*", help="only these")
    parser.add_argument("--text", action="store_true", help="give the transcript")
    parser.add_argument(
        "--phones", type=Path, help="JSON lines of the true phones, for closures; else as heard"
    )
    parser.add_argument("--cache", type=Path, help="folder that keeps tracked landmarks")
    parser.add_argument("--plots", type=Path, help="folder for a plot of each speaker's first clips")
    parser.add_argument("--csv", type=Path, help="file for a row a clip")
    options = parser.parse_args()
    if options.parting:
        lip_opening_network.weights = lambda: load_file(options.parting)  # type: ignore[assignment]
    head: Head = ict_head(options.data / "ict-facekit") if options.head == "ict" else aria_head()
    true_phones, rows = given_phones(options.phones), []
    results: dict[str, list] = defaultdict(list)
    for clip in find_clips(options.data):
        wanted = options.speakers is None or clip.speaker in options.speakers
        if not wanted or len(results[clip.speaker]) >= options.clips:
            continue
        animation, take, energy = solve(clip, options)
        ours, theirs = (
            head.aperture_and_width(animation),
            aperture_and_width(track(clip.video, options.cache)),
        )
        loud = loudness(energy, len(theirs[0]))
        phones = true_phones.get(clip.video.stem, take.phones)
        assert phones is not None
        result = compare(ours, theirs, loud, phones)
        if options.plots and len(results[clip.speaker]) < 2:
            options.plots.mkdir(parents=True, exist_ok=True)
            plot(
                options.plots / f"{clip.speaker}_{clip.video.stem}.png",
                clip.words,
                (ours, theirs, loud),
                take,
                phones,
            )
        results[clip.speaker].append(result)
        rows.append((clip.video.stem, clip.speaker, *result))
    if options.csv:
        with options.csv.open("w", newline="") as out:
            csv.writer(out).writerows([("clip", "speaker", *Result._fields), *rows])
    print(table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
