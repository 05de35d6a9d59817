"""``.a2f.json``: the layout that NVIDIA Audio2Face exports, read by plug-ins of Unreal, Maya and Blender."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from fractions import Fraction
from os import PathLike
from typing import Any

from facegen.core.animation import Animation
from facegen.formats.facegen_json import FacegenJson, json_rows
from facegen.formats.head_mesh import audio_name
from facegen.rig import Rig

_LOG = logging.getLogger(__name__)


class Audio2Face:
    """``exportFps, trackPath, numPoses, numFrames, facsNames, weightMat`` [T rows of C]; no head.

    Readers take ``exportFps`` as a whole number, so an animation at any other rate is resampled to the nearest one,
    and that is logged as a warning.
    """

    suffix = ".a2f.json"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        whole = Fraction(max(1, round(animation.fps)))
        if whole != animation.fps:
            _LOG.warning(
                "Audio2Face JSON holds whole frame rates only: resampled from %s to %s fps",
                animation.fps,
                whole,
            )
        return {"": _chunks(animation.resample(whole), audio_name(animation, options))}

    def read(self, path: str | PathLike) -> Animation:
        return FacegenJson().read(path)


def _chunks(animation: Animation, sound: str) -> Iterator[bytes]:
    facts = {
        "exportFps": int(animation.fps),
        "trackPath": sound,
        "numPoses": len(animation.controls),
        "numFrames": len(animation),
        "facsNames": animation.controls,
    }
    yield (json.dumps(facts, ensure_ascii=False)[:-1] + ',\n"weightMat": [').encode()
    yield from json_rows(animation.values)
    yield b"]}\n"
