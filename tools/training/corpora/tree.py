"""Folders of a corpus as it is published, and file names that say what was recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from facegen.core.errors import InputError
from tools.training.corpora.sample import absent, data_folder

LFS_POINTER = b"version https://git-lfs"


def corpus_folder(data: str | PathLike | None, name: str, source: str) -> Path:
    """The folder ``name`` in the folder of corpora. Raises InputError where it is absent."""
    folder = data_folder(data) / name
    if not folder.is_dir():
        raise absent(folder, source)
    return folder


def named_files(folder: Path, pattern: str, grammar: str, source: str) -> Iterator[tuple[Path, re.Match]]:
    """The files of ``folder`` like ``pattern``, sorted, each with the match of its path below ``folder``.

    Raises InputError where there is none, and for a name that ``grammar``, a regular expression, does not read.
    """
    count = 0
    for path in sorted(folder.glob(pattern)):
        if path.name.startswith("."):
            continue
        count += 1
        match = re.fullmatch(grammar, path.relative_to(folder).as_posix())
        if match is None:
            raise InputError(
                "has a name that does not follow the corpus' grammar",
                path=path,
                remedy=f"move it away or restore its name: {source}",
            )
        yield path, match
    if not count:
        raise InputError(f"holds no file like {pattern}", path=folder, remedy=f"get the corpus: {source}")


def check_fetched(path: Path) -> None:
    """Raises InputError where git left a pointer in place of a recording."""
    if path.stat().st_size < 1024:
        with open(path, "rb") as file:
            if file.read(len(LFS_POINTER)) == LFS_POINTER:
                raise InputError("is a Git LFS pointer, no recording", path=path, remedy="run: git lfs pull")


def if_there(path: Path) -> Path | None:
    return path if path.is_file() else None
