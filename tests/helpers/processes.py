"""Children of tests that are to be interrupted."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable


def _default_sigint() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


INTERRUPTIBLE: Callable[[], None] | None = None if os.name == "nt" else _default_sigint
"""``preexec_fn`` of a child that is sent Ctrl-C. A shell makes what it starts in the background ignore SIGINT, and
children inherit that."""
