"""Phones in time, the classes that look alike on the lips, and the frame features an encoder gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from facegen.core.errors import AlignmentError
from facegen.core.units import FEATURE_HZ

SILENCE = "SIL"
ARPABET = (
    "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH",
    "K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH",
)  # fmt: skip
LABELS = (SILENCE, *ARPABET)
"""The phone classes of the speech encoder, in the order of its output columns."""
BILABIALS = ("P", "B", "M")
LABIODENTALS = ("F", "V")
FEATURE_BANDS = 16
VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")
OPEN_VOWELS = ("AA", "AE", "AO", "AH", "AW", "AY")


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone: ``label`` of ``LABELS`` from ``start`` to ``end`` seconds."""

    start: float
    end: float
    label: str

    def __post_init__(self) -> None:
        if not (0 <= self.start < self.end < float("inf")):
            raise AlignmentError(
                f"the phone {self.label} from {self.start} s to {self.end} s is empty or reversed"
            )
        if self.label not in LABELS:
            raise AlignmentError(
                f"{self.label!r} is not an ARPAbet phone", remedy="known: " + " ".join(LABELS)
            )


@dataclass(frozen=True)
class PhoneTrack:
    """Phones in order, not overlapping; gaps are silence. Raises AlignmentError for overlaps."""

    phones: tuple[Phone, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "phones", tuple(self.phones))
        for before, after in zip(self.phones, self.phones[1:], strict=False):
            if after.start < before.end - 1e-6:
                raise AlignmentError(
                    f"the phones {before.label} and {after.label} overlap at {after.start:.3f} s",
                    remedy="mend the alignment so that each phone starts where the one before ends",
                )

    def __len__(self) -> int:
        return len(self.phones)

    def __iter__(self) -> Iterator[Phone]:
        return iter(self.phones)

    def frames(self, count: int) -> np.ndarray:
        """The label index of each feature frame by its middle, [count] int16 at FEATURE_HZ."""
        rows = np.zeros(count, np.int16)
        for phone in self.phones:
            first, last = (max(0, round(t * FEATURE_HZ)) for t in (phone.start, phone.end))
            rows[first:last] = LABELS.index(phone.label)
        return rows

    @classmethod
    def from_frames(cls, labels: Iterable[int]) -> PhoneTrack:
        """Runs of equal label indices at FEATURE_HZ as phones; silence is left out."""
        rows = np.asarray(list(labels) if not isinstance(labels, np.ndarray) else labels)
        if len(rows) == 0:
            return cls()
        edges = np.flatnonzero(np.diff(rows)) + 1
        starts, ends = np.r_[0, edges], np.r_[edges, len(rows)]
        return cls(
            tuple(
                Phone(int(a) / FEATURE_HZ, int(b) / FEATURE_HZ, LABELS[int(rows[a])])
                for a, b in zip(starts, ends, strict=True)
                if rows[a] != 0
            )
        )


@dataclass(frozen=True, eq=False)
class Features:
    """What an encoder hears, at FEATURE_HZ; frame f covers [f/100, (f+1)/100) s.

    ``posteriors`` [F, 40] probabilities of ``LABELS`` (rows sum to 1), float16 from an encoder, so that hours of them
    are small; ``energy`` [F] dB below full scale;
    ``pitch`` [F] Hz, 0 where unvoiced; ``bottleneck`` [F, D] or None; ``bands`` [F, FEATURE_BANDS] float16, log-mel in
    broad bands, or None.
    """

    posteriors: np.ndarray
    energy: np.ndarray
    pitch: np.ndarray
    bottleneck: np.ndarray | None = None
    rate: int = field(default=FEATURE_HZ)
    bands: np.ndarray | None = None

    def __post_init__(self) -> None:
        count = len(self.energy)
        if self.posteriors.shape != (count, len(LABELS)) or self.pitch.shape != (count,):
            raise AlignmentError(
                f"features disagree: posteriors {self.posteriors.shape}, energy {self.energy.shape}, "
                f"pitch {self.pitch.shape}; expected [F, {len(LABELS)}], [F], [F]"
            )

    def __len__(self) -> int:
        return len(self.energy)

    def part(self, first: int, last: int) -> Features:
        """The frames ``first`` to ``last - 1``."""
        deep, bands = (None if x is None else x[first:last] for x in (self.bottleneck, self.bands))
        posteriors, energy, pitch = (x[first:last] for x in (self.posteriors, self.energy, self.pitch))
        return Features(posteriors, energy, pitch, deep, self.rate, bands)

    @property
    def speech(self) -> np.ndarray:
        """Probability that a frame is speech, [F]."""
        return 1.0 - self.posteriors[:, 0].astype(np.float32)
