"""One broken input and what the command line must answer to it."""

from pathlib import Path
from typing import NamedTuple


class Case(NamedTuple):
    """``command`` is called with ``path`` (and ``options``); it must exit with ``exit_code`` and say ``says``."""

    name: str
    path: Path
    options: tuple[str, ...]
    exit_code: int
    says: str
    command: str = "animate"
