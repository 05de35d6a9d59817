"""The only writer of files, and bounded reads of files that nobody vouches for."""

from __future__ import annotations

import glob
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Any

from facegen.core.errors import FacegenError, InputError, OutputError

MAX_TEXT_BYTES = 512 * 2**20


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary name beside ``path`` that replaces it when the block ends well, and vanishes when not.

    Raises OutputError where the folder is missing or refuses, the disk is full, or ``path`` is a folder.
    """
    target = Path(path)
    if os.path.isdir(target):
        raise OutputError("is a folder, not a file", path=path, remedy="give a file name")
    try:
        handle, temporary = tempfile.mkstemp(
            dir=target.parent, prefix=_temporary_prefix(target), suffix=target.suffix
        )
        os.close(handle)
    except OSError as error:
        raise _output_error(error, path) from error
    try:
        yield Path(temporary)
        _settle(temporary, target)
    except OSError as error:
        raise _output_error(error, path) from error
    finally:
        if os.path.exists(temporary):
            os.unlink(temporary)


def _temporary_prefix(target: Path) -> str:
    return f".{target.stem[:40]}-"


def drop_unfinished(path: str | os.PathLike) -> None:
    """Remove what a killed process left of ``path`` under temporary names. Only for a file that nobody writes now."""
    target = Path(path)
    for left in target.parent.glob(f"{glob.escape(_temporary_prefix(target))}*{glob.escape(target.suffix)}"):
        left.unlink(missing_ok=True)


def _settle(temporary: str, target: Path) -> None:
    with open(temporary, "rb") as done:
        os.fsync(done.fileno())
    mask = os.umask(0)
    os.umask(mask)
    os.chmod(temporary, 0o666 & ~mask)
    os.replace(temporary, target)


def _output_error(error: OSError, path: str | os.PathLike) -> OutputError:
    reason = (error.strerror or str(error)).lower()
    return OutputError(
        f"can't be written ({reason})", path=path, remedy="choose a folder that exists and can be written to"
    )


Content = bytes | Iterable[bytes]


def write_atomic(path: str | os.PathLike, content: Content) -> None:
    """Write ``content`` (bytes, or chunks of them) to ``path``, whole or not at all."""
    chunks = (content,) if isinstance(content, bytes | bytearray | memoryview) else content
    with atomic_path(path) as temporary, open(temporary, "wb") as out:
        for chunk in chunks:
            out.write(chunk)


def write_files(folder: str | os.PathLike, files: Mapping[str, Content]) -> list[Path]:
    """Write named files into ``folder``; names that would leave it are refused."""
    written = []
    for name, content in files.items():
        path = Path(folder) / safe_name(name)
        write_atomic(path, content)
        written.append(path)
    return written


def make_folder(path: str | os.PathLike) -> Path:
    """Create ``path`` as a folder where it is missing; OutputError where that fails."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _output_error(error, path) from error
    return Path(path)


class Log:
    """A file that lines are only ever added to; ``write`` returns when the line is on the disk.

    Raises OutputError where it can't be opened or written; a line that could not be written whole is taken back.
    """

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = path
        try:
            self._file = open(path, "ab", buffering=0)
        except OSError as error:
            raise _output_error(error, path) from error

    def write(self, line: bytes, *, sync: bool = True) -> None:
        """Append a line; ``sync`` waits until the disk has it. OutputError where it can't be written whole."""
        end = self._file.tell()
        try:
            if self._file.write(line) != len(line):
                self._file.truncate(end)
                raise OutputError("can't be written whole", path=self.path, remedy="free space on the disk")
            if sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise _output_error(error, self.path) from error

    def cut(self, length: int) -> None:
        """Forget all that stands after the first ``length`` bytes."""
        try:
            os.truncate(self.path, length)
        except OSError as error:
            raise _output_error(error, self.path) from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@contextmanager
def locked(path: str | os.PathLike, holder: str, shown: str | os.PathLike) -> Iterator[None]:
    """Hold a file for this process alone.

    The system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    path : str or path
        The file that is locked.
    holder : str
        What it says to others about who holds it.
    shown : str or path
        What the message names where another process holds it.

    Raises
    ------
    OutputError
        Where another process holds it, or it can't be written.
    """
    try:
        file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise _output_error(error, path) from error
    with file:
        if not _take(file):
            file.seek(0)
            other = " ".join(file.read(500).split()) or "another process"
            raise OutputError(f"is in use by {other}", path=shown, remedy="wait until it ends")
        file.truncate(0)
        file.write(holder + "\n")
        file.flush()
        yield


