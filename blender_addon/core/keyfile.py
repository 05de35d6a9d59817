"""The answer of ``facegen keys``: a safetensors file of frames, values and slopes of all keys."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from .trouble import Trouble


class Curve(NamedTuple):
    """Keys of one curve, float32 [K] each; slopes are a frame of the take."""

    target: str
    layer: str
    name: str
    frames: np.ndarray
    values: np.ndarray
    arriving: np.ndarray
    leaving: np.ndarray

    def points(self, start: float, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Keys, left and right handles [K, 2] float32 with take frame 0 at ``start`` and ``scale`` scene frames a
        take frame, and which keys [K] are corners."""
        frames = self.frames.astype(np.float64)
        step = np.diff(frames) / 3
        ends = step if len(step) else np.ones(1)
        before, after = np.r_[ends[0], step], np.r_[step, ends[-1]]

        def at(where: np.ndarray, value: np.ndarray) -> np.ndarray:
            return np.column_stack([start + scale * where, value]).astype(np.float32)

        left = at(frames - before, self.values - before * self.arriving)
        right = at(frames + after, self.values + after * self.leaving)
        return at(frames, self.values), left, right, np.abs(self.arriving - self.leaving) > 1e-7


class KeyFile(NamedTuple):
    """A whole answer: the take's rate and length, its curves, and which controls drive which shape of a target."""

    fps: Fraction
    frames: int
    curves: list[Curve]
    matches: dict[str, dict[str, Any]]


def read_keys(path: str) -> KeyFile:
    """Read the file that ``facegen keys`` wrote."""
    try:
        with open(path, "rb") as file:
            raw = file.read()
        size = int.from_bytes(raw[:8], "little")
        header = json.loads(raw[8 : 8 + size])
        about = header["__metadata__"]
        parts = []
        for name in ("frames", "values", "arriving", "leaving"):
            begin, end = header[name]["data_offsets"]
            parts.append(np.frombuffer(raw, "<f4", (end - begin) // 4, 8 + size + begin))
        rows = json.loads(about["curves"])
        matches = {m["target"]: m for m in json.loads(about["matches"])}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{path}: the keys can't be read ({error})", "update facegen and the add-on") from error
    curves, at = [], 0
    for target, layer, name, count in rows:
        curves.append(Curve(target, layer, name, *(part[at : at + count] for part in parts)))
        at += count
    return KeyFile(Fraction(about["fps"]), int(about["frames"]), curves, matches)
