"""Decoders, loudness and other programs' output beside one another on real lips: one table.

    python -m tools.evaluation.compare_decoders --data ../shared/data --clips 15 --cache /tmp/tracks \\
        --peer rhubarb=out/ --json table.json

On GRID: aperture and width against lips tracked in the video (median over a speaker's clips of Pearson's r, of r at the
best shift, and of that shift), closures at p b m, open vowels shut, and jitter of the aperture. On FACEGOOD: jaw against
the captured jaw. A row each for the decoders that are registered, plain loudness, the tracked lips themselves and each
peer: a folder of animation files named after the clips, in any format that is read, or Rhubarb's ``.tsv``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from facegen import api
from facegen.core.animation import Animation
from facegen.core.errors import FacegenError
from facegen.core.registry import Registry, suffix_of
from facegen.evaluation.metrics import NotApplicable
from facegen.evaluation.metrics.curves import best_shift, correlation, jitter
from facegen.evaluation.metrics.lips import contacts, openings
from facegen.formats import load_animation
from facegen.pipeline.animate import animate, retarget
from facegen.rig import ARKIT
from facegen.speech.audio import open_audio
from facegen.speech.phones import PhoneTrack
from facegen.speech.prosody import energy
from tools.evaluation.evaluate_lips import VIDEO_FPS, Clip, find_clips, given_phones, loudness, track
from tools.evaluation.lip_heads import Head, aria_head, ict_head
from tools.evaluation.lip_tracking import aperture_and_width

RHUBARB_TURN_S = 0.08  # Rhubarb names shapes from instants on; a mouth takes so long from one to the next
JAW_FPS = 30
COLUMNS = (
    "aperture",
    "aperture at best lag",
    "width",
    "lag ms",
    "p b m closed %",
    "open vowels shut %",
    "jitter e-3",
)


class Lips(NamedTuple):
    """Aperture and width [T] at VIDEO_FPS; ``width`` is None and ``metric`` False for what is no mouth."""

    aperture: np.ndarray
    width: np.ndarray | None
    metric: bool = True


def of_decoder(clip: Clip, decoder: str, head: Head) -> Lips:
    take = api.solve(clip.video, fps=VIDEO_FPS, decoder=decoder, emotion="neutral")
    return Lips(*head.aperture_and_width(animate(take)))


def of_loudness(clip: Clip, frames: int) -> Lips:
    samples = np.concatenate(list(open_audio(clip.video).blocks()))
    return Lips(loudness(energy(samples), frames), None, False)


def of_file(path: Path, head: Head) -> Lips:
    return Lips(*head.aperture_and_width(read_peer(path).resample(VIDEO_FPS)))


def read_peer(path: Path) -> Animation:
    """The animation in a peer's file, on ARKit's controls."""
    if path.suffix == ".tsv":
        return read_rhubarb(path)
    animation = load_animation(path)
    return animation if set(animation.controls) & set(ARKIT) else retarget(animation, "arkit")


def read_rhubarb(path: Path) -> Animation:
    """Rhubarb's lines of ``seconds <tab> shape`` on ARKit's controls, at 100 frames a second."""
    rows = [line.split("\t") for line in path.read_text().splitlines() if line.strip()]
    shapes = ("A", "B", "C", "D", "E", "F", "G", "H", "X")
    starts = np.array([float(row[0]) for row in rows])
    middle = (np.arange(int(starts[-1] * 100) + 1) + 0.5) / 100
    at = np.clip(np.searchsorted(starts, middle, side="right") - 1, 0, None)
    weights = np.array([[row[1] == shape for shape in shapes] for row in rows], np.float64)[at]
    width = round(RHUBARB_TURN_S * 100)
    padded = np.pad(weights, ((width // 2, width - width // 2 - 1), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(c, np.ones(width) / width, mode="valid") for c in padded.T], axis=1)
    return retarget(Animation(Fraction(100), shapes, smooth), "arkit", "rhubarb")


def peer_file(folder: Path, clip: str) -> Path | None:
    """The file of ``clip`` in a peer's folder, if it has one that can be read."""
    known = [*Registry("importers").names(), ".tsv"]
    files = sorted(p for p in folder.glob(f"{clip}.*") if suffix_of(p.name, known))
    return files[0] if files else None


