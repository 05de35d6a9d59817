"""``.fbx``: the head mesh with its animated shapes, made by Blender from the GLB."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.blender_process import find_blender, run_blender
from facegen.core.files import Content, write_files
from facegen.formats.gltf.animation_reader import read_morph_animation
from facegen.formats.gltf.animation_writer import Glb
from facegen.rig import Rig
from facegen.rig.head_pose import quaternions

SCRIPT = "blender_fbx.py"
PROBE_TURN, PROBE_SHIFT_CM = 0.4, 1.0


class Fbx:
    """The head of ``.glb``, a key a frame where anything moves, by a Blender on the PATH or the one that
    FACEGEN_BLENDER names. Raises MissingSystemError where there is none."""

    suffix = ".fbx"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        command = find_blender()
        with tempfile.TemporaryDirectory() as folder:
            # Blender reads a GLB's times at whole rates only: a key a frame of such a rate, which the script renames.
            even = {
                "head": replace(animation, fps=Fraction(math.ceil(animation.fps))),
                "probe": probe(animation),
            }
            paths = {name: Path(folder) / f"{name}.glb" for name in even}
            for name, clip in even.items():
                write_files(folder, {paths[name].name: Glb().files(clip, rig, options)[""]})
            shown, tried = (read_morph_animation(paths[name], whole=True) for name in even)
            arrays = {"values": shown.values, "probe": tried.values}
            for start, clip in zip(("", "probe_"), even.values(), strict=True):
                if clip.head is not None:
                    arrays[start + "turns"] = quaternions(clip.head)
                    arrays[start + "shifts"] = clip.head[:, 3:]
            facts = {
                "fps": [animation.fps.numerator, animation.fps.denominator],
                "frames": len(animation),
                "names": shown.controls,
                "widths": {name: rows.shape[1] for name, rows in arrays.items()},
            }
            files: dict[str, Content] = {
                f"{name}.f4": rows.astype("<f4").tobytes() for name, rows in arrays.items()
            }
            files["facts.json"] = json.dumps(facts).encode()
            (made,) = run_blender(command, SCRIPT, folder, files, "head.fbx", "write a .glb and import that")
            return {"": made.read_bytes()}


def probe(animation: Animation) -> Animation:
    """Eight frames of the same controls from which the script learns how Blender writes them: their values all
    differ, and the head is at rest, turned about each axis, shifted along each, and all at once."""
    head = None
    if animation.head is not None:
        head = np.zeros((8, 6), np.float32)
        head[1:7] = np.diag([PROBE_TURN] * 3 + [PROBE_SHIFT_CM] * 3)
        head[7] = head[1:7].sum(axis=0) * 0.7
    values = np.random.default_rng(0).uniform(0.05, 0.95, (8, len(animation.controls)))
    return Animation(Fraction(math.ceil(animation.fps)), animation.controls, values, head)
