"""Prepare what the learned decoder is trained on: what the phone encoder hears beside tracked and captured faces.

    python -m tools.training.cache_lips gather --data ../shared/data --tracks TRACKS --phones grid.jsonl --out PIECES
    python -m tools.training.cache_lips hear PIECES --out CACHE --versions 9

The first needs the `track` extra for videos not tracked yet; ``--phones`` is what tools/training/align_corpora.py grid
wrote. The second needs PIECES alone, some 40 MB, so that it can run on another machine; it uses all its cores.
"""

from __future__ import annotations

import argparse
import json
import os
from itertools import islice
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from facegen.speech.phones import Phone, PhoneTrack
from tools.training.lip_decoder import video_lips
from tools.training.lip_decoder.windows import (
    FRAMES,
    VIDEO_FPS,
    VIDEO_FRAMES,
    Ear,
    Heard,
    cut,
    described,
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    gathering = commands.add_parser("gather")
    gathering.add_argument("--data", type=Path, required=True)
    gathering.add_argument("--tracks", type=Path, required=True, help="folder that keeps tracked landmarks")
    gathering.add_argument("--phones", type=Path, required=True)
    gathering.add_argument("--out", type=Path, required=True)
    gathering.add_argument(
        "--every", type=int, default=3, help="take one recording of speechocean762 in so many"
    )
    hearing = commands.add_parser("hear")
    hearing.add_argument("pieces", type=Path)
    hearing.add_argument("--out", type=Path, required=True)
    hearing.add_argument(
        "--versions", type=int, default=9, help="voices of each piece, the speaker's own one first"
    )
    hearing.add_argument("--seed", type=int, default=1)
    hearing.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    {"gather": gather, "hear": hear}[options.command](options)


def gather(options: argparse.Namespace) -> None:
    """A file a corpus: described pieces of sound, and what the faces did."""
    for name, rows in {"grid": videos, "speech": readers, "facegood": performer}.items():
        columns: dict[str, list] = {}
        for sound, arrays in rows(options):
            for key, value in {**described(sound), **arrays}.items():
                columns.setdefault(key, []).append(value)
        path = options.out / f"{name}.npz"
        np.savez_compressed(path, **{key: np.stack(values) for key, values in columns.items()})
        print(f"{path}: {len(columns['mel'])} pieces, {path.stat().st_size / 1e6:.1f} MB", flush=True)


def hear(options: argparse.Namespace) -> None:
    """The same files with what the encoder hears, in several voices, in place of the sound."""
    for number, path in enumerate(sorted(options.pieces.glob("*.npz"))):
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
        sounds = zip(
            range(len(arrays["mel"])), *(arrays.pop(key) for key in ("mel", "loud", "hz")), strict=True
        )
        given = (options.seed + number, options.versions)
        with Pool(options.jobs, initializer=_open_ear, initargs=given) as pool:
            heard = pool.starmap(_hear, sounds, chunksize=8)
        arrays |= {key: np.stack([vars(h)[key] for h in heard]) for key in vars(heard[0])}
        np.savez(options.out / path.name, **arrays)
        print(f"{options.out / path.name}: {len(heard)} pieces", flush=True)


_ears: list[Ear] = []


def _open_ear(seed: int, versions: int) -> None:
    _ears[:] = [Ear(seed, versions)]


def _hear(*piece) -> Heard:
    return _ears[0].hear(*piece)


def videos(options: argparse.Namespace):
    """GRID's clips with the tracked lips and brows."""
    from tools.evaluation.lip_tracking import track
    from tools.training.corpora import grid
    from tools.training.phone_encoder.sound import load_sound

    lines = (json.loads(line) for line in options.phones.read_text().splitlines())
    phones = {row["clip"]: row["phones"] for row in lines}
    for sample in grid.samples(options.data):
        assert sample.video is not None and sample.audio is not None
        points = track(sample.video, options.tracks / sample.video.parent.parent.name)
        gap, width = video_lips.lips(points)
        spans = PhoneTrack(tuple(Phone(*p) for p in phones.get(sample.video.stem, ())))
        known = sample.video.stem in phones
        labels = spans.frames(FRAMES)[:FRAMES] if known else np.full(FRAMES, -1, np.int16)
        yield (
            cut(load_sound(sample.audio))[0],
            {
                "gap": gap,
                "width": width,
                "brow": video_lips.brows(points),
                "phones": labels,
                "speaker": np.array(sample.speaker),
                "clip": np.array(sample.video.stem),
            },
        )


def performer(options: argparse.Namespace):
    """FACEGOOD's takes in pieces, with their curves at the video's rate."""
    from facegen.rig import ARKIT
    from tools.training.corpora import facegood
    from tools.training.phone_encoder.sound import load_sound

    for sample in facegood.samples(options.data):
        assert sample.controls is not None and sample.audio is not None
        curves = sample.controls()
        values = curves.resample(VIDEO_FPS).select(ARKIT).values
        for number, piece in enumerate(cut(load_sound(sample.audio))):
            part = values[number * VIDEO_FRAMES : (number + 1) * VIDEO_FRAMES]
            if len(part) == VIDEO_FRAMES:
                yield piece, {"controls": part, "take": np.array(sample.utt)}


def readers(options: argparse.Namespace):
    """One piece of some recordings of speechocean762: sound without a face."""
    from tools.training.corpora import speechocean
    from tools.training.phone_encoder.sound import load_sound

    for sample in islice(speechocean.samples(options.data), 0, None, options.every):
        assert sample.audio is not None
        yield cut(load_sound(sample.audio))[0], {"speaker": np.array(sample.speaker)}


if __name__ == "__main__":
    main()
