"""Names of outputs from templates such as ``{folder}/{stem}-{emotion}``: fields and widths, nothing that runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

from facegen.core.errors import FacegenError, UsageError, nearest
from facegen.core.files import safe_name

_SPEC = re.compile(r"(0?\d{1,3}|\.\d{1,2}f|)")
_UNFIT = re.compile(r'[\x00-\x1f<>:"|?*\\]')
MOST_LETTERS = 200
"""Of one part of a name; file systems hold 255 bytes."""


def fill_template(template: str, values: Mapping[str, Any]) -> str:
    """``template`` with its fields filled in: a path that stays inside its folder.

    A field's text is made fit for file names; only ``{folder}`` and ``{name}`` may hold parts. Raises UsageError for a
    template that can't be read and for fields that don't exist, InputError for a name that leaves its folder.
    """
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise UsageError(
            f"the name template {template!r} can't be read ({error})", remedy="use e.g. {stem}"
        ) from error
    text = ""
    for literal, name, spec, conversion in pieces:
        text += literal
        if name is None:
            continue
        if conversion or not _SPEC.fullmatch(spec or ""):
            raise UsageError(
                f"the name template {template!r} asks for more than a width", remedy="use {row:04}"
            )
        if name not in values:
            raise UsageError(
                f"the name template {template!r} has the unknown field {name!r}",
                remedy=nearest(name, list(values)),
            )
        text += _shown(values[name], spec or "", keep_parts=name in ("folder", "name"))
    parts = [part.strip() for part in text.replace("\\", "/").split("/")]
    return named_safely("/".join(part for part in parts if part))


def named_safely(name: str) -> str:
    """``name`` if it stays inside the output folder and out of the batch's own files; InputError if not."""
    try:
        name = safe_name(name)
    except FacegenError as error:
        raise error.at("output name") from error
    if name.split("/")[0] == ".facegen" or any(len(part) > MOST_LETTERS for part in name.split("/")):
        raise UsageError(f"the output name {name[:80]!r} is too long or reserved", remedy="choose another")
    return name


def _shown(value: Any, spec: str, keep_parts: bool) -> str:
    try:
        text = format(value, spec) if not isinstance(value, list | tuple | None) else str(value or "")
    except (TypeError, ValueError, OverflowError):
        text = str(value)
    text = _UNFIT.sub("_", text)
    return text if keep_parts else text.replace("/", "_")
