"""Writing animations and takes in the format that a suffix names, and reading them back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Protocol

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, FacegenError, InputError, UsageError, nearest
from facegen.core.files import Content, make_folder, safe_name, write_atomic, write_files
from facegen.core.registry import Registry, suffix_of
from facegen.formats.take import TakeFile, flatten, to_take
from facegen.motion.take import Take
from facegen.rig import Rig, load_rig

OPTIONS = ("rig", "audio", "object", "names", "reduce")
"""What ``save`` understands beside the path: the rig (name, folder, file or Rig), the sound's file, for formats that
name a mesh and shapes in another program the mesh's path there and a pattern of the shapes' names, and for those with
curves between keys how far few keys may leave the animation."""
_LOG = logging.getLogger("facegen")


class Exporter(Protocol):
    """A format that can be written. It returns bytes; ``save`` is the one that writes them.

    One whose class says ``needs_layers = True`` is given the take itself where there is one: its layers or phones are
    what it writes. All others get the composed animation.
    """

    suffix: str

    def files(self, animation: Animation, rig: Rig | None, options: Mapping[str, Any]) -> dict[str, Content]:
        """The content of each file, by name: ``""`` is the output itself, other names lie beside it. A suffix that
        ends with ``/`` is a folder's, and all names lie in it. Contents are consumed in the order given, ``""`` last.
        """
        ...


class Importer(Protocol):
    """A format that can be read."""

    def read(self, path: str | PathLike) -> Animation: ...


def save(thing: Animation | Take, path: str | PathLike, **options: Any) -> None:
    """Write an animation or a take to ``path`` in the format that its suffix names.

    Options: ``rig`` (a Rig, a name, a folder or a file; formats with a mesh show the animation on it), ``audio``
    (the sound's file; its name is noted where the format has a place for it), ``object`` and ``names`` (what a
    Unity clip moves: the mesh's path and a pattern such as ``blendShape1.{name}``), ``reduce`` (0 to 1: few keys that
    leave the animation by so much at most, where the format's class says ``reduces = True``). A take is composed for every
    format that does not want it whole (``needs_layers``). Raises UsageError for an unknown suffix or option,
    AnimationFileError for an animation without frames, OutputError where ``path`` can't be written.
    """
    for name in options:
        if name not in OPTIONS:
            raise UsageError(f"save has no option {name!r}", remedy=nearest(name, OPTIONS))
    suffix = _suffix(path, "exporters")
    exporter = Registry("exporters").get(suffix)()
    if options.get("reduce") and not getattr(exporter, "reduces", False):
        _LOG.warning("%s keeps a key a frame: it has no curves between keys", suffix)
    given = options.get("rig")
    rig = given if given is None or isinstance(given, Rig) else load_rig(given)
    frames = thing.frames if isinstance(thing, Take) else len(thing)
    if frames == 0:
        raise AnimationFileError(
            "the animation has no frames", path=path, remedy="give a longer sound or span"
        )
    if not needs_layers(suffix):
        thing = flatten(thing) if isinstance(thing, Take) else thing
        if not thing.controls:
            raise AnimationFileError("the animation has no controls", path=path, remedy="name its controls")
    name = Path(path).name[: -len(suffix)]
    contents = exporter.files(thing, rig, {**options, "name": name})
    if suffix.endswith("/"):
        write_files(make_folder(path), contents)
        return
    for name in sorted(contents, key=lambda name: name == ""):
        write_atomic(Path(path).parent / safe_name(name) if name else path, contents[name])


def needs_layers(suffix: str) -> bool:
    """Whether the format of ``suffix`` is made from a whole take rather than from its curves."""
    return bool(getattr(Registry("exporters").get(suffix), "needs_layers", False))


def load_animation(path: str | PathLike) -> Animation:
    """The animation in a file of any format that can be read; a take is composed.

    Raises UsageError for an unknown suffix, AnimationFileError for a file that holds no valid animation.
    """
    importer = Registry("importers").get(_suffix(path, "importers"))()
    return _checked(importer.read, path)


def load_take(path: str | PathLike) -> Take:
    """The take in a ``.take`` file; any other animation file gives a take of one layer ``lips`` that composes
    to just that animation. Raises as ``load_animation`` does."""
    importer = Registry("importers").get(_suffix(path, "importers"))()
    if isinstance(importer, TakeFile):
        return _checked(importer.read_take, path)
    return to_take(_checked(importer.read, path))


def _suffix(path: str | PathLike, kind: str) -> str:
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


def _checked(read: Any, path: str | PathLike) -> Any:
    """``read(path)``, with whatever a broken file provokes turned into an AnimationFileError that names it."""
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
