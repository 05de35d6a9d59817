"""Draw the built-in heads saying the sample sentence, moment by moment side by side, as the README shows them.

python -m tools.evaluation.render_talking docs/talking.png
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np

import facegen
from facegen.core.files import write_atomic
from facegen.core.registry import Registry
from facegen.renderers import camera_for
from facegen.renderers.images import pillow
from facegen.rig import load_rig

ROOT = Path(__file__).resolve().parents[2]

SAMPLE = ROOT / "examples" / "hello.flac"
TILE = (200, 262)
MOMENTS = (  # head, camera, emotion, seconds into the sample
    ("aria", "threequarter", "happy:0.5", 0.62),
    ("aria", "front", "happy:0.5", 1.34),
    ("aria", "front", "surprised:0.5", 3.68),
    ("bruno", "threequarter", "angry:0.5", 1.34),
    ("edith", "front", "happy:0.8", 3.98),
)
GROUND = (43, 47, 54)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="PNG to write")
    path = parser.parse_args().out
    pictures = [moment(*row) for row in MOMENTS]
    strip = pillow().fromarray(np.concatenate(pictures, axis=1))
    data = io.BytesIO()
    strip.save(data, "PNG", optimize=True)
    write_atomic(path, data.getvalue())


def moment(head: str, view: str, emotion: str, seconds: float) -> np.ndarray:
    """One picture [H, W, 3] uint8."""
    take = facegen.animate(str(SAMPLE), emotion=emotion, seed=2, blink=False)
    rig = load_rig(head)
    frame = take.slice(seconds, seconds + float(1 / take.fps))
    behind = np.full((TILE[1], TILE[0], 3), GROUND, np.uint8)
    draw = Registry("renderers").get("raster")().frames
    return next(iter(draw(rig, frame, camera_for(rig, view, TILE), TILE, behind, fine=True)))


if __name__ == "__main__":
    main()
