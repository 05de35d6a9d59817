"""The command ``facegen``."""

from __future__ import annotations

import sys
from typing import NoReturn


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line ``argv`` (that of the process by default) and end the process with its exit code."""
    try:
        from facegen.cli.app import run

        sys.exit(run(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:
        sys.exit(130)
