"""The only writer of files, and bounded reads of files that nobody vouches for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from facegen.errors import FacegenError, InputError, OutputError

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
            dir=target.parent, prefix=f".{target.stem[:40]}-", suffix=target.suffix
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


def write_atomic(path: str | os.PathLike, content: bytes | Iterable[bytes]) -> None:
    """Write ``content`` (bytes, or chunks of them) to ``path``, whole or not at all."""
    chunks = (content,) if isinstance(content, bytes | bytearray | memoryview) else content
    with atomic_path(path) as temporary, open(temporary, "wb") as out:
        for chunk in chunks:
            out.write(chunk)


def write_files(folder: str | os.PathLike, files: dict[str, bytes | Iterable[bytes]]) -> list[Path]:
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
            return file.read(limit + 1)
    except (OSError, ValueError) as fault:
        reason = getattr(fault, "strerror", None) or str(fault)
        raise error(
            f"can't be read ({reason.lower()})", path=path, remedy="check the name and its permissions"
        ) from fault


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
