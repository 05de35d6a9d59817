"""One tree of errors. Each names the input, what is wrong with it and what to do about it.

FacegenError (5: a fault of ours)
├── UsageError (2)
├── InputError (3)
│   ├── AudioError · VideoError · RigError · AnimationFileError · ImageError · ConfigError · ModelError · AlignmentError
├── OutputError (4)
├── JobError (1)
└── MissingExtraError · MissingSystemError (6)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from os import PathLike, fspath

INTERRUPTED = 130
"""What the command line returns after Ctrl-C."""


class FacegenError(Exception):
    """Base of all failures; ``str()`` is one line: ``path: reason; remedy``.

    Parameters
    ----------
    reason : str
        What is wrong.
    path : str or path, optional
        The file or option at fault.
    remedy : str, optional
        What to do about it; by default ``usual_remedy`` of the class.

    Attributes
    ----------
    exit_code : int
        What the command line returns.
    """

    exit_code = 5
    usual_remedy = ""
    """What to do about errors of this class that say nothing more particular."""

    def __init__(self, reason: str, *, path: str | PathLike | None = None, remedy: str = "") -> None:
        self.path = None if path is None else fspath(path)
        self.reason = " ".join(str(reason).split())
        self.remedy = " ".join((remedy or self.usual_remedy).split())
        super().__init__(self.reason)

    def __str__(self) -> str:
        text = self.reason if self.path is None else f"{printable(self.path)}: {self.reason}"
        return f"{text}; {self.remedy}" if self.remedy else text

    def at(self, path: str | PathLike) -> FacegenError:
        """The same error with ``path`` filled in where it was not known."""
        if self.path is None:
            self.path = fspath(path)
        return self


class UsageError(FacegenError):
    """Wrong usage: an unknown name, an option or argument that makes no sense. Exit code 2."""

    exit_code = 2
    usual_remedy = "see the command's --help"


class InputError(FacegenError):
    """Bad input: a file that is missing, damaged or not what it should be. Exit code 3."""

    exit_code = 3
    usual_remedy = "mend the file or give another"


class AudioError(InputError):
    """A sound that can't be read or animated."""

    usual_remedy = "record or export the sound again"


class VideoError(InputError):
    """A video that can't be read."""

    usual_remedy = "give another video"


class RigError(InputError):
    """A rig or a map between rigs that is broken."""

    usual_remedy = "mend the rig"


class AnimationFileError(InputError):
    """An animation or a take that is broken."""

    usual_remedy = "write the file again"


class ImageError(InputError):
    """A picture that can't be read or used."""

    usual_remedy = "give another picture"


class ConfigError(InputError):
    """A file of settings, a timeline or a manifest that is broken."""

    usual_remedy = "mend the file"


class ModelError(InputError):
    """A network's file that is no such model, or that fails to run."""

    usual_remedy = "give another model file"


class AlignmentError(InputError):
    """Phones or words in time that make no sense."""

    usual_remedy = "mend the alignment"


class OutputError(FacegenError):
    """Output that can't be written or sent. Exit code 4."""

    exit_code = 4
    usual_remedy = "choose another place to write to"


class JobError(FacegenError):
    """Some jobs of a batch failed. Exit code 1."""

    exit_code = 1


class MissingSystemError(FacegenError):
    """A library of the operating system is missing; the remedy is the line that installs it."""

    exit_code = 6


class MissingExtraError(FacegenError):
    """An optional package is not installed; the remedy is the command that installs it. Exit code 6.

    Parameters
    ----------
    package : str
        The package that is missing.
    extra : str
        The extra of facegen that brings it.
    what : str
        What needs it.
    """

    exit_code = 6

    def __init__(self, package: str, extra: str, what: str) -> None:
        super().__init__(
            f"{what} needs the package {package}, which is not installed",
            remedy=f'install it with: pip install "facegen[{extra}]"',
        )


@contextmanager
def blame(name: str) -> Iterator[None]:
    """Errors in the block that name no file are those of the option or argument ``name``."""
    try:
        yield
    except FacegenError as error:
        raise error.at(name) from error


def nearest(name: str, known: list[str] | tuple[str, ...], count: int = 3) -> str:
    """A remedy that names the known names closest to one that is unknown, or all of a short list.

    Parameters
    ----------
    name : str
        The unknown name.
    known : list or tuple of str
        The names that exist.
    count : int
        How many to name at most.
    """
    close = get_close_matches(name, known, n=count, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(close) + "?"
    shown = ", ".join(list(known)[:12])
    return f"known: {shown}" + (" …" if len(known) > 12 else "")


def printable(text: str) -> str:
    """``text`` on one line: control characters are shown escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