def judge(lips: Lips, true: Lips, phones: PhoneTrack) -> dict[str, tuple[float, int]]:
    """The COLUMNS of one clip, each a value and its weight (how many phones it speaks for)."""
    count = min(len(lips.aperture), len(true.aperture))
    gap, real = lips.aperture[:count], true.aperture[:count]
    lag, at_best = best_shift(gap, real, VIDEO_FPS)
    row = {"aperture": (correlation(gap, real), 1), "aperture at best lag": (at_best, 1), "lag ms": (lag, 1)}
    if lips.width is not None and true.width is not None:
        row["width"] = (correlation(lips.width[:count], true.width[:count]), 1)
    if not lips.metric:
        return row
    closed = [c.hit for c in contacts(gap, VIDEO_FPS, phones)]
    parted = [c.hit for c in openings(gap, VIDEO_FPS, phones)]
    if closed:
        row["p b m closed %"] = (100 * float(np.mean(closed)), len(closed))
    if parted:
        row["open vowels shut %"] = (100 - 100 * float(np.mean(parted)), len(parted))
    try:
        row["jitter e-3"] = (1000 * jitter(gap[:, None], VIDEO_FPS), 1)
    except NotApplicable:
        pass
    return row


def summary(rows: list[dict[str, tuple[float, int]]]) -> dict[str, float]:
    """Of a speaker's clips: the share of all phones for the per cents, the median over clips for the rest."""
    out = {"clips": float(len(rows))}
    for name in COLUMNS:
        found = [row[name] for row in rows if name in row]
        if found:
            values, weights = (np.array(x) for x in zip(*found, strict=True))
            middle = np.average(values, weights=weights) if name.endswith("%") else np.median(values)
            out[name] = round(float(middle), 3)
    return out


def jaws(data: Path, name: str, peer: Path | None = None) -> dict[str, float]:
    """Pearson's r of jawOpen with the captured one, for each FACEGOOD take, in its own 30 frames a second."""
    folder, out = data / "facegood", {}
    if not (folder / "names.json").exists():
        return {}
    column = json.loads((folder / "names.json").read_text())["arkit"].index("jawOpen")
    for path in sorted(folder.glob("*.npz")):
        true = np.load(path, allow_pickle=False)["arkit"][:, column].astype(np.float64)
        ours = _jaw(folder / "audio" / f"{path.stem}.opus", name, peer, len(true))
        if ours is not None:
            count = min(len(ours), len(true))
            out[path.stem] = round(correlation(ours[:count], true[:count]), 3)
    return out


def _jaw(sound: Path, name: str, peer: Path | None, frames: int) -> np.ndarray | None:
    """jawOpen [T] of a decoder, or of a peer's file where it has one; loudness in its place for ``loudness``."""
    if peer is not None:
        path = peer_file(peer, sound.stem)
        return None if path is None else read_peer(path).resample(JAW_FPS).select(("jawOpen",)).values[:, 0]
    if name == "loudness":
        samples = np.concatenate(list(open_audio(sound).blocks()))
        return loudness(energy(samples), frames, JAW_FPS)
    return animate(api.solve(sound, fps=JAW_FPS, decoder=name, emotion="neutral")).channel("jawOpen")


