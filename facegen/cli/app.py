"""The table of commands, each imported when it is called, and the way from any failure to one line and a code."""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType

import click

from facegen import __version__
from facegen.cli.options import NamedGroup
from facegen.cli.report import error_event, own_streams, warn_line
from facegen.core.errors import INTERRUPTED, FacegenError, UsageError, nearest
from facegen.core.registry import load_object

COMMANDS: dict[str, tuple[str, str]] = {
    "animate": ("facegen.cli.animate:animate", "Speech to curves, animated mesh and video."),
    "render": ("facegen.cli.render:render", "An animation to a video or pictures."),
    "converse": ("facegen.cli.converse:converse", "A conversation to one take a speaker."),
    "edit": ("facegen.cli.edit:edit", "One span of a take solved again; the rest stays as it is."),
    "stream": ("facegen.cli.stream:stream", "Live speech to a program that plays the face."),
    "retarget": ("facegen.cli.retarget:retarget", "An animation on the controls of another rig."),
    "portrait": ("facegen.cli.portrait:portrait", "A photo that speaks, as a video."),
    "keys": ("facegen.cli.keys:keys", "A take as few keys on a character's own shapes, for editors."),
    "track": ("facegen.cli.track:track", "The face in a video to curves."),
    "convert": ("facegen.cli.convert:convert", "An animation from one file format to another."),
    "batch": ("facegen.cli.batch:batch", "Many clips in one run that can be taken up again."),
    "serve": ("facegen.cli.serve:serve", "Sounds in, takes out, over HTTP."),
    "inspect": ("facegen.cli.inspect:inspect", "What is in a sound, an animation or a rig."),
    "evaluate": (
        "facegen.cli.evaluate:evaluate",
        "How an animation compares with a reference, by name and unit.",
    ),
    "emotion": ("facegen.cli.emotion:emotion", "The emotion in a sound, a text or a video, over time."),
    "check": ("facegen.cli.check:check", "What is wrong with an animation or a sound."),
    "rig": ("facegen.cli.rigs:rig", "List, show and check rigs."),
    "emotions": ("facegen.cli.listings:emotions", "The emotions that can be named."),
    "styles": ("facegen.cli.listings:styles", "The ways of speaking and moving that can be named."),
    "formats": ("facegen.cli.listings:formats", "The file formats read and written."),
    "models": ("facegen.cli.listings:models", "The speech encoders, decoders and shipped weights."),
    "licenses": ("facegen.cli.listings:licenses", "Licence and origin of each shipped weight and rig."),
    "doctor": ("facegen.cli.doctor:doctor", "What works on this machine, and what to install for the rest."),
}
INTERNAL, OUT_OF_MEMORY = 5, 3


class LazyGroup(NamedGroup):
    """A group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return load_object(COMMANDS[name][0]) if name in COMMANDS else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    help="Speech, and the emotion in it or asked for, to facial animation.",
    epilog="\b\nExample: facegen animate speech.wav -o take.csv -o take.mp4",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="facegen", message="%(prog)s %(version)s")
@click.pass_context
def app(ctx: click.Context) -> None:
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
        raise UsageError("no command is given", remedy="run facegen COMMAND --help for one of those above")


def run(argv: list[str]) -> int:
    """Run one command line; returns its exit code. Failures become one line on stderr, never a traceback."""
    as_json = "--json" in argv
    with own_streams(), _terminate_as_interrupt():
        try:
            with app.make_context("facegen", list(argv)) as ctx:
                app.invoke(ctx)
            sys.stdout.flush()
            return 0
        except (click.exceptions.Exit, SystemExit) as done:
            code = getattr(done, "exit_code", getattr(done, "code", 0))
            return code if isinstance(code, int) else INTERNAL
        except (KeyboardInterrupt, EOFError, click.exceptions.Abort):
            return _fail(FacegenError("interrupted"), INTERRUPTED, as_json)
        except BaseException as error:  # the last border: nothing may pass it as a traceback
            return _answer(error, argv, as_json)


def _answer(error: BaseException, argv: list[str], as_json: bool) -> int:
    if isinstance(error, OSError) and error.errno == errno.EPIPE:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    if os.environ.get("FACEGEN_DEBUG"):
        traceback.print_exception(error)
    if isinstance(error, click.ClickException):
        error = _usage(error, argv)
    if isinstance(error, FacegenError):
        return _fail(error, error.exit_code, as_json)
    if isinstance(error, MemoryError):
        remedy = "use a shorter --duration or close other programs"
        return _fail(FacegenError("the memory is not enough", remedy=remedy), OUT_OF_MEMORY, as_json)
    reason = f"internal error ({type(error).__name__}: {error})"
    remedy = "please report it; set FACEGEN_DEBUG=1 for the traceback"
    return _fail(FacegenError(reason, remedy=remedy), INTERNAL, as_json)


def _fail(error: FacegenError, code: int, as_json: bool) -> int:
    if as_json:
        error_event(error, code)
    warn_line(f"facegen: {error}")
    return code


def _usage(error: click.ClickException, argv: list[str]) -> UsageError:
    """The same complaint with the option or argument at its head and a remedy."""
    ctx = getattr(error, "ctx", None)
    called = ctx.command_path if ctx else " ".join(["facegen", *argv[:1]])
    remedy = f"see {called} --help"
    if isinstance(error, click.NoSuchOption) and ctx:
        names = [flag for p in ctx.command.get_params(ctx) for flag in (*p.opts, *p.secondary_opts)]
        known = [flag for flag in names if flag.startswith("--")]
        return UsageError(
            "no such option", path=error.option_name, remedy=nearest(error.option_name, known, 1)
        )
    if isinstance(error, click.MissingParameter) and error.param:
        hint = getattr(error.param, "missing_remedy", "") or remedy
        return UsageError("is missing", path=_name_of(error.param), remedy=hint)
    if isinstance(error, click.BadOptionUsage):
        reason = "takes no value" if "does not take" in error.message else "needs a value"
        return UsageError(reason, path=error.option_name, remedy=remedy)
    if isinstance(error, click.BadParameter) and error.param:
        return UsageError(error.message.rstrip("."), path=_name_of(error.param), remedy=remedy)
    text = error.format_message().rstrip(".")
    return UsageError(text[:1].lower() + text[1:], remedy=remedy)


def _name_of(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Argument):
        return (parameter.metavar or parameter.name or "").strip("[].").upper()
    return parameter.opts[0]


class _terminate_as_interrupt:
    """Within the block a request to end the process unwinds it, so that temporary files are removed."""

    def __enter__(self) -> None:
        self.before: Callable | int | None = None
        if threading.current_thread() is threading.main_thread():
            self.before = signal.signal(signal.SIGTERM, self._raise)

    @staticmethod
    def _raise(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        if self.before is not None:
            signal.signal(signal.SIGTERM, self.before)
