"""Readers of other people's libraries, tried in a process of their own: a broken file may end that, or never let it end."""

from __future__ import annotations

import json
import subprocess
import sys
from os import PathLike, fspath
from pathlib import Path

from facegen.core.errors import FacegenError

SECONDS = 60.0
MEGABYTES = 4000
CHILD = """
import json, sys
from importlib import import_module
from pathlib import Path
sys.path[:] = json.loads(sys.argv[1])
try:
    import resource
    resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[4]) << 20, resource.RLIM_INFINITY))
except (ImportError, ValueError, OSError):
    pass
module, name = sys.argv[2].split(":")
from facegen.core.errors import FacegenError
try:
    getattr(import_module(module), name)(Path(sys.argv[3]))
except FacegenError:
    pass
"""


def try_in_sandbox(reader: str, path: str | PathLike, error: type[FacegenError], remedy: str) -> None:
    """Read a file in another process first, where a reader written in C might crash.

    What the reader refuses with an error of ours is left to the caller.

    Parameters
    ----------
    reader : str
        The ``module:function`` that reads a path.
    path : str or path
        The file.
    error : type of FacegenError
        Raised where the other process breaks off or takes longer than SECONDS.
    remedy : str
        What that error advises.
    """
    if "python" not in Path(sys.executable or "").name.lower():  # within another program
        return
    words = [sys.executable, "-c", CHILD, json.dumps(sys.path), reader, fspath(path), str(MEGABYTES)]
    try:
        done = subprocess.run(words, capture_output=True, stdin=subprocess.DEVNULL, timeout=SECONDS)
    except subprocess.TimeoutExpired as fault:
        raise error(f"takes longer than {SECONDS:g} s to read", path=path, remedy=remedy) from fault
    except OSError:  # no other process can be started here
        return
    if done.returncode:
        raise error("is broken in a way that no reader survives", path=path, remedy=remedy)
