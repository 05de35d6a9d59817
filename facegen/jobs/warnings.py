"""What facegen logs as warnings while a job runs, kept for whoever asked for the job."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager


class _Notes(logging.Handler):
    def __init__(self, notes: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self._notes.append(record.getMessage())


@contextmanager
def collect_warnings(notes: list[str]) -> Iterator[list[str]]:
    """Within the block warnings are added to ``notes``."""
    listener = _Notes(notes)
    logging.getLogger("facegen").addHandler(listener)
    try:
        yield notes
    finally:
        logging.getLogger("facegen").removeHandler(listener)
