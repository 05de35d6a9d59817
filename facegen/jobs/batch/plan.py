"""Rows to tasks: options by name, files held to the allowed folders, names of outputs, each used once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import Field, dataclass, field
from pathlib import Path
from typing import Any

from facegen.config import BatchConfig
from facegen.core.errors import FacegenError, InputError, UsageError, nearest
from facegen.core.registry import Registry
from facegen.jobs import Job, load_job
from facegen.jobs.batch.manifest import ManifestRow
from facegen.jobs.batch.output_names import fill_template, named_safely
from facegen.jobs.batch.task import Task, TaskError
from facegen.jobs.settings import known_fields, pick, read_values

OWN = ("command", "name", "format", "output")
"""Columns of the batch itself; all others are a command's sources and options, or start with _ and are for names."""

SUMMARIES = ("summary.csv", "summary.json", "summary.html")
"""Names in the output folder that no job may take."""


@dataclass
class Planner:
    """Makes tasks of rows. ``base`` is the folder that paths of the manifest start from, ``given`` are options of the
    command line, which hold where a row says nothing else."""

    base: str
    config: BatchConfig
    given: Mapping[str, Any] = field(default_factory=dict)
    folder: bool = False
    """Whether the rows are the sounds of a folder."""

    def __post_init__(self) -> None:
        self.base = os.path.realpath(self.base)
        more = [part.strip() for part in (self.config.root or "").split(",") if part.strip()]
        self.roots = [self.base, *(os.path.realpath(part) for part in more)]
        self.formats = formats_of(self.config.format)
        self._taken = {name: "the summary" for name in SUMMARIES}

    def tasks(self, rows: Sequence[ManifestRow]) -> list[Task]:
        """A task a row, in order; what is wrong with a row is the task's ``fault``."""
        return [self._task(row) for row in rows]

    def _task(self, row: ManifestRow) -> Task:
        command = str(row.values.get("command") or "animate")
        label = _label(row)
        try:
            if row.error:
                raise row.error
            job = load_job(command)
            sources = self._sources(row, job)
            options = self._options(row, job)
            outputs = self._outputs(row, job, sources, options)
        except FacegenError as error:
            return Task(row.number, row.place, label, command, fault=TaskError.of(error.at(row.place)))
        return Task(row.number, row.place, outputs[0], command, tuple(sources), options, tuple(outputs))

    def _sources(self, row: ManifestRow, job: type[Job]) -> list[str]:
        found = []
        for name in job.sources:
            value = row.values.get(name)
            if not isinstance(value, str) or not value:
                raise InputError(f"names no {name}", remedy=f"give a column {name} with its file")
            path = os.path.join(self.base, value)
            self._allow(path, value)
            if not os.path.isfile(path):
                reason = "is a folder, not a file" if os.path.isdir(path) else "no such file"
                raise InputError(reason, path=value, remedy="check the name and the folder")
            found.append(path)
        for path in job.reads(found) if hasattr(job, "reads") else ():
            self._allow(path, path)
        return found

    def _options(self, row: ManifestRow, job: type[Job]) -> dict[str, Any]:
        known = known_fields(job.settings)
        own = {*OWN, *job.sources}
        if "folder" in job.kinds:
            own.discard("format")  # an option of such a command, not the suffix of one file
        asked = {k: v for k, v in row.values.items() if k not in own and not k.startswith("_")}
        if unknown := [k for k in asked if not isinstance(k, str)]:
            raise UsageError(f"no option is called {unknown[0]!r}", remedy="name options by text")
        values = read_values(asked, known)
        values = {name: self._file(value, known[name]) for name, value in values.items()}
        merged = {k: _absolute(v, known[k]) for k, v in self.given.items() if k in known} | values
        for kind, only in job.settings:
            pick(kind, {k: v for k, v in merged.items() if only is None or k in only})
        return {k: list(v) if isinstance(v, tuple) else v for k, v in merged.items()}

    def _file(self, value: Any, option: Field) -> Any:
        """An option's text that names a file as an absolute path, inside the allowed folders; any other as it is."""
        if option.metadata.get("file") and isinstance(value, tuple):
            return tuple(self._file(part, option) for part in value)
        if not option.metadata.get("file") or not isinstance(value, str):
            return value
        beside = os.path.join(self.base, value)
        if _exists(beside):
            self._allow(beside, value)
            return beside
        if _exists(value):
            self._allow(value, value)
        return value

    def _allow(self, path: str, shown: str) -> None:
        if "\0" in path:
            raise InputError("holds a zero byte", path=shown, remedy="mend the name")
        real = Path(os.path.realpath(path))
        if not self.config.allow_outside and not any(real.is_relative_to(root) for root in self.roots):
            raise InputError(
                "lies outside the folders that may be read",
                path=shown,
                remedy="allow its folder with --root DIR, or all with --allow-outside",
            )

    def _outputs(
        self, row: ManifestRow, job: type[Job], sources: Sequence[str], options: Mapping[str, Any]
    ) -> list[str]:
        if row.values.get("output"):
            names = [named_safely(name) for name in _listed(row.values["output"], r";")]
        else:
            stem = fill_template(self.config.name, self._fields(row, job, sources, options))
            names = (
                [f"{stem}/"] if "folder" in job.kinds else [f"{stem}.{s}" for s in self._formats(row, job)]
            )
        for name in names:
            key = name.rstrip("/").casefold()
            if key in self._taken:
                raise UsageError(
                    f"{name} is already written by {self._taken[key]}",
                    remedy="give the row a name, or use --name '{name}-{row}'",
                )
            self._taken[key] = row.place
        return names

    def _formats(self, row: ManifestRow, job: type[Job]) -> list[str]:
        """Suffixes of a row: its own, or the batch's; a command with a format of its own writes that."""
        own = [kind[1:] for kind in job.kinds if kind.startswith(".")]
        asked = [part.lower().lstrip(".") for part in _listed(row.values.get("format") or ())]
        if not asked:
            return own[:1] or self.formats
        return asked if set(asked) <= set(own) else formats_of(row.values["format"])

    def _fields(
        self, row: ManifestRow, job: type[Job], sources: Sequence[str], options: Mapping[str, Any]
    ) -> dict[str, Any]:
        inside = Path(os.path.relpath(sources[0], self.base))
        if inside.is_absolute() or ".." in inside.parts:
            inside = Path(inside.name)
        settings = {name: option.default for name, option in known_fields(job.settings).items()}
        free = {k: v for k, v in row.values.items() if k.startswith("_")}
        own = {"row": row.number, "stem": inside.stem, "folder": inside.parent.as_posix().removeprefix(".")}
        own["name"] = str(row.values.get("name") or inside.with_suffix("").as_posix())
        return {**settings, **options, **free, **own}


