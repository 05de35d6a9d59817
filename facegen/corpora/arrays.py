"""Arrays of a corpus read from NumPy's own files, never from pickles."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from facegen.corpora.sample import absent
from facegen.errors import InputError

Shape = tuple[int | None, ...]
"""Sizes of the axes; None for one of any size."""


def read_npz(path: Path, shapes: Mapping[str, Shape], source: str) -> dict[str, np.ndarray]:
    """The arrays of ``shapes`` in an .npz file; finite numbers. Raises InputError naming what is wrong."""
    if not path.is_file():
        raise absent(path, source)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in shapes}
    except KeyError as error:
        raise _broken(path, f"lacks the array {error}", source) from error
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise _broken(path, f"is no array file ({error})", source) from error
    for name, array in found.items():
        _check(array, shapes[name], name, path, source)
    return found


def read_npy(path: Path, shape: Shape, source: str) -> np.ndarray:
    """The array of an .npy file; finite numbers. Raises InputError naming what is wrong."""
    if not path.is_file():
        raise absent(path, source)
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _broken(path, f"is no array file ({error})", source) from error
    if not isinstance(array, np.ndarray):
        raise _broken(path, "holds several arrays, expected one", source)
    _check(array, shape, "the array", path, source)
    return array


def _check(array: np.ndarray, shape: Shape, name: str, path: Path, source: str) -> None:
    sizes = len(shape) == array.ndim and all(s in (None, n) for s, n in zip(shape, array.shape, strict=True))
    if not sizes:
        wanted = "[" + ", ".join("any" if s is None else str(s) for s in shape) + "]"
        raise _broken(path, f"{name} has shape {list(array.shape)}, expected {wanted}", source)
    if array.dtype.kind not in "iuf" or not np.isfinite(array).all():
        raise _broken(path, f"{name} holds something that is no finite number", source)


def _broken(path: Path, reason: str, source: str) -> InputError:
    return InputError(reason, path=path, remedy=f"get it again: {source}")
