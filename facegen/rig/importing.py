"""Rig importers: the protocol they follow, which of them reads a file, and one way of failing for all.

An importer is a ``RigImporter``: a function that reads a path into a ``facegen.rig.builder.RigBuilder`` and returns
what ``build_rig`` makes of it. It is found by a row of the registry ``rig_importers`` (entry points of other packages
among them), whose key is the suffix of a file, or ``/`` and the name of a file that marks a folder.
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import NamedTuple, Protocol

from facegen.core.errors import FacegenError, RigError, nearest
from facegen.core.registry import Registry, suffix_of
from facegen.rig.model import Rig


class Imported(NamedTuple):
    """A rig, and what the importer decided that its user should know, one line each."""

    rig: Rig
    notes: tuple[str, ...] = ()


class RigImporter(Protocol):
    """Reads the rig files of another program: ``read(path, shapes_needed) -> Imported``.

    The rig is in cm, +Y up and facing +Z; ``facegen.rig.builder.build_rig`` puts the names of its shapes into ARKit's
    spelling and refuses what is broken. Faults of the file are RigErrors; KeyError, TypeError, ValueError,
    AttributeError, IndexError, OverflowError and RecursionError become one.
    """

    def __call__(self, path: Path, shapes_needed: bool = True) -> Imported:
        """Read ``path``; without ``shapes_needed`` a mesh that has no shapes will do."""
        ...


def importer_of(path: str | PathLike) -> str:
    """Name the importer that reads ``path``.

    Parameters
    ----------
    path : str or PathLike
        A file or folder.

    Returns
    -------
    str
        A key of the registry ``rig_importers``: a suffix for a file, and for a folder ``/`` with the name (or ``*``
        pattern) of a file that marks its layout. Empty where there is none.
    """
    names = Registry("rig_importers").names()
    place = Path(path)
    if not place.is_dir():
        return suffix_of(place.name, [n for n in names if n.startswith(".")])
    marks = sorted((n for n in names if n.startswith("/")), key=lambda n: ("*" in n, n))
    return next((mark for mark in marks if next(place.glob(mark[1:]), None)), "")


def import_rig(path: str | PathLike) -> Imported:
    """Read a rig in a file or folder of another program.

    Parameters
    ----------
    path : str or PathLike

    Returns
    -------
    Imported
        The rig in cm, +Y up, facing +Z, its controls in ARKit's spelling where they are the same.

    Raises
    ------
    RigError
        For what no importer reads and for files that are broken or hold no shapes.
    """
    return _import(path, shapes_needed=True)


def import_mesh(path: str | PathLike) -> Imported:
    """Read a mesh that may have no shapes; otherwise as ``import_rig``."""
    return _import(path, shapes_needed=False)


def _import(path: str | PathLike, shapes_needed: bool) -> Imported:
    name = importer_of(path)
    if not Path(path).exists():
        raise RigError("no such file or folder", path=path, remedy="check the name")
    if not name:
        what = "a folder of no known layout" if Path(path).is_dir() else "no rig file that can be read"
        raise RigError(
            f"is {what}", path=path, remedy=nearest(Path(path).suffix, Registry("rig_importers").names(), 1)
        )
    try:
        read: RigImporter = Registry("rig_importers").get(name)
        return read(Path(path)) if shapes_needed else read(Path(path), shapes_needed=False)
    except FacegenError as error:
        raise error.at(path) from error
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is broken ({error})"
        raise RigError(what[:300], path=path, remedy="export it again") from error
    except RecursionError as error:
        raise RigError("is nested too deeply", path=path, remedy="export it again") from error
