"""Sequences of vertices, one file a frame, as the corpora of scanned faces publish them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from facegen.core.files import read_bytes
from tools.training.corpora.arrays import broken, read_npy

Read = Callable[[Path, str], np.ndarray]

_FRAME_LIMIT_BYTES = 64 << 20
_PLY_KINDS = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4",
    "float32": "f4", "float64": "f8",
}  # fmt: skip


def read_frames(folder: Path, pattern: str, read: Read, source: str) -> np.ndarray:
    """[T, V, 3] float32: the files of ``folder`` like ``pattern`` in the order of their names.

    Raises InputError where there is none, one is broken or their numbers of vertices differ.
    """
    frames: list[np.ndarray] = []
    for path in sorted(p for p in folder.glob(pattern) if not p.name.startswith(".")):
        frame = read(path, source)
        if frames and frame.shape != frames[0].shape:
            raise broken(path, f"has {len(frame)} vertices, the frame before {len(frames[0])}", source)
        if not np.isfinite(frame).all():
            raise broken(path, "holds a position that is not finite", source)
        frames.append(frame)
    if not frames:
        raise broken(folder, f"holds no file like {pattern}", source)
    return np.stack(frames)


def read_flat(path: Path, source: str) -> np.ndarray:
    """[T, V, 3] float32 of an .npy of T rows of x y z, x y z … as FaceFormer's scripts write them (Fan et al., 2022)."""
    rows = read_npy(path, (None, None), source)
    if rows.shape[1] % 3:
        raise broken(path, f"has rows of {rows.shape[1]} numbers, expected x, y, z for each vertex", source)
    return rows.reshape(len(rows), -1, 3).astype(np.float32)


def read_vl(path: Path, source: str) -> np.ndarray:
    """[V, 3] of a ``.vl`` file: the number of vertices (int32), then x y z each (float32), little endian; or gzipped."""
    raw = read_bytes(path, limit=_FRAME_LIMIT_BYTES)
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise broken(path, f"can't be unpacked ({error})", source) from error
    count = int.from_bytes(raw[:4], "little")
    if not count or len(raw) != 4 + 12 * count:
        raise broken(path, f"has {len(raw)} bytes, which is no count and so many vertices", source)
    return np.frombuffer(raw, "<f4", offset=4).reshape(-1, 3).astype(np.float32)


def read_bin(path: Path, source: str) -> np.ndarray:
    """[V, 3] of a file that holds only x y z as float32, little endian."""
    raw = read_bytes(path, limit=_FRAME_LIMIT_BYTES)
    if not raw or len(raw) % 12:
        raise broken(path, f"has {len(raw)} bytes, expected 12 for each vertex", source)
    return np.frombuffer(raw, "<f4").reshape(-1, 3).astype(np.float32)


def read_ply(path: Path, source: str) -> np.ndarray:
    """[V, 3]: the vertices of a PLY file, ascii or binary, where they are its first element (Turk, 1994)."""
    raw = read_bytes(path, limit=_FRAME_LIMIT_BYTES)
    head, end, body = raw.partition(b"end_header")
    lines = [line.split() for line in head.decode("ascii", "replace").splitlines()]
    elements = [line for line in lines if line[:1] == ["element"]]
    kind = next((line[1] for line in lines if line[:1] == ["format"] and len(line) > 1), "")
    if not end or lines[:1] != [["ply"]] or not elements or elements[0][1:2] != ["vertex"]:
        raise broken(path, "is no PLY file that begins with its vertices", source)
    first = lines.index(elements[0]) + 1
    last = lines.index(elements[1]) if len(elements) > 1 else len(lines)
    properties = [
        (line[2], line[1]) for line in lines[first:last] if line[:1] == ["property"] and len(line) == 3
    ]
    body = body[body.find(b"\n") + 1 :]
    try:
        count = int(elements[0][2])
        if kind == "ascii":
            values = [row.split()[: len(properties)] for row in body.decode("ascii").splitlines()[:count]]
            table = np.array(values, np.float64)
            columns = {name: table[:, i] for i, (name, _) in enumerate(properties)}
        else:
            order = {"binary_little_endian": "<", "binary_big_endian": ">"}[kind]
            layout = np.dtype([(name, order + _PLY_KINDS[said]) for name, said in properties])
            rows = np.frombuffer(body, layout, count)
            columns = {name: rows[name] for name, _ in properties}
        found = np.stack([columns[axis] for axis in "xyz"], axis=1).astype(np.float32)
    except (ValueError, KeyError, IndexError) as error:
        raise broken(path, f"is a broken PLY file ({error})", source) from error
    if len(found) != count:
        raise broken(path, f"has {len(found)} of {count} vertices", source)
    return found
