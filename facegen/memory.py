"""Memory that is handed back to the system as soon as it is free."""

from __future__ import annotations

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
LARGE = 256 * 1024  # bytes


def keep_little() -> None:
    """Let glibc's allocator keep no freed block of LARGE bytes or more in this process; elsewhere nothing happens.

    By itself it raises that limit as large arrays are freed, and an hour of sound then holds a third more.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    set_option(M_MMAP_THRESHOLD, LARGE)
    set_option(M_TRIM_THRESHOLD, 4 * LARGE)
