"""The command ``facegen``."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from facegen.core.errors import INTERRUPTED
from facegen.core.memory import keep_little
from facegen.core.threads import BYTES_ALIKE


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line ``argv`` (that of the process by default) and end the process with its exit code."""
    for name, value in BYTES_ALIKE.items():  # before NumPy is loaded
        os.environ.setdefault(name, value)
    keep_little()
    try:
        from facegen.cli.app import run

        words = sys.argv[1:] if argv is None else argv
        code = run(words)
        if code == INTERRUPTED and words[:1] == ["stream"]:
            sys.stdout.flush()
            os._exit(code)  # all is closed; taking the interpreter down would make a live program wait
        sys.exit(code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
