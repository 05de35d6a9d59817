"""The command ``facegen``."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from facegen.core.errors import INTERRUPTED
from facegen.core.memory import limit_heap
from facegen.core.threads import REPRODUCIBLE_ENVIRONMENT


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the command line ``argv`` (that of the process by default) and end the process with its exit code."""
    for name, value in REPRODUCIBLE_ENVIRONMENT.items():  # before NumPy is loaded
        os.environ.setdefault(name, value)
    limit_heap()
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
