"""Arrays of a corpus read from NumPy's own files, never from pickles."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facegen.core.errors import InputError
from facegen.core.files import read_bytes
from tools.training.corpora.sample import absent

Shape = tuple[int | None, ...]
"""Sizes of the axes; None for one of any size."""

MAX_BYTES = 2 << 30


def read_npz(path: Path, shapes: Mapping[str, Shape], source: str) -> dict[str, np.ndarray]:
    """The arrays of ``shapes`` in an .npz file; finite numbers. Raises InputError naming what is wrong."""
    if not path.is_file():
        raise absent(path, source)
    found = {}
    try:
        with zipfile.ZipFile(path) as packed:
            for name in shapes:
                if packed.getinfo(f"{name}.npy").file_size > MAX_BYTES:
                    raise broken(path, f"{name} unpacks to more than {MAX_BYTES} bytes", source)
                found[name] = _array(packed.read(f"{name}.npy"))
    except KeyError as error:
        raise broken(path, f"lacks an array: {error.args[0]}", source) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise broken(path, f"is no array file ({error})", source) from error
    for name, array in found.items():
        _check(array, shapes[name], name, path, source)
    return found


def read_npy(path: Path, shape: Shape, source: str) -> np.ndarray:
    """The array of an .npy file; finite numbers. Raises InputError naming what is wrong."""
    if not path.is_file():
        raise absent(path, source)
    try:
        array = _array(read_bytes(path, limit=MAX_BYTES))
    except (ValueError, EOFError) as error:
        raise broken(path, f"is no array file ({error})", source) from error
    _check(array, shape, "the array", path, source)
    return array


def broken(path: Path, reason: str, source: str) -> InputError:
    return InputError(reason, path=path, remedy=f"get it again: {source}")


def _array(raw: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)


def _check(array: np.ndarray, shape: Shape, name: str, path: Path, source: str) -> None:
    fits = len(shape) == array.ndim and all(s in (None, n) for s, n in zip(shape, array.shape, strict=True))
    if not fits:
        wanted = "[" + ", ".join("any" if s is None else str(s) for s in shape) + "]"
        raise broken(path, f"{name} has shape {list(array.shape)}, expected {wanted}", source)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise broken(path, f"{name} holds something that is no finite number", source)
