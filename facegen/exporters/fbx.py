"""``.fbx``: the head mesh with its animated shapes, made by Blender from the GLB."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from facegen.animation import Animation
from facegen.blenders import find_blender, run_blender
from facegen.exporters.gltf import Glb
from facegen.files import Content
from facegen.rig import Rig

SCRIPT = "blender_fbx.py"


class Fbx:
    """The head of ``.glb``, a key a frame, by a Blender on the PATH or the one that FACEGEN_BLENDER names. Raises
    MissingSystemError where there is none."""

    suffix = ".fbx"

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, bytes]:
        command = find_blender()
        facts = {"fps": [animation.fps.numerator, animation.fps.denominator], "frames": len(animation)}
        # Blender reads a GLB's times at whole rates only: a key a frame of such a rate, which the script then renames.
        even = replace(animation, fps=Fraction(math.ceil(animation.fps)))
        files: dict[str, Content] = {
            "head.glb": Glb().files(even, rig, options)[""],
            "facts.json": json.dumps(facts).encode(),
        }
        with tempfile.TemporaryDirectory() as folder:
            (made,) = run_blender(command, SCRIPT, folder, files, "head.fbx", "write a .glb and import that")
            return {"": made.read_bytes()}
