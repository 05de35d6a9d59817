"""How well `facegen track` sees faces: tracked takes of GRID clips against the landmarks themselves, and a drawn head
against the take that moved it.

    python -m tools.evaluation.evaluate_tracking --data ../shared/data --clips 8 [--cache /tmp/tracks] [--blinks] [--fresh 2]
    python -m tools.evaluation.evaluate_tracking --known take.json --video take.mp4  (facegen render take.json -o take.mp4)

For each speaker, medians over clips: correlation of lip aperture and width on the head with those between the
landmarks, their mean difference (over the distance of the outer eye corners), re-projection error in pixels and per cent
of that distance, jitter (mean second difference of all controls in the calmest fifth of the frames), blinks a minute.
``--fresh`` tracks so many videos from the file on and tells the speed. Needs the extra `track`.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.evaluation.metrics.curves import correlation
from facegen.evaluation.metrics.eyes import blinks
from facegen.evaluation.metrics.lips import LipHead, lip_head
from facegen.formats import load_animation
from facegen.tracking import solve_landmarks, track
from facegen.tracking.rig_landmarks import load_rig_landmarks
from tools.evaluation.evaluate_lips import VIDEO_FPS, find_clips
from tools.evaluation.lip_tracking import EYES, aperture_and_width
from tools.evaluation.lip_tracking import track as landmarks_of

CALM = 0.2
MOVES, RESTS = 0.05, 0.01


def jitter(take: Animation) -> float:
    """Mean second difference of the controls in the frames where all of them move least."""
    if len(take) < 5:
        return 0.0
    shake = np.abs(np.diff(take.values, n=2, axis=0)).mean(axis=1)
    speed = np.abs(take.values[2:] - take.values[:-2]).sum(axis=1)
    return float(shake[speed <= np.quantile(speed, CALM)].mean())


def measures(take: Animation, points: np.ndarray, head: LipHead) -> list[float]:
    ours, theirs = head.aperture_and_width(take), aperture_and_width(points)
    eyes = float(np.nanmedian(np.linalg.norm(points[:, EYES[1], :2] - points[:, EYES[0], :2], axis=1)))
    error = take.meta["tracking"]["reprojection"][0]
    return [
        correlation(ours[0], theirs[0]),
        correlation(ours[1], theirs[1]),
        float(np.abs(ours[0] - theirs[0]).mean()),
        error * eyes,
        100 * error,
        jitter(take),
        60 * len(blinks(take)) / take.seconds,
    ]


def grid(options: argparse.Namespace) -> None:
    face = load_rig_landmarks(options.rig)
    head = lip_head(face.rig)
    rows: dict[str, list[list[float]]] = defaultdict(list)
    for clip in find_clips(options.data):
        if len(rows[clip.speaker]) >= options.clips:
            continue
        points = landmarks_of(clip.video, options.cache)
        take = solve_landmarks(points, VIDEO_FPS, face)
        rows[clip.speaker].append(measures(take, points, head))
        if options.blinks:
            print(clip.video.stem, "blinks at", [round(b.at, 2) for b in blinks(take)])
    print("speaker   clips  aperture  width  gap error  reprojection px     %    jitter  blinks/min")
    everyone = [row for some in rows.values() for row in some]
    for name, some in [*sorted(rows.items()), ("all", everyone)]:
        m = np.median(some, axis=0)
        print(
            f"{name:10s}{len(some):5d}{m[0]:10.4f}{m[1]:7.3f}{m[2]:11.4f}{m[3]:17.3f}{m[4]:6.2f}{m[5]:10.4f}"
            f"{np.mean([r[6] for r in some]):12.1f}"
        )
    worst = np.min(everyone, axis=0)
    print(f"worst clip{'':5s}{worst[0]:10.4f}{worst[1]:7.3f}")


def speed(options: argparse.Namespace) -> None:
    frames, started = 0, time.perf_counter()
    for clip in find_clips(options.data)[: options.fresh]:
        frames += len(track(clip.video, rig=options.rig))
    spent = time.perf_counter() - started
    print(f"{frames} frames from file to controls in {spent:.2f} s: {frames / spent:.0f} frames a second")


def compare(known: Animation, seen: Animation) -> None:
    """Each control that the known take moves, then those that it does not, then the head."""
    count = min(len(known), len(seen))
    print(f"{'control':22s}      r   gain  at rest  (peak)")
    for name in known.controls:
        true, got = known.channel(name)[:count], seen.select((name,)).values[:count, 0]
        rest = got[true < RESTS]
        tail = f"{rest.mean() if len(rest) else 0:9.3f}  ({rest.max() if len(rest) else 0:.2f})"
        if true.max() > MOVES:
            gain = float(true @ got / (true @ true))
            print(f"{name:22s}{correlation(got, true):7.2f}{gain:7.2f}{tail}")
        elif got.max() > 2 * MOVES:
            print(f"{name:22s}{'-':>7}{'-':>7}{tail}")
    for column, name in enumerate(HEAD_CHANNELS):
        true, got = (take.head[:count, column] for take in (known, seen))  # type: ignore[index]
        if np.ptp(true) > 0:
            gain = np.polyfit(true, got, 1)[0]
            print(f"head {name:17s}{correlation(got, true):7.2f}{gain:7.2f}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("FACEGEN_DATA", "../shared/data")))
    parser.add_argument("--clips", type=int, default=8, help="at most so many a speaker")
    parser.add_argument("--cache", type=Path, help="folder that keeps tracked landmarks")
    parser.add_argument("--rig", default="aria")
    parser.add_argument("--blinks", action="store_true", help="print the time of each blink")
    parser.add_argument("--fresh", type=int, default=0, help="time so many videos from the file on")
    parser.add_argument("--known", type=Path, help="a take with a head pose")
    parser.add_argument("--video", type=Path, help="the video that it was drawn to")
    options = parser.parse_args()
    if options.known:
        compare(load_animation(options.known), track(options.video, rig=options.rig))
        return 0
    grid(options)
    if options.fresh:
        speed(options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
