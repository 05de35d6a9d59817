"""Cut the training pairs of the portrait's refiner out of GRID clips and rendered heads.

    python -m tools.training.cache_portraits --data ../shared/data --cache CACHE --clips 60 [--part eyes]

One file a clip or head, so that it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from facegen.portrait.refiner import EYES, MOUTH, PARTS
from tools.training.portrait_refiner.training_pairs import grid_pairs, heads, rendered_pairs

PAIRS = 14
OURS = 12
"""Times as often our heads show their eyes: their lids shut truly, ICT-FaceKit's let through what is behind."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--part", choices=sorted(PARTS), default=MOUTH)
    parser.add_argument("--clips", type=int, default=60, help="clips of each corpus folder")
    parser.add_argument("--rounds", type=int, default=1, help="pictures of each rendered head")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    rendered = [
        (f"head-{rig.name}-{n}", rig)
        for rig in heads(options.data)
        for n in range(options.rounds * (OURS if options.part == EYES and rig.name[:3] != "ict" else 1))
    ]
    clips = [
        (f"{folder}-{path.stem}", path)
        for folder in ("grid-multi", "grid-s1")
        for path in _spread(sorted((options.data / folder / "clips").glob("*.mp4")), options.clips)
    ]
    mixed = sorted(
        [(*c, grid_pairs) for c in clips] + [(*h, rendered_pairs) for h in rendered],
        key=lambda row: zlib.crc32(row[0].encode()),
    )
    for name, source, make in mixed:
        _keep(options.cache / f"{name}.safetensors", name, source, partial(make, part=options.part))


def _spread(paths: list[Path], count: int) -> list[Path]:
    step = max(1, len(paths) // count)
    return paths[::step][:count]


def _keep(path: Path, name: str, source: object, make: Callable[..., Iterator[dict]]) -> None:
    if path.exists():
        return
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    try:
        pairs = list(make(source, rng, PAIRS))
    except Exception as fault:  # a clip without a usable face is no loss
        print(f"{name}: left out ({fault})", flush=True)
        return
    if pairs:
        arrays = {key: np.stack([pair[key] for pair in pairs]) for key in pairs[0]}
        save_file(arrays, path)
        print(f"{name}: {len(pairs)}", flush=True)


if __name__ == "__main__":
    main()
