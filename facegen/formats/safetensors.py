"""``.safetensors``: the fast, exact form, arrays with a JSON header; also the container of ``.take`` files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError
from facegen.core.files import read_bytes
from facegen.core.units import as_fps
from facegen.rig import Rig

VERSION = "1"
MAX_BYTES = 2**31
CHUNK_VALUES = 2**20


def pack_safetensors(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Iterator[bytes]:
    """A safetensors file of float32 ``tensors`` in chunks.

    The library orders metadata at random; here equal input gives equal bytes.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    offset = 0
    for name, array in tensors.items():
        size = 4 * array.size
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for array in tensors.values():
        flat = np.ascontiguousarray(array, "<f4").reshape(-1)
        for start in range(0, len(flat), CHUNK_VALUES):
            yield flat[start : start + CHUNK_VALUES].tobytes()


def unpack_safetensors(path: str | PathLike) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays and the metadata of a safetensors file. Raises AnimationFileError for any other file."""
    from safetensors.numpy import load

    raw = read_bytes(path, limit=MAX_BYTES, error=AnimationFileError)
    try:
        tensors = load(raw)
        length = int.from_bytes(raw[:8], "little")
        metadata = json.loads(raw[8 : 8 + length]).get("__metadata__") or {}
    except Exception as error:
        raise AnimationFileError(
            f"is not a whole safetensors file ({str(error)[:200]})", path=path, remedy="write the file again"
        ) from error
    return tensors, metadata


def tensor(tensors: Mapping[str, np.ndarray], name: str, path: str | PathLike) -> np.ndarray:
    """The float32 array called ``name``; AnimationFileError where it is missing or of another type."""
    if name not in tensors:
        raise AnimationFileError(f"lacks the array {name!r}", path=path, remedy="write the file again")
    array = tensors[name]
    if array.dtype != np.float32:
        raise AnimationFileError(
            f"holds {name!r} as {array.dtype}, expected float32", path=path, remedy="convert the array"
        )
    return array


class Safetensors:
    """Arrays ``values`` [T, C] and, where the head moves, ``head`` [T, 6]; metadata ``fps``, ``controls``, ``meta``."""

    suffix = ".safetensors"

    def files(
        self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]
    ) -> dict[str, Iterator[bytes]]:
        tensors = {"values": animation.values}
        if animation.head is not None:
            tensors["head"] = animation.head
        metadata = {
            "format": "facegen animation",
            "version": VERSION,
            "fps": str(animation.fps),
            "controls": json.dumps(animation.controls, ensure_ascii=False),
            "meta": plain_json(animation.meta),
        }
        return {"": pack_safetensors(tensors, metadata)}

    def read(self, path: str | PathLike) -> Animation:
        tensors, metadata = unpack_safetensors(path)
        if metadata.get("version", VERSION) != VERSION:
            raise AnimationFileError(
                f"has version {metadata['version']!r}; this program reads {VERSION}", remedy="update facegen"
            )
        for name in ("fps", "controls"):
            if name not in metadata:
                raise AnimationFileError(f"lacks {name!r} in its metadata", remedy="write the file again")
        controls = json.loads(metadata["controls"])
        if not isinstance(controls, list) or not all(isinstance(c, str) for c in controls):
            raise AnimationFileError(
                "has controls that are not a list of names", remedy="write the file again"
            )
        head = tensor(tensors, "head", path) if "head" in tensors else None
        meta = json.loads(metadata.get("meta", "{}"))
        return Animation(
            as_fps(metadata["fps"]), tuple(controls), tensor(tensors, "values", path), head, meta
        )


def plain_json(value: Any) -> str:
    """``value`` as JSON text with sorted keys; what JSON has no form for is written as text."""
    return json.dumps(_plain(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value
