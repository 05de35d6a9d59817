"""Batches of pieces for the decoder: what was heard in one of the voices, and what the face did.

All pieces lie on the device that trains, and batches are made of as many pieces of each kind every time, in the order of
KINDS: the shapes of all steps are alike and nothing waits for the device.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from facegen.motion.lipsync.gestures import LEARNED_CONTROLS as CONTROLS
from facegen.motion.lipsync.learned import QUIETEST, SPEAKER_DIMENSIONS
from facegen.rig import ARKIT
from facegen.speech.phones import BILABIALS, LABELS, OPEN_VOWELS
from tools.training.lip_decoder import network
from tools.training.lip_decoder.windows import FRAMES, VIDEO_FRAMES

SPEAKERS = ("s1", "s2", "s4", "s30", "s31", "s33", "facegood")
NOBODY = len(SPEAKERS)
_PLACES_SEED = 4
USUAL_GAP = 0.15  # to which the 95th percentile of a speaker's aperture is scaled
USUAL_WIDTH_DEVIATION = 0.030
REST_BELOW = 10  # percentile of a speaker's aperture that counts as closed


BEFORE, AFTER = network.LEFT + network.LEFT % 2, network.RIGHT + network.RIGHT % 2
"""Frames of silence around each piece, as the decoder has them around a sound."""


def places() -> np.ndarray:
    """Where each of SPEAKERS lies in the space of styles, and NOBODY in its middle, [S + 1, 4] float32."""
    rows = np.random.default_rng(_PLACES_SEED).normal(size=(len(SPEAKERS) + 1, SPEAKER_DIMENSIONS))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    rows[NOBODY] = 0
    return rows.astype(np.float32)


KINDS = ("filmed", "captured", "blind")
"""Pieces with tracked lips, with captured curves, and with neither."""


@dataclass
class Pieces:
    """Rows of one corpus. ``who`` [N] index of SPEAKERS or NOBODY; what is unknown is NaN, or −1 for phones."""

    heard: np.ndarray  # [N, K, 300, 43]
    gate: np.ndarray  # [N, K, 300]
    taught: np.ndarray  # [N, 300, G]
    who: np.ndarray
    gap: np.ndarray  # [N, 75] at a usual size, closed is 0
    width: np.ndarray  # [N, 75] deviation from the speaker's usual width
    brow: np.ndarray  # [N, 75] in 0..1
    captured: np.ndarray  # [N, 75, C] of CONTROLS
    phones: np.ndarray  # [N, 300]
    name: np.ndarray

    @property
    def kind(self) -> np.ndarray:
        """Index of KINDS of each piece, [N]."""
        filmed, captured = np.isfinite(self.gap[:, 0]), np.isfinite(self.captured[:, 0, 0])
        return np.where(filmed, 0, np.where(captured, 1, 2))


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
    return Pieces(
        **{key: data[key] for key in ("heard", "gate", "taught", "phones")},
        who=np.array([SPEAKERS.index(s) for s in speakers]),
        gap=gap,
        width=width,
        brow=np.clip(4 * brow, 0, 1).astype(np.float32),
        captured=np.full((len(gap), VIDEO_FRAMES, len(CONTROLS)), np.nan, np.float32),
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
    count = len(data["heard"])
    nothing = np.full((count, VIDEO_FRAMES), np.nan, np.float32)
    if captured is None:
        captured = np.full((count, VIDEO_FRAMES, len(CONTROLS)), np.nan, np.float32)
    return Pieces(
        **{key: data[key] for key in ("heard", "gate", "taught")},
        who=np.full(count, who),
        gap=nothing,
        width=nothing,
        brow=nothing,
        captured=captured,
        phones=np.full((count, FRAMES), -1, np.int16),
        name=name,
    )


def join(parts: list[Pieces]) -> Pieces:
    """One Pieces of several with as many versions."""
    keys = Pieces.__dataclass_fields__
    return Pieces(**{key: np.concatenate([getattr(p, key) for p in parts]) for key in keys})


@dataclass
class Batch:
    """Tensors of some pieces, sorted by KINDS: ``filmed`` and ``captured`` are how many of each there are.

    ``posteriors`` [B, T, 40] and ``prosody`` [B, T, 3] have BEFORE and AFTER frames of silence around the piece.
    """

    posteriors: torch.Tensor
    prosody: torch.Tensor
    gate: torch.Tensor  # [B, 300]
    taught: torch.Tensor  # [B, 300, G]
    who: torch.Tensor  # [B]
    gap: torch.Tensor  # [filmed, 75]
    width: torch.Tensor
    brow: torch.Tensor
    bilabial: torch.Tensor  # [filmed, 300]
    open: torch.Tensor
    curves: torch.Tensor  # [captured, 75, C]

    def __len__(self) -> int:
        return len(self.who)

    @property
    def filmed(self) -> int:
        return len(self.gap)

    @property
    def captured(self) -> int:
        return len(self.curves)


class Bank:
    """All pieces on the device."""

    def __init__(self, pieces: Pieces, device: torch.device) -> None:
        self.device = device

        def there(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        self.heard, self.gate, self.taught = there(pieces.heard), there(pieces.gate), there(pieces.taught)
        self.who, self.gap, self.width = there(pieces.who), there(pieces.gap), there(pieces.width)
        self.brow, self.curves = there(pieces.brow), there(pieces.captured)
        self.bilabial, self.open = (
            there(np.isin(pieces.phones, [LABELS.index(p) for p in kind]))
            for kind in (BILABIALS, OPEN_VOWELS)
        )
        self.kind = pieces.kind
        silence = torch.zeros(1, 1, self.heard.shape[-1], device=device)
        silence[..., 0], silence[..., len(LABELS)] = 1.0, QUIETEST
        self.silence = silence

    def batch(self, rows: np.ndarray, versions: np.ndarray) -> Batch:
        """The pieces ``rows`` [B], sorted by kind, in the voices ``versions`` [B]."""
        filmed, captured = (int((self.kind[rows] == k).sum()) for k in (0, 1))
        where, voice = (torch.from_numpy(x).to(self.device) for x in (rows, versions))
        seen, curved = where[:filmed], where[filmed : filmed + captured]
        edges = [self.silence.expand(len(rows), count, -1) for count in (BEFORE, AFTER)]
        heard = torch.cat([edges[0], self.heard[where, voice].float(), edges[1]], dim=1)
        return Batch(
            posteriors=heard[..., : len(LABELS)],
            prosody=heard[..., len(LABELS) :],
            gate=self.gate[where, voice].float(),
            taught=self.taught[where].float(),
            who=self.who[where],
            gap=self.gap[seen],
            width=self.width[seen],
            brow=self.brow[seen],
            bilabial=self.bilabial[seen].float(),
            open=self.open[seen].float(),
            curves=self.curves[curved],
        )
