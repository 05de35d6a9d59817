"""A glTF file's JSON and buffers, with access to its accessors that never trusts what the file claims."""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from facegen.core.errors import FacegenError, InputError, printable
from facegen.core.files import read_bytes, safe_name

MAX_BYTES = 2**31
MAX_VALUES = 2**28
DTYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
COMPRESSED = {
    "KHR_draco_mesh_compression": "Draco",
    "EXT_meshopt_compression": "meshopt",
    "KHR_meshopt_compression": "meshopt",
}


class Document:
    """``json`` of a ``.glb``, ``.gltf`` or ``.vrm``; all faults are raised as ``error``."""

    def __init__(
        self, path: str | PathLike, error: Callable[..., FacegenError], max_values: int = MAX_VALUES
    ) -> None:
        self.folder = Path(path).parent
        self.error, self.max_values = error, max_values
        raw = read_bytes(path, limit=MAX_BYTES, error=error)
        self.binary = b""
        text = raw
        if raw[:4] == b"glTF":
            text, self.binary = self._chunks(raw)
        elif not raw.lstrip()[:1] == b"{":
            raise self.fault("is no glTF file (wrong first bytes)")
        try:
            self.json: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError) as fault:
            raise self.fault(f"has a header that is not JSON ({fault})") from fault
        if not isinstance(self.json, dict):
            raise self.fault("has a header that is no object")
        self._buffers: dict[int, bytes] = {}

    def fault(self, reason: str, remedy: str = "export it again") -> FacegenError:
        return self.error(reason, remedy=remedy)

    def check_compression(self) -> None:
        """Raise for meshes packed in a way that is not read here."""
        used = [n for n in self.json.get("extensionsRequired", []) if n in COMPRESSED]
        if used:
            raise self.fault(
                f"is packed with {COMPRESSED[used[0]]} compression, which is not read here",
                "unpack it with: npx @gltf-transform/cli copy IN.glb OUT.glb",
            )

    def target_names(self, number: int) -> tuple[str, ...]:
        """Names of a mesh's morph targets, from the extras of the mesh, its first primitive or the targets; those
        without one are called ``target_N``."""
        mesh = self.json["meshes"][number]
        primitive = mesh["primitives"][0]
        targets = primitive.get("targets", [])
        count = len(targets)
        each = [t["extras"].get("name") for t in targets if isinstance(t.get("extras"), dict)]
        for names in (*((h.get("extras") or {}).get("targetNames") for h in (mesh, primitive)), each):
            if isinstance(names, list) and len(names) == count and None not in names:
                return tuple(str(name) for name in names)
        return tuple(f"target_{i}" for i in range(count))

    def accessor(self, number: int) -> np.ndarray:
        """The values [N, k] of an accessor; normalised integers as shares of 1. Raises for what lies outside."""
        row, dtype, width, count = self._described(number)
        if "bufferView" in row:
            values = self._rows(row["bufferView"], row.get("byteOffset", 0), dtype, count, width)
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in row:
            index, changes = self._sparse(row["sparse"], dtype, count, width)
            values = values.copy()
            values[index] = changes
        return self._shares(row, self._finite(values, number))

    def accessor_rows(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Row numbers [n] and values [n, k] of the rows of an accessor that are not 0: sparse ones stay sparse."""
        row, dtype, width, count = self._described(number)
        if "bufferView" in row or "sparse" not in row:
            values = self.accessor(number) if "bufferView" in row else np.zeros((0, width), dtype)
            index = np.flatnonzero(values.any(axis=1))
            return index, values[index]
        index, values = self._sparse(row["sparse"], dtype, count, width)
        return index, self._shares(row, self._finite(values, number))

    def count(self, number: int) -> int:
        """How many rows an accessor has."""
        return self._described(number)[3]

    def _described(self, number: int) -> tuple[Mapping[str, Any], np.dtype, int, int]:
        rows = self.json.get("accessors", [])
        if not isinstance(number, int) or not 0 <= number < len(rows):
            raise self.fault(f"points to the accessor {str(number)[:20]}, which it lacks")
        row = rows[number]
        dtype, width, count = np.dtype(DTYPES[row["componentType"]]), WIDTHS[row["type"]], row["count"]
        if not isinstance(count, int) or not 0 < count * width <= self.max_values:
            raise self.fault(f"has an accessor of {str(count)[:20]} values, outside 1..{self.max_values}")
        return row, dtype, width, count

    def _finite(self, values: np.ndarray, number: int) -> np.ndarray:
        if values.dtype == np.float32 and not np.isfinite(values).all():
            raise self.fault(f"has a value that is not finite in accessor {number}", "replace it by a number")
        return values

    @staticmethod
    def _shares(row: Mapping[str, Any], values: np.ndarray) -> np.ndarray:
        if row.get("normalized") and values.dtype != np.float32:
            return np.maximum(values.astype(np.float32) / np.iinfo(values.dtype.str).max, -1.0)
        return values

    def _sparse(
        self, row: Mapping[str, Any], dtype: np.dtype, rows: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        count, places, changes = row["count"], row["indices"], row["values"]
        if not isinstance(count, int) or not 0 < count <= rows:
            raise self.fault("has a sparse accessor with too many values")
        kind = np.dtype(DTYPES[places["componentType"]])
        index = self._rows(places["bufferView"], places.get("byteOffset", 0), kind, count, 1)[:, 0]
        if index.max() >= rows or index.min() < 0:
            raise self.fault("has a sparse accessor that points outside its values")
        start = changes.get("byteOffset", 0)
        return index.astype(np.int64), self._rows(changes["bufferView"], start, dtype, count, width)

    def _rows(self, view_number: int, offset: int, dtype: np.dtype, count: int, width: int) -> np.ndarray:
        view = self.json["bufferViews"][view_number]
        data = self.buffer(view["buffer"])
        item = dtype.itemsize * width
        stride = view.get("byteStride") or item
        start, length = view.get("byteOffset", 0), view["byteLength"]
        numbers = (offset, start, length, stride)
        if not all(isinstance(n, int) and n >= 0 for n in numbers) or stride < item:
            raise self.fault("has a buffer view with impossible sizes")
        if start + length > len(data) or offset + stride * (count - 1) + item > length:
            raise self.fault(f"has an accessor of {count} values that reaches past the end of its data")
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
                data = self._from_uri(uri)
            else:
                data = self._beside(unquote(uri))
            if row["byteLength"] > len(data):
                raise self.fault(
                    f"lacks {row['byteLength'] - len(data)} bytes of its buffer: it is cut short"
                )
            self._buffers[number] = data
        return self._buffers[number]

    def image(self, number: int) -> bytes:
        """The bytes of an image file: in a buffer, a data URI or a file beside this one."""
        row = self.json["images"][number]
        if "bufferView" in row:
            view = self.json["bufferViews"][row["bufferView"]]
            start, length = view.get("byteOffset", 0), view["byteLength"]
            data = self.buffer(view["buffer"])
            if not 0 <= start <= start + length <= len(data):
                raise self.fault("has an image that reaches past the end of its data")
            return data[start : start + length]
        uri = row["uri"]
        return self._from_uri(uri) if uri.startswith("data:") else self._beside(unquote(uri))

    def _from_uri(self, uri: str) -> bytes:
        head, comma, body = uri.partition(",")
        if not comma or not head.endswith(";base64"):
            raise self.fault("has a data URI that is not base64")
        try:
            return base64.b64decode(body, validate=True)
        except (binascii.Error, ValueError) as fault:
            raise self.fault(f"has a data URI that is not base64 ({fault})") from fault

    def _beside(self, name: str) -> bytes:
        try:
            return read_bytes(self.folder / safe_name(name), limit=MAX_BYTES, error=self.error)
        except InputError as fault:
            raise self.fault(
                f"needs the file {printable(name)[:80]}: {fault.reason}", fault.remedy
            ) from fault

    def _chunks(self, raw: bytes) -> tuple[bytes, bytes]:
        """JSON and binary chunk of a GLB."""
        if len(raw) < 20:
            raise self.fault("is cut short")
        version, length = struct.unpack_from("<II", raw, 4)
        if version != 2:
            raise self.fault(f"is glTF version {version}; this program reads 2")
        if length > len(raw):
            raise self.fault(f"claims {length} bytes and has {len(raw)}: it is cut short")
        found: dict[bytes, bytes] = {}
        at = 12
        while at + 8 <= length:
            size, kind = struct.unpack_from("<I4s", raw, at)
            found.setdefault(kind, raw[at + 8 : at + 8 + size])
            at += 8 + size
        if b"JSON" not in found:
            raise self.fault("has no JSON chunk")
        return found[b"JSON"], found.get(b"BIN\0", b"")
