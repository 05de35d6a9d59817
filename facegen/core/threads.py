"""Work on pieces side by side: the same result, bit for bit, with any number of threads.

Libraries that split one sum among threads give other last bits with another number of them; so each piece is computed
by one thread, and threads share out the pieces. FACEGEN_THREADS sets their number (a worker of a batch has one).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar

REPRODUCIBLE_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
"""For the environment of processes of our own: NumPy's products then have the same bits on any machine."""
A = TypeVar("A")
B = TypeVar("B")
USUAL, MOST = 2, 64


def thread_count() -> int:
    """Threads for heavy work: FACEGEN_THREADS, or two."""
    text = os.environ.get("FACEGEN_THREADS", "")
    return min(MOST, max(1, int(text))) if text.isdecimal() else USUAL


def run_parallel(function: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """``function`` of each of ``items``, in their order. It must not call this again."""
    pieces = list(items)
    if len(pieces) < 2 or thread_count() < 2:
        return [function(piece) for piece in pieces]
    return list(_pool(thread_count()).map(function, pieces))


@lru_cache(maxsize=4)
def _pool(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="facegen")
