"""Sound that comes in pieces, worked on in blocks at fixed places: how it was cut changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from facegen.core.threads import run_parallel

_ZERO = np.zeros((), np.float32)


class BlockBuffer:
    """Applies ``function`` to blocks of ``size`` entries with ``context`` entries before and after them.

    Before the start and after the end lies ``pad``. ``function`` drops the context and gives a row of shape
    ``row`` for each ``hop`` entries.
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        context: tuple[int, int],
        size: int,
        hop: int,
        pad: np.ndarray = _ZERO,
        row: tuple[int, ...] = (),
    ) -> None:
        self._function, self._size, self._hop, self._pad = function, size, hop, pad
        self._before, self._after = context
        self._whole = self._before + size + self._after
        self.none = np.zeros((0, *row), np.float32)
        self._held = self._padding(self._before)

    def _padding(self, count: int) -> np.ndarray:
        return np.broadcast_to(self._pad, (count, *self._pad.shape)).astype(np.float32)

    def push(self, entries: np.ndarray) -> np.ndarray:
        held = np.concatenate([self._held, entries])
        count = max(0, (len(held) - self._whole) // self._size + 1)
        rows = self._apply(held, count)
        self._held = held[count * self._size :].copy()
        return rows

    def close(self) -> np.ndarray:
        rest = len(self._held) - self._before
        held = np.concatenate([self._held, self._padding(-rest % self._hop + self._after)])
        return self._apply(held, -(-rest // self._size) if rest > 0 else 0)

    def _apply(self, held: np.ndarray, count: int) -> np.ndarray:
        """The rows of the first ``count`` blocks of ``held``."""
        starts = range(0, count * self._size, self._size)
        windows = [held[start : start + self._whole] for start in starts]
        return np.concatenate([self.none, *run_parallel(self._function, windows)])