def run(options: argparse.Namespace) -> dict:
    """Summaries by system and speaker, and jaws by system and take."""
    head = ict_head(options.data / "ict-facekit") if options.head == "ict" else aria_head()
    known, count = given_phones(options.phones), Counter[str]()
    rows: dict[str, dict[str, list]] = defaultdict(lambda: defaultdict(list))
    for clip in find_clips(options.data):
        if count[clip.speaker] >= options.clips:
            continue
        count[clip.speaker] += 1
        true = Lips(*aperture_and_width(track(clip.video, cache_of(clip.video, options.cache))))
        phones = known.get(clip.video.stem) or spoken(clip)
        systems = {"tracked": true, "loudness": of_loudness(clip, len(true.aperture))}
        systems |= {name: of_decoder(clip, name, head) for name in options.decoders}
        for name, folder in options.peer:
            path = peer_file(Path(folder), clip.video.stem)
            if path is not None:
                systems[name] = of_file(path, head)
        for name, lips in systems.items():
            rows[name][clip.speaker].append(judge(lips, true, phones))
        print(f"\r{sum(count.values())} clips", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    table = {name: by_speaker(found) for name, found in rows.items()}
    return {
        "grid": table,
        "facegood jaw": {n: jaws(options.data, n) for n in ("loudness", *options.decoders)},
    }


def cache_of(video: Path, cache: Path | None) -> Path | None:
    """``cache`` itself, or its folder of the corpus that ``video`` belongs to where it has one."""
    own = cache / video.parent.parent.name if cache else None
    return own if own is not None and own.is_dir() else cache


def spoken(clip: Clip) -> PhoneTrack:
    """The phones of the clip, placed by its transcript."""
    return api.solve(
        clip.video,
        fps=VIDEO_FPS,
        passes=[],
        **({"text": clip.words} if clip.words else {}),  # type: ignore[arg-type]
    ).phones


def by_speaker(found: dict[str, list]) -> dict[str, dict[str, float]]:
    everyone = [row for speaker, rows in found.items() if speaker != "s1" for row in rows]
    return {**{s: summary(r) for s, r in sorted(found.items())}, "all but s1": summary(everyone)}


def markdown(result: dict) -> str:
    """Both tables as Markdown."""
    names = ("system", "speaker", "clips", *COLUMNS)
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    for system, speakers in result["grid"].items():
        for speaker, row in speakers.items():
            cells = [f"{row[c]:g}" if c in row else "" for c in ("clips", *COLUMNS)]
            lines.append("| " + " | ".join([system, speaker, *cells]) + " |")
    takes = sorted({take for row in result["facegood jaw"].values() for take in row})
    if takes:
        lines += ["", "| jaw r | " + " | ".join([*takes, "median"]) + " |", "|" + " --- |" * (len(takes) + 2)]
        for system, row in result["facegood jaw"].items():
            cells = [f"{row[take]:.3f}" if take in row else "" for take in takes]
            lines.append("| " + " | ".join([system, *cells, f"{np.median(list(row.values())):.3f}"]) + " |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FACEGEN_DATA", "../shared/data")))
    parser.add_argument("--head", choices=("ict", "aria"), default="ict")
    parser.add_argument("--decoders", nargs="*", help="names of facegen models; else all that can be opened")
    parser.add_argument("--clips", type=int, default=15, help="at most so many a speaker")
    parser.add_argument("--phones", type=Path, help="JSON lines of the true phones; else by the transcript")
    parser.add_argument("--cache", type=Path, help="folder that keeps tracked landmarks")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=FOLDER", type=_peer)
    parser.add_argument("--json", type=Path, help="file for the table as JSON")
    parser.add_argument("--markdown", type=Path, help="file for the table as Markdown")
    options = parser.parse_args()
    options.decoders = usable() if options.decoders is None else options.decoders
    result = run(options)
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(result) + "\n")
    print(markdown(result))
    return 0


def usable() -> list[str]:
    """The decoders that are registered and whose models are there."""
    found = []
    for name in Registry("decoders").names():
        try:
            Registry("decoders").get(name)()
        except FacegenError as error:
            print(f"without the decoder {name}: {error}", file=sys.stderr)
        else:
            found.append(name)
    return found


def _peer(text: str) -> tuple[str, str]:
    name, _, folder = text.partition("=")
    if not name or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER with a folder that is there")
    return name, folder


if __name__ == "__main__":
    sys.exit(main())
