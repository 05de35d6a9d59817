"""Reading morph animations of glTF files by any program: ``.glb``, ``.gltf`` and ``.vrm``."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.core.units import METRES_PER_CM, as_fps
from facegen.formats.gltf.document import MAX_VALUES, Document
from facegen.formats.timecode import RATES
from facegen.rig.control_names import without_combined

HEAD_NODE = "head"
"""The node whose turns are the head's, in files of facegen."""
FALLBACK_FPS = Fraction(30)


def read_morph_animation(path: str | PathLike, whole: bool = False) -> Animation:
    """The first animation that drives morph weights, on the target names of the mesh that has most of them, without
    shapes that correct the sum of others unless the ``whole`` is asked for.

    Keys at an even step give their values as they are; others are interpolated (cubic ones between their
    values) at 30 frames a second. Head poses are read back from facegen's own files. Raises
    AnimationFileError for a file without such an animation.
    """
    document = MorphDocument(path)
    animation, channel, names = document.find()
    sampler = animation["samplers"][channel["sampler"]]
    times, weights = document.curve(sampler, len(names))
    fps, even = rate_of(times, animation)
    tracks = [weights]
    head = document.head(animation, len(times)) if even else None
    if not even:
        tracks = [_resampled(times, weights, fps, sampler.get("interpolation") == "STEP")]
    kept = list(range(len(names))) if whole else without_combined(names)
    names, tracks[0] = tuple(names[i] for i in kept), tracks[0][:, kept]
    about = animation.get("extras") or {}
    sound = about.get("audio") if isinstance(about, dict) else None
    return Animation(fps, names, tracks[0], head, {"audio": {"name": str(sound)}} if sound else {})


class MorphDocument(Document):
    """A glTF file and the animation in it."""

    def __init__(self, path: str | PathLike) -> None:
        super().__init__(path, AnimationFileError)

    def find(self) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
        """The first animation with morph weights, its channel on the mesh of most targets, their names."""
        for animation in self.json.get("animations", []):
            best: tuple[int, dict[str, Any], tuple[str, ...]] = (0, {}, ())
            for channel in animation["channels"]:
                if channel["target"].get("path") == "weights" and "node" in channel["target"]:
                    names = self.target_names(self.json["nodes"][channel["target"]["node"]]["mesh"])
                    if len(names) > best[0]:
                        best = (len(names), channel, names)
            if best[0]:
                return animation, best[1], best[2]
        raise _fault("holds no animation of morph targets", "export the animation with the mesh")

    def curve(self, sampler: Mapping[str, Any], width: int) -> tuple[np.ndarray, np.ndarray]:
        """Key times [T] float64 and values [T, width] of a sampler."""
        times = self.accessor(sampler["input"]).reshape(-1).astype(np.float64)
        values = self.accessor(sampler["output"]).reshape(-1)
        if len(times) == 0 or (np.diff(times) <= 0).any() or not np.isfinite(times).all() or times[0] < 0:
            raise _fault("has key times that do not rise")
        parts = 3 if sampler.get("interpolation") == "CUBICSPLINE" else 1
        if len(values) != len(times) * parts * width:
            raise _fault(f"has {len(values)} values for {len(times)} keys of {width} morph targets")
        return times, values.reshape(len(times), parts, width)[:, parts // 2]

    def head(self, animation: Mapping[str, Any], count: int) -> np.ndarray | None:
        """Head poses [T, 6] of a file that facegen wrote, or None."""
        generator = str(self.json.get("asset", {}).get("generator", ""))
        names = [node.get("name") for node in self.json["nodes"]]
        if not generator.startswith("facegen") or HEAD_NODE not in names:
            return None
        node = names.index(HEAD_NODE)
        found = {
            c["target"]["path"]: c["sampler"] for c in animation["channels"] if c["target"]["node"] == node
        }
        if "rotation" not in found or "translation" not in found:
            return None
        turns = self.curve(animation["samplers"][found["rotation"]], 4)[1].astype(np.float64)
        shift = self.curve(animation["samplers"][found["translation"]], 3)[1].astype(np.float64)
        if len(turns) != count or len(shift) != count:
            return None
        rest = np.array(self.json["nodes"][node].get("translation", (0, 0, 0)), np.float64)
        return np.column_stack([euler_angles(turns), (shift - rest) / METRES_PER_CM]).astype(np.float32)


def euler_angles(turns: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll [T, 3] radians of unit quaternions x, y, z, w [T, 4]."""
    x, y, z, w = turns.T
    yaw = np.arctan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
    pitch = np.arcsin(np.clip(2 * (w * x - y * z), -1, 1))
    roll = np.arctan2(2 * (x * y + w * z), 1 - 2 * (x * x + z * z))
    return np.column_stack([yaw, pitch, roll])


def rate_of(times: np.ndarray, animation: Mapping[str, Any]) -> tuple[Fraction, bool]:
    """The frame rate of key ``times``, and whether they are even at it, from the start on."""
    given = (animation.get("extras") or {}).get("fps")
    if given is not None and _even(times, as_fps(given)):
        return as_fps(given), True
    if len(times) < 2:
        return FALLBACK_FPS, bool(times[0] == 0)
    rate = (len(times) - 1) / (times[-1] - times[0])
    usual = sorted(RATES, key=lambda r: abs(float(r) - rate))[:2]
    for candidate in (*usual, Fraction(rate).limit_denominator(1001)):
        if 10 <= candidate <= 1000 and _even(times, candidate):
            return candidate, True
    return FALLBACK_FPS, False


def _even(times: np.ndarray, fps: Fraction) -> bool:
    grid = np.arange(len(times)) / float(fps)
    return bool(np.abs(times - grid).max() <= 1e-4 / float(fps) + 2e-7 * times[-1])


def _resampled(times: np.ndarray, values: np.ndarray, fps: Fraction, step: bool) -> np.ndarray:
    """``values`` [T, C] at ``times`` seconds, read at each frame from 0 to the last key; held before the first."""
    count = int(np.floor(times[-1] * float(fps) + 1e-6)) + 1
    if count * values.shape[1] > MAX_VALUES:
        raise _fault(f"lasts {times[-1]:.0f} s", "cut it")
    at = np.arange(count) / float(fps)
    if step:
        return values[np.maximum(np.searchsorted(times, at + 1e-6, side="right") - 1, 0)]
    return np.column_stack([np.interp(at, times, column) for column in values.T]).astype(np.float32)


def _fault(reason: str, remedy: str = "export it again") -> AnimationFileError:
    return AnimationFileError(reason, remedy=remedy)
