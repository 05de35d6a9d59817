"""Options by name: from the fields of config classes, as text or as values, to the classes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from facegen.core.errors import UsageError, nearest

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def pick(kind: type, values: Mapping[str, Any], **more: Any) -> Any:
    """``kind`` from those of ``values`` that are its fields."""
    names = {field.name for field in fields(kind)}
    return kind(**{**{k: v for k, v in values.items() if k in names}, **more})


def known_fields(settings: tuple[tuple[type, tuple[str, ...] | None], ...]) -> dict[str, Field]:
    """The options of a job by name; where two config classes share one, the first's."""
    found: dict[str, Field] = {}
    for kind, only in settings:
        for field in fields(kind):
            if only is None or field.name in only:
                found.setdefault(field.name, field)
    return found


def read_values(given: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    """Options as they stand in a table or a JSON object (``upper-face``, ``no-blink``, "1.5", 1.5) as typed values.

    Empty text and None leave an option at its default. Raises UsageError for names and values that are none.
    """
    values: dict[str, Any] = {}
    for key, value in given.items():
        if value is None or value == "":
            continue
        name = key.strip().replace("-", "_").lower()
        if name not in known and name.startswith("no_") and _is_switch(known.get(name[3:])):
            values[name[3:]] = not _switch(value, name)
        elif name in known:
            values[name] = _typed(value, known[name])
        else:
            raise UsageError(f"no option is called {key!r}", remedy=nearest(name, list(known)))
    return values


def _is_switch(field: Field | None) -> bool:
    return field is not None and str(field.type) == "bool"


def _typed(value: Any, field: Field) -> Any:
    kind = str(field.type).removesuffix(" | None")
    try:
        if kind == "bool":
            return _switch(value, field.name)
        if kind.startswith("tuple"):
            parts = value if isinstance(value, list | tuple) else str(value).split(",")
            turn = float if "float" in kind else str
            return tuple(
                turn(part.strip() if isinstance(part, str) else part) for part in parts if part != ""
            )
        if isinstance(value, list | dict | bool):
            raise ValueError("no plain value")
        return {"int": int, "float": float, "str": str}[kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"{value!r} is no value of {field.name}", remedy=f"it is {field.metadata['help']}"
        ) from error


def _switch(value: Any, name: str) -> bool:
    text = str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise UsageError(f"{name} is {value!r}, neither true nor false", remedy="use true or false")
    return text in _YES