def formats_of(text: Any) -> list[str]:
    """``csv,glb`` as suffixes without their dots. Raises UsageError for what no job writes."""
    known = {
        name.lstrip(".").lower(): name for kind in ("exporters", "videos") for name in Registry(kind).names()
    }
    formats = [part.lstrip(".") for part in _listed(text)]
    for name in formats:
        if name.lower() not in known:
            raise UsageError(
                f"no format is called {name!r}", path="--format", remedy=nearest(name, list(known))
            )
    if not formats:
        raise UsageError("names no format", path="--format", remedy="use e.g. csv,glb")
    return [known[name.lower()].lstrip(".") for name in dict.fromkeys(formats)]


def check_columns(rows: Sequence[ManifestRow], path: str) -> None:
    """Raise UsageError for a column of a table that no command knows, before any work."""
    known = set(OWN)
    for command in Registry("jobs").names():
        job = load_job(command)
        fields = known_fields(job.settings)
        known |= {f.metadata["name"] for f in fields.values()}
        known |= {*job.sources, *fields, *(f"no_{n}" for n, f in fields.items() if str(f.type) == "bool")}
    for name in rows[0].values:
        if not name.startswith("_") and name.replace("-", "_").lower() not in known:
            raise UsageError(
                f"the column {name!r} is no option", path=path, remedy=nearest(name, sorted(known))
            )


def _listed(value: Any, marks: str = r"[,;|\s]+") -> list[str]:
    parts = value if isinstance(value, list | tuple) else re.split(marks, str(value))
    return [str(part).strip() for part in parts if str(part).strip()]


def _label(row: ManifestRow) -> str:
    for name in ("name", "output", "audio", "animation", "take", "video", "file", "turns", "source", "pred"):
        if isinstance(row.values.get(name), str) and row.values[name]:
            return row.values[name]
    return row.place


def _exists(path: str) -> bool:
    try:
        return os.path.exists(path)
    except (OSError, ValueError):
        return False


def _absolute(value: Any, option: Field) -> Any:
    names_file = option.metadata.get("file") and isinstance(value, str) and value
    return os.path.abspath(value) if names_file and _exists(value) else value
