"""Where the outputs of a batch go: a folder, or a URL that fsspec understands."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from facegen.core.errors import FacegenError, MissingExtraError, OutputError, UsageError
from facegen.core.files import checksum, publish, scratch, tree_files

STATE = ".facegen"


def is_url(text: str) -> bool:
    return "://" in text


def storage_for(target: str) -> Storage:
    """The place that ``target`` names: a folder's path or a URL."""
    return UrlStorage(target.rstrip("/")) if is_url(target) else FolderStorage(os.path.abspath(target))


@dataclass(frozen=True)
class FolderStorage:
    """A folder of this machine, or one that all machines share."""

    path: str

    def exists(self) -> bool:
        return os.path.isdir(self.path)

    @contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        """A folder for unfinished files on the same file system."""
        if not self.exists():
            raise OutputError(
                "the output folder is gone", path=self.path, remedy="restore it, then use --resume"
            )
        with scratch(os.path.join(self.path, STATE, "parts"), name) as folder:
            yield folder

    def receive(self, folder: Path) -> None:
        """Give the finished files in ``folder`` their names here."""
        publish(folder, self.path)

    def holds(self, outputs: Mapping[str, Any]) -> bool:
        """Whether each of the files (path: [sha256, bytes]) is here as it was written."""
        for name, (mark, size) in outputs.items():
            path = os.path.join(self.path, name)
            if not os.path.isfile(path) or os.path.getsize(path) != size or checksum(path) != mark:
                return False
        return bool(outputs)

    def plainly(self, error: FacegenError) -> FacegenError:
        """``error`` with the name that a file was to get in place of the one that it had aside."""
        parts = os.path.join(self.path, STATE, "parts") + os.sep
        if error.path and error.path.startswith(parts):
            error.path = os.path.join(self.path, *Path(error.path[len(parts) :]).parts[1:])
        return error


@dataclass(frozen=True)
class UrlStorage:
    """A store that fsspec reaches (``s3://bucket/takes``, ``gs://…``, ``file:///…``): files are uploaded when whole."""

    url: str

    def _system(self) -> tuple[Any, str]:
        try:
            import fsspec
        except ImportError as error:
            raise MissingExtraError("fsspec", "batch", "Writing to a URL") from error
        try:
            return fsspec.core.url_to_fs(self.url)
        except (ValueError, ImportError) as error:
            raise UsageError(
                f"can't be written to ({error})", path=self.url, remedy="see fsspec's list"
            ) from error

    def exists(self) -> bool:
        return True

    @contextmanager
    def aside(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix=f"facegen-{name}-") as folder:
            yield Path(folder)

    def receive(self, folder: Path) -> None:
        system, root = self._system()
        try:
            for file in tree_files(folder):
                target = f"{root}/{file.relative_to(folder).as_posix()}"
                system.makedirs(target.rpartition("/")[0], exist_ok=True)
                system.put_file(str(file), target + ".part")
                system.mv(target + ".part", target)
        except Exception as error:  # each store has its own errors
            raise OutputError(
                f"can't be written ({type(error).__name__}: {str(error)[:200]})", path=self.url
            ) from error

    def holds(self, outputs: Mapping[str, Any]) -> bool:
        system, root = self._system()
        try:
            return bool(outputs) and all(
                _url_checksum(system, f"{root}/{name}") == mark for name, (mark, _) in outputs.items()
            )
        except Exception:  # each store has its own errors; what can't be read is not there
            return False

    def plainly(self, error: FacegenError) -> FacegenError:
        return error


Storage = FolderStorage | UrlStorage


def _url_checksum(system: Any, path: str) -> str:
    total = sha256()
    with system.open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
