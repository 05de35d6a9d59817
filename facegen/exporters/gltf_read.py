"""Reading morph animations of glTF files by any program: ``.glb``, ``.gltf`` and ``.vrm``."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Mapping
from fractions import Fraction
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from facegen.animation import Animation
from facegen.errors import AnimationFileError, InputError, printable
from facegen.exporters.timecode import RATES
from facegen.files import read_bytes, safe_name
from facegen.units import METRES_PER_CM, as_fps

HEAD_NODE = "head"
"""The node whose turns are the head's, in files of facegen."""
MAX_BYTES = 2**31
MAX_VALUES = 2**28
FALLBACK_FPS = Fraction(30)
DTYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def read_morph_animation(path: str | PathLike) -> Animation:
    """The first animation that drives morph weights, on the target names of the mesh that has most of them.

    Keys at an even step give their values as they are; others are interpolated (cubic ones between their
    values) at 30 frames a second. Head poses are read back from facegen's own files. Raises
    AnimationFileError for a file without such an animation.
    """
    document = _Document(path)
    animation, channel, names = document.find()
    sampler = animation["samplers"][channel["sampler"]]
    times, weights = document.curve(sampler, len(names))
    fps, even = _rate(times, animation)
    tracks = [weights]
    head = document.head(animation, len(times)) if even else None
    if not even:
        tracks = [_resampled(times, weights, fps, sampler.get("interpolation") == "STEP")]
    about = animation.get("extras") or {}
    sound = about.get("audio") if isinstance(about, dict) else None
    return Animation(fps, names, tracks[0], head, {"audio": {"name": str(sound)}} if sound else {})


