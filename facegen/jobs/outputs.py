"""What may be written where: settled before any work begins."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from facegen.core.errors import OutputError, UsageError, nearest
from facegen.core.files import check_writable
from facegen.core.registry import Registry, suffix_of


@dataclass(frozen=True)
class Output:
    """One file or folder to write; ``kind`` is "curves" (an exporter's), "pictures" (a renderer's) or a suffix."""

    path: str
    suffix: str
    kind: str


def pictures() -> list[str]:
    """Suffixes of videos and single pictures."""
    return Registry("videos").names()


def check_outputs(paths: Sequence[str], inputs: Sequence[str | None], kinds: tuple[str, ...]) -> list[Output]:
    """The outputs, each of a known format and writable.

    Raises UsageError for an unknown suffix, one path given twice or a path that is an input, OutputError for what
    can't be written.
    """
    outputs = [_kind_of(path, kinds) for path in paths]
    seen: set[str] = set()
    taken = {_same(path) for path in inputs if path}
    for output in outputs:
        place = _same(output.path)
        if place in seen:
            raise UsageError("is given twice as output", path=output.path, remedy="give each file once")
        if place in taken:
            raise UsageError(
                "is both input and output", path=output.path, remedy="write to a file of another name"
            )
        seen.add(place)
    for output in outputs:
        _check_writable(output)
    return outputs


def _same(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _kind_of(path: str, kinds: tuple[str, ...]) -> Output:
    exporters = Registry("exporters").names() if "curves" in kinds else []
    drawn = pictures() if "pictures" in kinds else []
    own = [kind for kind in kinds if kind.startswith(".")]
    known = [*own, *exporters, *drawn]
    is_folder = path.endswith(("/", os.sep))
    suffix = suffix_of(path, [s for s in known if s.endswith("/")] if is_folder else known)
    if suffix:
        kind = suffix if suffix in own else "curves" if suffix in exporters else "pictures"
        return Output(path, suffix, kind)
    if drawn and (is_folder or os.path.isdir(path)):
        return Output(path, "/", "pictures")
    ending = os.path.splitext(path.rstrip("/" + os.sep))[1]
    other = _other_command(path, kinds)
    reason = f"no format has the suffix {ending!r}" if ending else "has no suffix that names a format"
    if other:
        raise UsageError(f"{ending} is not written by this command", path=path, remedy=f"use {other}")
    raise UsageError(reason, path=path, remedy=nearest(ending, known))


def _other_command(path: str, kinds: tuple[str, ...]) -> str:
    """The command that writes what this one does not."""
    if "pictures" not in kinds and suffix_of(path, pictures()):
        return "facegen render for videos and pictures"
    if "curves" not in kinds and suffix_of(path, Registry("exporters").names()):
        return "facegen convert for animation files"
    return ""


def _check_writable(output: Output) -> None:
    if output.suffix[-1:] != "/":
        check_writable(output.path)
        return
    bare = output.path.rstrip("/" + os.sep) or output.path
    if os.path.isdir(bare):
        check_writable(os.path.join(bare, "frame.png"))
    elif os.path.exists(bare):
        raise OutputError("is a file, not a folder", path=output.path, remedy="give another name")
    else:
        check_writable(bare)
