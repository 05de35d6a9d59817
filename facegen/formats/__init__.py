"""Reading and writing animation files: ``save``, ``load_animation`` and ``load_take`` pick the format by its suffix."""

from __future__ import annotations

import logging
from collections.abc import Callable
from os import PathLike, fspath
from pathlib import Path
from typing import Any, TypeVar

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, FacegenError, InputError, UsageError, nearest
from facegen.core.files import make_folder, safe_name, write_atomic, write_files
from facegen.core.registry import Registry, suffix_of
from facegen.formats.protocols import Exporter, Importer
from facegen.formats.take import TakeFile, flatten, to_take
from facegen.motion.take import Take
from facegen.rig import Rig, load_rig

__all__ = ["OPTIONS", "Exporter", "Importer", "load_animation", "load_take", "needs_layers", "save"]

OPTIONS = ("rig", "audio", "object", "names", "reduce")
"""Keyword options of ``save``; see there."""
T = TypeVar("T")
_LOG = logging.getLogger("facegen")


def save(animation: Animation | Take, path: str | PathLike[str], **options: Any) -> None:
    """Write an animation or a take to ``path`` in the format that its suffix names.

    A take is flattened to one animation for every format that does not store layers (see ``needs_layers``).

    Parameters
    ----------
    animation : Animation or Take
        What to write; at least one frame.
    path : str or PathLike
        The output file, or a folder where the suffix ends with ``/``. Existing files are replaced.
    rig : Rig, str or PathLike, optional
        A rig, its name, folder or file. Formats with a mesh show the animation on it.
    audio : str, optional
        The sound file; its name is stored where the format has a field for it.
    object : str, optional
        Unity only: path of the mesh below the animated object.
    names : str, optional
        Pattern of the names of shapes or expressions, such as ``blendShape1.{name}``.
    reduce : float, optional
        Largest deviation, 0 to 1, that reduced keyframes may have from the animation; 0 keeps a key per frame. For
        formats whose exporter says ``reduces = True``; others log a warning.

    Raises
    ------
    UsageError
        For an unknown suffix or option.
    AnimationFileError
        For an animation without frames or controls.
    OutputError
        Where ``path`` cannot be written.
    """
    for name in options:
        if name not in OPTIONS:
            raise UsageError(f"save has no option {name!r}", remedy=nearest(name, OPTIONS))
    suffix = _suffix(path, "exporters")
    exporter = Registry("exporters").get(suffix)()
    if options.get("reduce") and not getattr(exporter, "reduces", False):
        _LOG.warning("%s keeps a key a frame: it has no curves between keys", suffix)
    rig = options.get("rig")
    if rig is not None and not isinstance(rig, Rig):
        rig = load_rig(rig)
    frames = animation.frames if isinstance(animation, Take) else len(animation)
    if frames == 0:
        raise AnimationFileError(
            "the animation has no frames", path=path, remedy="give a longer sound or span"
        )
    if not needs_layers(suffix):
        animation = flatten(animation) if isinstance(animation, Take) else animation
        if not animation.controls:
            raise AnimationFileError("the animation has no controls", path=path, remedy="name its controls")
    name = Path(path).name[: -len(suffix)]
    contents = exporter.files(animation, rig, {**options, "name": name})
    if suffix.endswith("/"):
        write_files(make_folder(path), contents)
        return
    for name in sorted(contents, key=lambda name: name == ""):
        write_atomic(Path(path).parent / safe_name(name) if name else path, contents[name])


def needs_layers(suffix: str) -> bool:
    """Whether the format of ``suffix`` stores layers or phones, so that its exporter receives the take itself."""
    return bool(getattr(Registry("exporters").get(suffix), "needs_layers", False))


def load_animation(path: str | PathLike[str]) -> Animation:
    """Read an animation file of any format that has an importer; a take is flattened.

    Parameters
    ----------
    path : str or PathLike
        The file; its suffix names the format.

    Returns
    -------
    Animation
        Curves (T, C) float32 under the file's control names.

    Raises
    ------
    UsageError
        For an unknown suffix.
    AnimationFileError
        For a file that holds no valid animation.
    """
    importer = Registry("importers").get(_suffix(path, "importers"))()
    return _checked(importer.read, path)


def load_take(path: str | PathLike[str]) -> Take:
    """Read a ``.take`` file, or wrap any other animation file in a take.

    Parameters
    ----------
    path : str or PathLike
        The file; its suffix names the format.

    Returns
    -------
    Take
        The stored take; for other formats one of a single layer ``lips`` that flattens to exactly the animation.

    Raises
    ------
    UsageError
        For an unknown suffix.
    AnimationFileError
        For a file that holds no valid animation.
    """
    importer = Registry("importers").get(_suffix(path, "importers"))()
    if isinstance(importer, TakeFile):
        return _checked(importer.read_take, path)
    return to_take(_checked(importer.read, path))


def _suffix(path: str | PathLike[str], kind: str) -> str:
    known = Registry(kind).names()
    suffix = suffix_of(fspath(path), known)
    if not suffix:
        what = "written" if kind == "exporters" else "read"
        raise UsageError(
            f"no animation format that can be {what} has the suffix {Path(path).suffix!r}",
            path=path,
            remedy="use one of " + " ".join(known),
        )
    return suffix


def _checked(read: Callable[[str | PathLike[str]], T], path: str | PathLike[str]) -> T:
    """``read(path)``, with every error that a broken file can cause turned into an AnimationFileError that names it."""
    try:
        return read(path)
    except (InputError, UsageError) as error:
        raise AnimationFileError(
            error.reason, path=error.path or path, remedy=error.remedy or "write the file again"
        ) from error
    except FacegenError:
        raise
    except MemoryError as error:
        raise AnimationFileError(
            "is too large for this machine's memory", path=path, remedy="split it"
        ) from error
    except RecursionError as error:
        raise AnimationFileError("is nested too deeply", path=path, remedy="write the file again") from error
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = (
            f"lacks {error}" if isinstance(error, KeyError) else f"can't be understood ({str(error)[:200]})"
        )
        raise AnimationFileError(what, path=path, remedy="write the file again") from error
