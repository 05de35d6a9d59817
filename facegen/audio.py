"""Sound: a value for samples in memory, and files of any kind read in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike

import numpy as np

from facegen.errors import AudioError


@dataclass(frozen=True, eq=False)
class Audio:
    """Mono samples [N] float32 in -1..1 at ``rate`` Hz; immutable and finite. Raises AudioError if not."""

    samples: np.ndarray
    rate: int

    def __post_init__(self) -> None:
        try:
            samples = np.array(self.samples, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise AudioError("the samples are not numbers") from error
        if samples.ndim != 1:
            raise AudioError(
                f"the samples have {samples.ndim} axes, expected [N]", remedy="mix down to one channel"
            )
        if not np.isfinite(samples).all():
            raise AudioError("a sample is not finite (NaN or infinity)", remedy="export the sound again")
        samples.flags.writeable = False
        object.__setattr__(self, "samples", samples)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate


class Sound:
    """A sound to be animated: read once, in blocks, at SAMPLE_RATE_HZ mono."""

    name: str
    duration: Fraction
    """Exact length in seconds; known once ``blocks`` has been read to its end."""

    def blocks(self) -> Iterator[np.ndarray]:
        """Consecutive blocks [n] float32 at SAMPLE_RATE_HZ; together they cover ``duration``."""
        raise AudioError("no sound")


def open_sound(
    source: str | PathLike | np.ndarray,
    *,
    rate: int | None = None,
    start: float = 0.0,
    duration: float | None = None,
) -> Sound:
    """The sound of a file, or of an array at ``rate`` Hz; only the given span of it."""
    raise AudioError("no sound")