class _Document:
    """The JSON of a glTF file and its buffers, with checked access to its accessors."""

    def __init__(self, path: str | PathLike) -> None:
        self.folder = Path(path).parent
        raw = read_bytes(path, limit=MAX_BYTES, error=AnimationFileError)
        self.binary = b""
        text = raw
        if raw[:4] == b"glTF":
            text, self.binary = _chunks(raw)
        elif not raw.lstrip()[:1] == b"{":
            raise _fault("is no glTF file (wrong first bytes)")
        try:
            self.json: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise _fault(f"has a header that is not JSON ({error})") from error
        if not isinstance(self.json, dict):
            raise _fault("has a header that is no object")
        self._buffers: dict[int, bytes] = {}

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

    def target_names(self, number: int) -> tuple[str, ...]:
        """Names of a mesh's morph targets; those without one are called ``target_N``."""
        mesh = self.json["meshes"][number]
        primitive = mesh["primitives"][0]
        count = len(primitive.get("targets", []))
        for holder in (mesh, primitive):
            names = (holder.get("extras") or {}).get("targetNames")
            if isinstance(names, list) and len(names) == count:
                return tuple(str(name) for name in names)
        return tuple(f"target_{i}" for i in range(count))

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
        x, y, z, w = self.curve(animation["samplers"][found["rotation"]], 4)[1].T.astype(np.float64)
        shift = self.curve(animation["samplers"][found["translation"]], 3)[1].astype(np.float64)
        if len(x) != count or len(shift) != count:
            return None
        yaw = np.arctan2(2 * (x * z + w * y), 1 - 2 * (x * x + y * y))
        pitch = np.arcsin(np.clip(2 * (w * x - y * z), -1, 1))
        roll = np.arctan2(2 * (x * y + w * z), 1 - 2 * (x * x + z * z))
        rest = np.array(self.json["nodes"][node].get("translation", (0, 0, 0)), np.float64)
        return np.column_stack([yaw, pitch, roll, (shift - rest) / METRES_PER_CM]).astype(np.float32)

    def accessor(self, number: int) -> np.ndarray:
        """The values [N, k] of an accessor; normalised integers as shares of 1. Raises for what lies outside."""
        rows = self.json.get("accessors", [])
        if not isinstance(number, int) or not 0 <= number < len(rows):
            raise _fault(f"points to the accessor {str(number)[:20]}, which it lacks")
        row = rows[number]
        dtype, width, count = np.dtype(DTYPES[row["componentType"]]), WIDTHS[row["type"]], row["count"]
        if not isinstance(count, int) or not 0 < count * width <= MAX_VALUES:
            raise _fault(f"has an accessor of {str(count)[:20]} values, outside 1..{MAX_VALUES}")
        if "bufferView" in row:
            values = self._rows(row["bufferView"], row.get("byteOffset", 0), dtype, count, width)
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in row:
            values = self._sparse(row["sparse"], values.copy())
        if dtype == np.float32 and not np.isfinite(values).all():
            raise _fault(f"has a value that is not finite in accessor {number}", "replace it by a number")
        if row.get("normalized"):
            return np.maximum(values.astype(np.float32) / np.iinfo(dtype.str).max, -1.0)
        return values

    def _sparse(self, row: Mapping[str, Any], values: np.ndarray) -> np.ndarray:
        count, places, changes = row["count"], row["indices"], row["values"]
        if not isinstance(count, int) or not 0 < count <= len(values):
            raise _fault("has a sparse accessor with too many values")
        kind = np.dtype(DTYPES[places["componentType"]])
        index = self._rows(places["bufferView"], places.get("byteOffset", 0), kind, count, 1)[:, 0]
        if index.max() >= len(values):
            raise _fault("has a sparse accessor that points outside its values")
        start = changes.get("byteOffset", 0)
        values[index] = self._rows(changes["bufferView"], start, values.dtype, count, values.shape[1])
        return values

    def _rows(self, view_number: int, offset: int, dtype: np.dtype, count: int, width: int) -> np.ndarray:
        view = self.json["bufferViews"][view_number]
        data = self.buffer(view["buffer"])
        item = dtype.itemsize * width
        stride = view.get("byteStride") or item
        start, length = view.get("byteOffset", 0), view["byteLength"]
        numbers = (offset, start, length, stride)
        if not all(isinstance(n, int) and n >= 0 for n in numbers) or stride < item:
            raise _fault("has a buffer view with impossible sizes")
        if start + length > len(data) or offset + stride * (count - 1) + item > length:
            raise _fault(f"has an accessor of {count} values that reaches past the end of its data")
        rows: np.ndarray = np.ndarray(
            (count, width), dtype.newbyteorder("<"), data, start + offset, (stride, dtype.itemsize)
        )
        return rows.astype(dtype)

    def buffer(self, number: int) -> bytes:
        """The bytes of a buffer: of the file itself, of a data URI or of a file beside it."""
        if number not in self._buffers:
            row = self.json["buffers"][number]
            uri = row.get("uri")
            if uri is None:
                data = self.binary
            elif uri.startswith("data:"):
                data = base64.b64decode(uri.partition(",")[2])
            else:
                data = self._beside(unquote(uri))
            if row["byteLength"] > len(data):
                raise _fault(f"lacks {row['byteLength'] - len(data)} bytes of its buffer: it is cut short")
            self._buffers[number] = data
        return self._buffers[number]

    def _beside(self, name: str) -> bytes:
        try:
            return read_bytes(self.folder / safe_name(name), limit=MAX_BYTES, error=AnimationFileError)
        except InputError as error:
            raise _fault(f"needs the file {printable(name)[:80]}: {error.reason}", error.remedy) from error


def _chunks(raw: bytes) -> tuple[bytes, bytes]:
    """JSON and binary chunk of a GLB."""
    if len(raw) < 20:
        raise _fault("is cut short")
    version, length = struct.unpack_from("<II", raw, 4)
    if version != 2:
        raise _fault(f"is glTF version {version}; this program reads 2")
    if length > len(raw):
        raise _fault(f"claims {length} bytes and has {len(raw)}: it is cut short")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", raw, at)
        found.setdefault(kind, raw[at + 8 : at + 8 + size])
        at += 8 + size
    if b"JSON" not in found:
        raise _fault("has no JSON chunk")
    return found[b"JSON"], found.get(b"BIN\0", b"")


def _rate(times: np.ndarray, animation: Mapping[str, Any]) -> tuple[Fraction, bool]:
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
