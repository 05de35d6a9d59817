"""Rigs in the files of other programs: which importer reads what, and one way of failing for all."""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from facegen.core.errors import FacegenError, RigError, nearest
from facegen.core.registry import Registry, suffix_of
from facegen.rig.model import Rig


class Imported(NamedTuple):
    """A rig and what the importer decided that its user should know, one line each."""

    rig: Rig
    notes: tuple[str, ...] = ()


def importer_of(path: str | PathLike) -> str:
    """The row of the registry ``rig_importers`` that reads ``path``: a suffix for a file, and for a folder ``/``
    with the name (or ``*`` pattern) of a file that marks its layout. Empty where there is none."""
    names = Registry("rig_importers").names()
    place = Path(path)
    if not place.is_dir():
        return suffix_of(place.name, [n for n in names if n.startswith(".")])
    marks = sorted((n for n in names if n.startswith("/")), key=lambda n: ("*" in n, n))
    return next((mark for mark in marks if next(place.glob(mark[1:]), None)), "")


def import_rig(path: str | PathLike) -> Imported:
    """The rig in a file or folder of another program, in cm, +Y up, facing +Z, its controls in ARKit's spelling
    where they are the same.

    Raises RigError for what no importer reads and for files that are broken or hold no shapes.
    """
    return _guarded(path, lambda read: read(Path(path)))


def import_mesh(path: str | PathLike) -> Imported:
    """The same for a mesh that may have no shapes."""
    return _guarded(path, lambda read: read(Path(path), shapes_needed=False))


def _guarded(path: str | PathLike, call: Callable[[Callable[..., Imported]], Imported]) -> Imported:
    name = importer_of(path)
    if not Path(path).exists():
        raise RigError("no such file or folder", path=path, remedy="check the name")
    if not name:
        what = "a folder of no known layout" if Path(path).is_dir() else "no rig file that can be read"
        raise RigError(
            f"is {what}", path=path, remedy=nearest(Path(path).suffix, Registry("rig_importers").names(), 1)
        )
    try:
        return call(Registry("rig_importers").get(name))
    except FacegenError as error:
        raise error.at(path) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is broken ({error})"
        raise RigError(what[:300], path=path, remedy="export it again") from error
    except RecursionError as error:
        raise RigError("is nested too deeply", path=path, remedy="export it again") from error
