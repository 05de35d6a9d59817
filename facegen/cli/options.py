"""Command-line options made from the fields of a config class: its names, defaults and help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from typing import Any

import click

from facegen.cli.report import Reporter
from facegen.core.errors import UsageError, nearest
from facegen.core.errors import blame as blame
from facegen.jobs import load_job
from facegen.jobs.settings import known_fields
from facegen.jobs.settings import pick as pick


class NamedGroup(click.Group):
    """A group of commands that names the nearest one for one that it does not have."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **{"no_args_is_help": False, **settings})

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = self.list_commands(ctx)
        if args and args[0] not in known:
            raise UsageError(f"no command is called {args[0]!r}", remedy=nearest(args[0], known))
        return super().resolve_command(ctx, args)


class Numbers(click.ParamType):
    """``X,Y,Z``: numbers separated by commas."""

    name = "X,Y,Z"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[float, ...]:
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not {self.name}", param, ctx)


class Names(click.ParamType):
    """``LIST``: names separated by commas; an empty text is the empty list."""

    name = "LIST"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in value.split(",") if part.strip())


_TYPES: dict[str, click.ParamType] = {
    "str": click.STRING,
    "int": click.INT,
    "float": click.FLOAT,
    "tuple[str, ...]": Names(),
    "tuple[float, ...]": Numbers(),
    "tuple[float, float, float]": Numbers(),
}


def flag_of(name: str) -> str:
    return "--" + name.replace("_", "-")


def option_of(field: Field, unset: str = "") -> click.Option:
    """The option of one field: ``upper_face`` is ``--upper-face``; a switch that is on is turned off by ``--no-…``.

    Where ``unset`` says what holds without the option, it has no default but None.
    """
    text = field.metadata["help"]
    kind = str(field.type).removesuffix(" | None")
    if kind == "bool":
        flag = flag_of(f"no_{field.name}" if field.default else field.name)
        shown = f"no {text}" if field.default else text
        return click.Option(
            [flag, field.name], is_flag=True, flag_value=not field.default, default=field.default, help=shown
        )
    default = None if unset else field.default
    shown = text if default is None else f"{text}  [default: {default}]"
    if unset:
        shown = f"{text}  [default: {unset}]"
    return click.Option([flag_of(field.name), field.name], type=_TYPES[kind], default=default, help=shown)


def config_options(kind: type, only: tuple[str, ...] | None = None, unset: str = "") -> Callable:
    """A decorator that gives a click command an option for each field of ``kind`` (or those named in ``only``)."""

    def add(command: click.Command) -> click.Command:
        for field in fields(kind):
            if only is None or field.name in only:
                command.params.append(option_of(field, unset))
        return command

    return add


def job_options(command: str) -> Callable:
    """A decorator that gives a click command the options of the job ``command``."""

    def add(given: click.Command) -> click.Command:
        given.params.extend(option_of(field) for field in known_fields(load_job(command).settings).values())
        return given

    return add


def run_job(
    command: str,
    sources: Sequence[str],
    outputs: Sequence[str],
    values: Mapping[str, Any],
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check and run one job, and say what it wrote."""
    job = load_job(command)(sources, outputs, values)
    job.check()
    with Reporter(as_json=as_json, quiet=quiet) as report:
        done = job.run(report.progress)
        report.written(outputs, done.animation, done.notes)


def outputs_option(command: click.Command) -> click.Command:
    """Adds ``-o OUT``, required and repeatable."""
    option = click.Option(
        ["-o", "--output", "outputs"],
        multiple=True,
        required=True,
        metavar="OUT",
        help="file to write, its format by its suffix (facegen formats); may be given several times",
    )
    option.missing_remedy = "give at least one file to write, such as -o take.csv"  # type: ignore[attr-defined]
    command.params.append(option)
    return command


def report_options(command: click.Command) -> click.Command:
    """Adds ``--quiet`` and ``--json``."""
    command.params.append(click.Option(["--quiet"], is_flag=True, help="print nothing but errors"))
    command.params.append(
        click.Option(["--json", "as_json"], is_flag=True, help="print progress and result as JSON lines")
    )
    return command


def example(line: str) -> str:
    """The epilog of a command's help."""
    return f"\b\nExample: {line}"


def need(condition: bool, name: str, reason: str, remedy: str) -> None:
    if not condition:
        raise UsageError(reason, path=name, remedy=remedy)
