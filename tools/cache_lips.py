"""Prepare what the learned decoder is trained on: features of the phone encoder beside tracked and captured faces.

    python tools/cache_lips.py --data ../shared/data --tracks TRACKS --phones grid.jsonl --out CACHE

Needs the `track` extra for videos not tracked yet. ``--phones`` is what tools/align_corpora.py grid wrote.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from facegen.corpora import grid, speechocean  # noqa: E402
from facegen.phones import Phone, PhoneTrack  # noqa: E402
from tools.decoder import faces  # noqa: E402
from tools.decoder.pieces import FRAMES, VIDEO_FPS, VIDEO_FRAMES, Ear, cut  # noqa: E402
from tools.encoder.sound import load_sound  # noqa: E402
from tools.lip_tracking import track  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tracks", type=Path, required=True, help="folder that keeps tracked landmarks")
    parser.add_argument("--phones", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--versions", type=int, default=9, help="voices of each piece, the speaker's own one first"
    )
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    sources = {"grid": videos, "speech": readers, "facegood": performer}
    for number, (name, rows) in enumerate(sources.items()):
        path = options.out / f"{name}.npz"
        if not path.exists():
            write(path, rows(options), Ear(options.seed + number, options.versions))


def write(path: Path, rows, ear: Ear) -> None:
    """Gather rows of (sound, arrays) as arrays with a row a piece."""
    columns: dict[str, list] = {}
    for sound, arrays in rows:
        heard = ear.hear(sound)
        for key, value in {**vars(heard), **arrays}.items():
            columns.setdefault(key, []).append(value)
        if len(columns["log"]) % 100 == 0:
            print(f"{path.stem}: {len(columns['log'])} pieces", flush=True)
    np.savez(path, **{key: np.stack(values) for key, values in columns.items()})
    print(f"{path}: {len(columns['log'])} pieces", flush=True)


def videos(options: argparse.Namespace):
    """GRID's clips with the tracked lips and brows."""
    lines = (json.loads(line) for line in options.phones.read_text().splitlines())
    phones = {row["clip"]: row["phones"] for row in lines}
    for sample in grid.samples(options.data):
        points = track(sample.video, options.tracks / sample.video.parent.parent.name)
        gap, width = faces.lips(points)
        spans = PhoneTrack(tuple(Phone(*p) for p in phones.get(sample.video.stem, ())))
        known = sample.video.stem in phones
        labels = spans.frames(FRAMES)[:FRAMES] if known else np.full(FRAMES, -1, np.int16)
        yield (
            cut(load_sound(sample.audio))[0],
            {
                "gap": gap,
                "width": width,
                "brow": faces.brows(points),
                "phones": labels,
                "speaker": np.array(sample.speaker),
                "clip": np.array(sample.video.stem),
            },
        )


def performer(options: argparse.Namespace):
    """FACEGOOD's takes in pieces, with their curves at the video's rate."""
    from facegen.corpora import facegood
    from facegen.rig import ARKIT

    for sample in facegood.samples(options.data):
        curves = sample.controls()
        values = curves.resample(VIDEO_FPS).select(ARKIT).values
        for number, piece in enumerate(cut(load_sound(sample.audio))):
            part = values[number * VIDEO_FRAMES : (number + 1) * VIDEO_FRAMES]
            if len(part) == VIDEO_FRAMES:
                yield piece, {"controls": part, "take": np.array(sample.utt)}


def readers(options: argparse.Namespace):
    """One piece of each third recording of speechocean762: sound without a face."""
    for sample in islice(speechocean.samples(options.data), 0, None, 3):
        yield cut(load_sound(sample.audio))[0], {"speaker": np.array(sample.speaker)}


if __name__ == "__main__":
    main()
