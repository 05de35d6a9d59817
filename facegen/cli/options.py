"""Command-line options made from the fields of a config class: its names, defaults and help."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, fields
from typing import Any

import click

from facegen.cli.report import Reporter
from facegen.core.errors import UsageError, nearest
from facegen.core.errors import blame as blame
from facegen.core.options import REQUIRED
from facegen.core.options import flag_of as flag_of
from facegen.jobs import load_job
from facegen.jobs.settings import convert, is_switch, known_fields, type_name
from facegen.jobs.settings import need as need
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


class OptionType(click.ParamType):
    """The type of one field, which tables and requests are read by too."""

    def __init__(self, field: Field) -> None:
        self._field = field
        self.name = type_name(field)

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return convert(value, self._field)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def option_of(field: Field, unset: str = "") -> click.Option:
    """The option of one field: ``upper_face`` is ``--upper-face``; a switch that is on is turned off by ``--no-…``.

    Where ``unset`` says what holds without the option, it has no default but None.
    """
    text, name = field.metadata["help"], field.metadata["name"] or field.name
    if is_switch(field):
        flag = flag_of(f"no_{name}" if field.default else name)
        text = f"no {text}" if field.default else text
        return click.Option(
            [flag, field.name], is_flag=True, flag_value=not field.default, default=field.default, help=text
        )
    required = field.default is REQUIRED
    default = None if unset or required else field.default
    if unset or default is not None:
        usual = ",".join(default) if isinstance(default, tuple) else default
        text = f"{text}  [default: {unset or usual}]"
    return click.Option(
        [flag_of(name), field.name],
        type=OptionType(field),
        **({"required": True} if required else {"default": default}),  # click takes None for a value
        metavar=field.metadata["metavar"],
        help=text,
    )


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
        for line in done.lines:
            report.line(line)
        paths = outputs if done.outputs is None else done.outputs
        if done.animation is not None:
            report.written(paths, done.animation, done.notes, done.facts)
    if done.failure:
        raise done.failure


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


def plot_outputs(plot: str | None) -> list[str]:
    """The outputs that ``--plot`` gives. Raises UsageError for what is no picture."""
    if plot is None:
        return []
    from facegen.jobs.reports import PLOTS  # with the writer of files, which --help does without

    remedy = "use " + " or ".join(PLOTS)
    need(plot.lower().endswith(PLOTS), plot, "is no picture that can be drawn", remedy)
    return [plot]


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
