"""``.npy``, ``.pc2``, ``.mdd`` and ``.obj/``: the vertices of the rig's head in each frame, cm, +Y up, made frame by
frame so that memory stays small whatever the length."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.formats.head_mesh import head_rig_for
from facegen.rig import Rig, evaluate

DIGITS = 5
"""Of the numbers in an OBJ sequence's names, as VOCA writes them."""
_DECIMALS = 5


class NumpyVertices:
    """NumPy array [T, V, 3] float32. It holds no frame rate; ``facegen retarget --from RIG`` reads it back."""

    suffix = ".npy"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        head = head_rig_for(animation, rig)
        shape = (len(animation), _count(head), 3)
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": shape})
        return {"": _binary(header.getvalue(), "<f4", animation, head)}


class PointCache:
    """PC2 (3ds Max, Blender): header, then xyz of each point a frame, little-endian."""

    suffix = ".pc2"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        head = head_rig_for(animation, rig)
        header = struct.pack("<12siiffi", b"POINTCACHE2\0", 1, _count(head), 0.0, 1.0, len(animation))
        return {"": _binary(header, "<f4", animation, head)}


class Mdd:
    """MDD (LightWave, Blender): frame and point count, the frames' times in seconds, then xyz, big-endian."""

    suffix = ".mdd"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        head = head_rig_for(animation, rig)
        header = struct.pack(">ii", len(animation), _count(head)) + animation.times.astype(">f4").tobytes()
        return {"": _binary(header, ">f4", animation, head)}


class ObjSequence:
    """A folder of ``00000.obj``, ``00001.obj`` …, one a frame, all with the same faces."""

    suffix = ".obj/"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        head = head_rig_for(animation, rig)
        assert head.mesh is not None
        frames = evaluate(head, animation)
        faces = "".join(f"f {a} {b} {c}\n" for a, b, c in (head.mesh.faces + 1).tolist()).encode()
        return {f"{i:0{DIGITS}d}.obj": _obj(frames, faces) for i in range(len(animation))}


def _obj(frames: Iterator[np.ndarray], faces: bytes) -> Iterator[bytes]:
    """The next of ``frames`` as OBJ text: the files of a sequence are written in order."""
    vertices = np.round(next(frames).astype(np.float64), _DECIMALS) + 0.0
    template = f"v %.{_DECIMALS}f %.{_DECIMALS}f %.{_DECIMALS}f\n" * len(vertices)
    yield (template % tuple(vertices.ravel().tolist())).encode()
    yield faces


def _binary(header: bytes, kind: str, animation: Animation, head: Rig) -> Iterator[bytes]:
    yield header
    for vertices in evaluate(head, animation):
        yield vertices.astype(kind).tobytes()


def _count(head: Rig) -> int:
    assert head.mesh is not None
    return len(head.mesh.vertices)
