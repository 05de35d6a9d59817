"""Options by name: from the fields of config classes, as text or as values, to the classes themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields
from typing import Any

from facegen.core.errors import UsageError, nearest
from facegen.core.options import REQUIRED, flag_of

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def pick(kind: type, values: Mapping[str, Any], **more: Any) -> Any:
    """``kind`` from those of ``values`` that are its fields. Raises UsageError where one that is required is not
    given."""
    known = {field.name: field for field in fields(kind)}
    chosen = {**{k: v for k, v in values.items() if k in known}, **more}
    for name, field in known.items():
        if field.default is REQUIRED and chosen.get(name) is None:
            flag = flag_of(field.metadata["name"] or name)
            raise UsageError("is missing", path=flag, remedy=f"give the {field.metadata['help']}")
    return kind(**chosen)


def need(condition: bool, name: str, reason: str, remedy: str) -> None:
    """Raise UsageError of the option ``name`` unless ``condition`` holds."""
    if not condition:
        raise UsageError(reason, path=name, remedy=remedy)


def known_fields(settings: tuple[tuple[type, tuple[str, ...] | None], ...]) -> dict[str, Field]:
    """The options of a job by name; where two config classes share one, the first's."""
    found: dict[str, Field] = {}
    for kind, only in settings:
        for field in fields(kind):
            if only is None or field.name in only:
                found.setdefault(field.name, field)
    return found


def read_values(options: Mapping[str, Any], known: Mapping[str, Field]) -> dict[str, Any]:
    """Options as they stand in a table or a JSON object (``upper-face``, ``no-blink``, "1.5", 1.5) as typed values.

    Empty text and None leave an option at its default. Raises UsageError for names and values that are none.
    """
    values: dict[str, Any] = {}
    names = {field.metadata["name"] or name: name for name, field in known.items()}
    for key, value in options.items():
        if value is None or value == "":
            continue
        called = key.strip().replace("-", "_").lower()
        name = names.get(called, called)
        if name not in known and name.startswith("no_") and name[3:] in known and is_switch(known[name[3:]]):
            values[name[3:]] = not _switch(value, name)
        elif name in known:
            try:
                values[name] = convert(value, known[name])
            except ValueError as error:
                remedy = f"it is {known[name].metadata['help']}"
                raise UsageError(f"{called}: {error}", remedy=remedy) from error
        else:
            raise UsageError(f"no option is called {key!r}", remedy=nearest(called, list(names)))
    return values


def is_switch(field: Field) -> bool:
    """Whether the option is on or off."""
    return str(field.type) == "bool"


def type_name(field: Field) -> str:
    """What stands for a value of the option in help: INTEGER, FLOAT, TEXT, X,Y,Z or LIST."""
    kind = str(field.type).removesuffix(" | None")
    if kind.startswith("tuple"):
        return "X,Y,Z" if "float" in kind else "LIST"
    return {"int": "integer", "float": "float", "str": "text"}[kind]


def convert(value: Any, field: Field) -> Any:
    """``value`` (text of a command line or a table, or a JSON value) as one of the option. Raises ValueError for what
    is none."""
    kind = str(field.type).removesuffix(" | None")
    if kind == "bool":
        return _switch(value, field.name)
    if kind.startswith("tuple"):
        parts = value if isinstance(value, list | tuple) else str(value).split(",")
        texts = [part.strip() if isinstance(part, str) else part for part in parts]
        texts = [part for part in texts if part != ""]
        if "float" not in kind:
            return tuple(map(str, texts))
        try:
            return tuple(map(float, texts))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{value!r} is not X,Y,Z") from error
    article = {"int": "a valid integer", "float": "a valid float", "str": "a plain value"}[kind]
    if isinstance(value, list | dict | bool):
        raise ValueError(f"{value!r} is not {article}")
    try:
        return {"int": int, "float": float, "str": str}[kind](value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{value!r} is not {article}") from error


def _switch(value: Any, name: str) -> bool:
    text = str(value).strip().lower()
    if text not in (*_YES, *_NO):
        raise UsageError(f"{name} is {value!r}, neither true nor false", remedy="use true or false")
    return text in _YES
