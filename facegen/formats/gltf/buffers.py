"""Accessors of a glTF document: arrays laid into its one binary buffer; turns as such documents hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pygltflib as gltf

COMPONENT_TYPES = {
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.uint32): gltf.UNSIGNED_INT,
    np.dtype(np.float32): gltf.FLOAT,
}
DELTA_BYTES = 12
"""Of one vertex's displacement."""


class Buffer:
    """Adds arrays to ``document`` as accessors; ``finish`` attaches the bytes."""

    def __init__(self, document: gltf.GLTF2) -> None:
        self.document = document
        self._chunks: list[bytes] = []
        self._size = 0

    def add(
        self,
        array: np.ndarray,
        kind: str,
        *,
        target: int | None = None,
        normalized: bool = False,
        limits: bool = False,
    ) -> int:
        """The number of a new accessor of ``kind`` (SCALAR, VEC3 …) over ``array`` [N] or [N, k]; ``limits``
        adds its smallest and largest values."""
        accessor = gltf.Accessor(
            bufferView=self._view(array, target),
            componentType=COMPONENT_TYPES[array.dtype],
            normalized=normalized,
            count=len(array),
            type=kind,
        )
        if limits:
            accessor.min, accessor.max = _limits(array)
        return self._accessor(accessor)

    def add_shapes(self, shapes: list[tuple[np.ndarray, np.ndarray]], vertices: int) -> list[int]:
        """Accessors of morph displacements over ``vertices``: each of ``shapes`` is the vertices moved [n],
        ascending, and how far [n, 3] float32 metres. Held sparse, zero elsewhere, where that is smaller; shapes
        that move nothing share one accessor."""
        kind = np.dtype(np.uint16 if vertices <= 0xFFFF else np.uint32)
        small = [0 < len(i) * (kind.itemsize + DELTA_BYTES) < vertices * DELTA_BYTES for i, _ in shapes]
        if any(small):
            packed = [shape for shape, is_small in zip(shapes, small, strict=True) if is_small]
            indices = self._view(np.concatenate([i for i, _ in packed]).astype(kind))
            values = self._view(np.concatenate([v for _, v in packed]))
        numbers: list[int] = []
        start, still = 0, -1
        for (index, value), is_small in zip(shapes, small, strict=True):
            if len(index) and not is_small:
                dense = np.zeros((vertices, 3), np.float32)
                dense[index] = value
                numbers.append(self.add(dense, "VEC3", target=gltf.ARRAY_BUFFER, limits=True))
                continue
            accessor = gltf.Accessor(byteOffset=None, componentType=gltf.FLOAT, count=vertices, type="VEC3")
            accessor.min, accessor.max = _limits(np.vstack([value, np.zeros((1, 3), np.float32)]))
            if is_small:
                accessor.sparse = gltf.Sparse(
                    count=len(index),
                    indices=gltf.AccessorSparseIndices(
                        bufferView=indices,
                        byteOffset=start * kind.itemsize,
                        componentType=COMPONENT_TYPES[kind],
                    ),
                    values=gltf.AccessorSparseValues(bufferView=values, byteOffset=start * DELTA_BYTES),
                )
                start += len(index)
                numbers.append(self._accessor(accessor))
            else:
                still = self._accessor(accessor) if still < 0 else still
                numbers.append(still)
        return numbers

    def add_texture(self, name: str, picture: bytes) -> int:
        """The number of a new texture of the PNG or JPEG file called ``name``, repeated beyond 0..1."""
        document = self.document
        kind = "image/png" if picture.startswith(b"\x89PNG") else "image/jpeg"
        view = self._view(np.frombuffer(picture, np.uint8))
        document.images.append(gltf.Image(name=name, bufferView=view, mimeType=kind))
        if not document.samplers:
            linear = {"magFilter": gltf.LINEAR, "minFilter": gltf.LINEAR_MIPMAP_LINEAR}
            document.samplers.append(gltf.Sampler(wrapS=gltf.REPEAT, wrapT=gltf.REPEAT, **linear))
        document.textures.append(gltf.Texture(sampler=0, source=len(document.images) - 1))
        return len(document.textures) - 1

    def finish(self) -> None:
        """Attach all bytes added so far to the document."""
        self.document.buffers = [gltf.Buffer(byteLength=self._size)]
        self.document.set_binary_blob(b"".join(self._chunks))
        self._chunks = []

    def _accessor(self, accessor: gltf.Accessor) -> int:
        self.document.accessors.append(accessor)
        return len(self.document.accessors) - 1

    def _view(self, array: np.ndarray, target: int | None = None) -> int:
        data = np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
        view = gltf.BufferView(buffer=0, byteOffset=self._size, byteLength=len(data), target=target)
        self.document.bufferViews.append(view)
        padding = -len(data) % 4
        self._chunks.append(data + b"\0" * padding)
        self._size += len(data) + padding
        return len(self.document.bufferViews) - 1


def _limits(array: np.ndarray) -> tuple[list[Any], list[Any]]:
    rows = array.reshape(len(array), -1)
    return rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
