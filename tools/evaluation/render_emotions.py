"""Draw a labelled sheet of a head in each named emotion and in mixtures, to be looked at.

python -m tools.evaluation.render_emotions OUT.png [--rig aria] [--only happy sad "a little sad but hopeful"] [--intensity 1]
    [--audio speech.wav --at 1.2]    the face while it says that, at that second, instead of the emotion alone
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from facegen import api
from facegen.core.animation import HEAD_CHANNELS
from facegen.core.errors import FacegenError
from facegen.core.files import write_atomic
from facegen.emotion import named_emotions, parse_emotion
from facegen.emotion.action_units import action_unit_table
from facegen.pipeline.animate import animate
from facegen.renderers.contact_sheet import contact_sheet
from facegen.renderers.images import png_bytes
from facegen.rig import default_head, load_rig

MIXTURES = (
    "happy:0.5+surprised:0.5",
    "sad:0.5+angry:0.5",
    "happy:0.4+sad:0.4",
    "fearful:0.5+surprised:0.5",
    "angry:0.5+disgusted:0.5",
    "a little sad but hopeful",
    "furious but holding it back",
    "-angry",
    "-happy",
    "vad:0.4,0.7,0.1",
)


def still_pose(text: str, intensity: float) -> dict[str, float]:
    """Controls and head pose (radians, cm) of an emotion's mean."""
    table = action_unit_table()
    values = np.minimum(parse_emotion(text).named_distribution() @ table.mean * intensity, 1) @ table.to
    pose = dict(zip(table.controls, values.tolist(), strict=True))
    return {name: np.radians(v) if name in HEAD_CHANNELS[:3] else v for name, v in pose.items()}


def spoken_pose(text: str, options: argparse.Namespace) -> dict[str, float]:
    """Controls and head pose at one instant of a take."""
    settings = {"emotion": text, "seed": options.seed, "intensity": options.intensity, "style": options.style}
    curves = animate(api.solve(options.audio, blink=False, **settings))
    frame = min(len(curves) - 1, round(options.at * float(curves.fps)))
    pose = dict(zip(curves.controls, curves.values[frame].tolist(), strict=True))
    assert curves.head is not None
    return pose | dict(zip(HEAD_CHANNELS, curves.head[frame].tolist(), strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", help="PNG to write")
    parser.add_argument("--rig", default="aria")
    parser.add_argument("--camera", default="front")
    parser.add_argument("--tile", default="256x256", help="width x height of one picture")
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--only", nargs="*", help="these emotions instead of all")
    parser.add_argument("--intensity", type=float, default=1.0)
    parser.add_argument("--audio", help="sound to speak")
    parser.add_argument("--at", type=float, default=1.0, help="second of the sound to draw")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--style", default="neutral")
    options = parser.parse_args()
    width, height = (int(n) for n in options.tile.split("x"))
    try:
        rig = default_head(load_rig(options.rig))
        poses = {}
        for text in options.only or (*named_emotions(), *MIXTURES):
            poses[text] = spoken_pose(text, options) if options.audio else still_pose(text, options.intensity)
        sheet = contact_sheet(rig, poses, options.camera, (width, height), options.columns)
        write_atomic(options.out, png_bytes(sheet))
    except FacegenError as error:
        print(f"render_emotions: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