def _take(file: Any) -> bool:
    """Lock an open file if nobody else holds it."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def publish(staged: str | os.PathLike, folder: str | os.PathLike) -> None:
    """Move everything in the folder ``staged`` to the same names in ``folder``, each file or folder whole.

    Both must be on one file system; what has the name is replaced. Raises OutputError where that fails.
    """
    source, target = Path(staged), make_folder(folder)
    try:
        for entry in sorted(source.iterdir()):
            place = target / entry.name
            if entry.is_dir():
                if entry.suffix:  # a folder that is one output
                    shutil.rmtree(place, ignore_errors=True)
                    os.replace(entry, place)
                else:
                    publish(entry, place)
            else:
                os.replace(entry, place)
        _sync_folder(target)
    except OSError as error:
        raise _output_error(error, folder) from error


def _sync_folder(folder: Path) -> None:
    if os.name != "nt":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextmanager
def scratch(parent: str | os.PathLike, name: str) -> Iterator[Path]:
    """An empty folder ``name`` in ``parent``, gone with all it holds when the block ends."""
    path = Path(parent) / safe_name(name)
    remove_tree(path)
    try:
        yield make_folder(path)
    finally:
        remove_tree(path)


def remove_tree(path: str | os.PathLike) -> None:
    """Remove a folder and all it holds, as far as that is possible."""
    shutil.rmtree(path, ignore_errors=True)


def tree_files(path: str | os.PathLike) -> list[Path]:
    """The files in the folder ``path`` and its folders, sorted; ``path`` itself where it is a file."""
    root = Path(path)
    return [root] if root.is_file() else sorted(entry for entry in root.rglob("*") if entry.is_file())


def checksum(path: str | os.PathLike) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder. InputError where it can't be read."""
    total = sha256()
    try:
        for file in tree_files(path):
            with open(file, "rb") as opened:
                while block := opened.read(1 << 20):
                    total.update(block)
            if file != Path(path):
                total.update(file.relative_to(path).as_posix().encode("utf-8", "surrogateescape") + b"\0")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"can't be read ({reason})", path=path, remedy="check its permissions") from error
    return total.hexdigest()


def open_growing(path: str | os.PathLike) -> IO[str]:
    """A new text file that others may read while it grows; OutputError where ``path`` can't be written."""
    if os.path.isdir(path):
        raise OutputError("is a folder, not a file", path=path, remedy="give a file name")
    try:
        return open(path, "w", encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        fault = error if isinstance(error, OSError) else OSError(0, str(error))
        raise _output_error(fault, path) from error


def check_writable(path: str | os.PathLike) -> None:
    """Raise OutputError now if ``path`` could not be written later; leaves nothing behind."""
    folder = Path(path).parent
    if os.path.isdir(path):
        raise OutputError("is a folder, not a file", path=path, remedy="give a file name")
    if not os.path.isdir(folder):
        raise OutputError(f"the folder {folder} does not exist", path=path, remedy="create it first")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".facegen-"):
            pass
    except OSError as error:
        raise _output_error(error, path) from error


def read_bytes(
    path: str | os.PathLike,
    *,
    limit: int = MAX_TEXT_BYTES,
    error: Callable[..., FacegenError] = InputError,
) -> bytes:
    """All of a file of at most ``limit`` bytes; ``error`` is the class raised for what can't be read."""
    name = Path(path)
    try:
        if name.is_dir():
            raise error("is a folder, not a file", path=path, remedy="give a file name")
        if not name.exists():
            raise error("no such file", path=path, remedy="check the name and the folder")
        size = name.stat().st_size
        if size > limit:
            raise error(f"is too large ({size} bytes; at most {limit})", path=path, remedy="split it")
        with open(name, "rb") as file:
            return b"".join(_pieces(file, limit + 1))
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise error(
            f"can't be read ({reason.lower()})", path=path, remedy="check the name and its permissions"
        ) from fault


def _pieces(file: Any, most: int) -> Iterator[bytes]:
    """What ``file`` holds, up to ``most`` bytes; to ask for all at once would take the memory for ``most``."""
    while most > 0 and (piece := file.read(min(most, 1 << 24))):
        most -= len(piece)
        yield piece


def read_json(
    path: str | os.PathLike, *, limit: int = MAX_TEXT_BYTES, error: Callable[..., FacegenError] = InputError
) -> Any:
    """The value in a JSON file; ``error`` is the class raised for what holds none."""
    try:
        return json.loads(read_text(path, limit=limit, error=error))
    except RecursionError as fault:
        raise error("is nested too deeply", path=path, remedy="mend the file") from fault
    except ValueError as fault:
        raise error(f"is no JSON ({fault})", path=path, remedy="mend the file") from fault


def read_text(
    path: str | os.PathLike, *, limit: int = MAX_TEXT_BYTES, error: Callable[..., FacegenError] = InputError
) -> str:
    """The text of a UTF-8 or UTF-16 (with byte order mark) file."""
    raw = read_bytes(path, limit=limit, error=error)
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as fault:
        raise error("is not text (UTF-8)", path=path, remedy="save it as UTF-8 text") from fault


def safe_name(name: str) -> str:
    """``name`` if it stays inside a folder when joined to it; InputError if not."""
    plain = name.replace("\\", "/")
    parts = PurePosixPath(plain).parts
    bad = not parts or plain.startswith("/") or ".." in parts or ":" in parts[0]
    if bad or any(ord(c) < 32 for c in name):
        raise InputError(f"the name {name!r} leaves its folder", remedy="use a plain file name")
    return plain
