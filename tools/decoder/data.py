"""Batches of pieces for the decoder: what was heard in one of the voices, and what the face did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from facegen.decoders.gestures import LEARNED_CONTROLS as CONTROLS
from facegen.decoders.learned import GESTURES, SPEAKER_DIMENSIONS, network_input, prosody_of, speech_gate
from facegen.decoders.rules import SMILE_SHARE, gestures_of
from facegen.decoders.tables import TARGETS
from facegen.phones import BILABIALS, LABELS, OPEN_VOWELS
from facegen.rig import ARKIT
from tools.decoder import net
from tools.decoder.pieces import FRAMES, VIDEO_FRAMES

SPEAKERS = ("s1", "s2", "s4", "s30", "s31", "s33", "facegood")
NOBODY = len(SPEAKERS)
_PLACES_SEED = 4
USUAL_GAP = 0.15  # to which the 95th percentile of a speaker's aperture is scaled
USUAL_WIDTH_DEVIATION = 0.030
REST_BELOW = 10  # percentile of a speaker's aperture that counts as closed


BEFORE, AFTER = net.LEFT + net.LEFT % 2, net.RIGHT + net.RIGHT % 2
"""Frames of silence around each piece, as the decoder has them around a sound."""


def places() -> np.ndarray:
    """Where each of SPEAKERS lies in the space of styles, and NOBODY in its middle, [S + 1, 4] float32."""
    rows = np.random.default_rng(_PLACES_SEED).normal(size=(len(SPEAKERS) + 1, SPEAKER_DIMENSIONS))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[NOBODY] = 0
    return rows.astype(np.float32)


@dataclass
class Pieces:
    """Rows of one corpus. ``who`` [N] index of SPEAKERS or NOBODY; what is unknown is NaN, or −1 for phones."""

    log: np.ndarray  # [N, K, 300, 40]
    prosody: np.ndarray  # [N, K, 300, 2]
    who: np.ndarray
    gap: np.ndarray  # [N, 75] at a usual size, closed is 0
    width: np.ndarray  # [N, 75] deviation from the speaker's usual width
    brow: np.ndarray  # [N, 75] in 0..1
    captured: np.ndarray  # [N, 75, C] of CONTROLS
    phones: np.ndarray  # [N, 300]
    name: np.ndarray


def grid(cache: Path) -> Pieces:
    data = _arrays(cache / "grid.npz")
    speakers = data["speaker"]
    gap, width = data["gap"].copy(), data["width"].copy()
    for speaker in np.unique(speakers):
        rows = speakers == speaker
        rest, high = np.percentile(gap[rows], (REST_BELOW, 95))
        gap[rows] = (gap[rows] - rest) * USUAL_GAP / (high - rest)
        width[rows] = (width[rows] - np.median(width[rows])) * USUAL_WIDTH_DEVIATION / width[rows].std()
    brow = data["brow"] - np.percentile(data["brow"], 20, axis=1, keepdims=True)
    count = len(gap)
    return Pieces(
        log=data["log"],
        prosody=data["prosody"],
        who=np.array([SPEAKERS.index(s) for s in speakers]),
        gap=gap,
        width=width,
        brow=np.clip(4 * brow, 0, 1).astype(np.float32),
        captured=np.full((count, VIDEO_FRAMES, len(CONTROLS)), np.nan, np.float32),
        phones=data["phones"],
        name=data["clip"],
    )


def facegood(cache: Path) -> Pieces:
    data = _arrays(cache / "facegood.npz")
    columns = [ARKIT.index(name) for name in CONTROLS]
    return _unseen(data, SPEAKERS.index("facegood"), data["take"], data["controls"][:, :, columns])


def readers(cache: Path) -> Pieces:
    data = _arrays(cache / "speech.npz")
    return _unseen(data, NOBODY, data["speaker"])


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


def _unseen(data: dict, who: int, name: np.ndarray, captured: np.ndarray | None = None) -> Pieces:
    """Pieces without video."""
    count = len(data["log"])
    nothing = np.full((count, VIDEO_FRAMES), np.nan, np.float32)
    if captured is None:
        captured = np.full((count, VIDEO_FRAMES, len(CONTROLS)), np.nan, np.float32)
    return Pieces(
        log=data["log"],
        prosody=data["prosody"],
        who=np.full(count, who),
        gap=nothing,
        width=nothing,
        brow=nothing,
        captured=captured,
        phones=np.full((count, FRAMES), -1, np.int16),
        name=name,
    )


def teach(pieces: Pieces) -> np.ndarray:
    """The rule decoder's gestures on each piece as it was spoken, as GESTURES with NaN for the unknown, [N, 300, G]."""
    rows = []
    for log, prosody in zip(pieces.log[:, 0], pieces.prosody[:, 0], strict=True):
        known, scale = gestures_of(np.exp(log.astype(np.float32)), prosody[:, 0].astype(np.float32))
        ruled = dict(zip(TARGETS, known.T, strict=True))
        for name in ("jaw", "lower", "upper"):
            ruled[name] = ruled[name] * scale
        ruled["smile"], ruled["stretch"] = SMILE_SHARE * ruled["wide"], (1 - SMILE_SHARE) * ruled["wide"]
        nothing = np.full(FRAMES, np.nan, np.float32)
        rows.append(np.stack([ruled.get(name, nothing) for name in GESTURES], axis=1).clip(0, 1))
    return np.stack(rows).astype(np.float16)


class Batch:
    """Tensors of some rows of some pieces, in the versions drawn.

    ``posteriors`` and ``prosody`` have BEFORE and AFTER frames of silence around the piece.
    """

    def __init__(self, pieces: Pieces, taught: np.ndarray, rows: np.ndarray, versions: np.ndarray) -> None:
        posteriors = np.exp(pieces.log[rows, versions].astype(np.float32))
        posteriors /= posteriors.sum(axis=-1, keepdims=True)
        loud, pitch = np.moveaxis(pieces.prosody[rows, versions].astype(np.float32), -1, 0)
        heard = [
            network_input(p, prosody_of(p, e, f), BEFORE, AFTER)
            for p, e, f in zip(posteriors, loud, pitch, strict=True)
        ]
        heard = torch.from_numpy(np.stack(heard))
        self.posteriors, self.prosody = heard[..., : len(LABELS)], heard[..., len(LABELS) :]
        gates = [speech_gate(p, e) for p, e in zip(posteriors, loud, strict=True)]
        self.gate = torch.from_numpy(np.stack(gates))
        self.who = torch.from_numpy(pieces.who[rows])
        self.gap, self.width, self.brow, self.captured = (
            torch.from_numpy(x[rows]) for x in (pieces.gap, pieces.width, pieces.brow, pieces.captured)
        )
        self.taught = torch.from_numpy(taught[rows].astype(np.float32))
        phones = pieces.phones[rows]
        self.bilabial, self.open = (
            torch.from_numpy(np.isin(phones, [LABELS.index(p) for p in kind]).astype(np.float32))
            for kind in (BILABIALS, OPEN_VOWELS)
        )

    def __len__(self) -> int:
        return len(self.who)

    def to(self, device: torch.device) -> Batch:
        """This batch with its tensors on ``device``."""
        for name, value in vars(self).items():
            setattr(self, name, value.to(device))
        return self


def join(parts: list[Pieces]) -> Pieces:
    """One Pieces of several with as many versions."""
    keys = Pieces.__dataclass_fields__
    return Pieces(**{key: np.concatenate([getattr(p, key) for p in parts]) for key in keys})
