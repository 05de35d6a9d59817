"""Memory that is handed back to the system: large arrays as soon as they are free, small ones after each step."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGE = 4 * 2**20
"""Bytes from which on a block is the system's own: smaller ones would cost more to ask for than to keep."""

PIECE = 2**14


def chunks(count: int) -> Iterator[slice]:
    """``count`` rows in runs of at most PIECE, so that intermediate arrays stay small however many there are.

    What they freed goes back to the system when all are done.
    """
    for first in range(0, count, PIECE):
        yield slice(first, min(first + PIECE, count))
    if count > PIECE:
        trim_heap()


def limit_heap() -> None:
    """Let glibc's allocator keep no freed block of LARGE bytes or more in this process; elsewhere nothing happens.

    By itself it raises that limit as large arrays are freed, and an hour of sound then holds a third more.
    """
    set_option = _of_glibc("mallopt")
    if set_option is not None:
        set_option(M_MMAP_THRESHOLD, LARGE)
        set_option(M_TRIM_THRESHOLD, 2 * LARGE)


def trim_heap() -> None:
    """Give the system what glibc's allocator keeps of small freed blocks; elsewhere nothing happens."""
    trim = _of_glibc("malloc_trim")
    if trim is not None:
        trim(0)


@lru_cache(maxsize=2)
def _of_glibc(name: str) -> Any:
    """A function of the C library; None where it is another one."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return getattr(ctypes.CDLL(None), name)
    except (OSError, AttributeError):
        return None
