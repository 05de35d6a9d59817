"""Pieces said faster or slower: what was heard and what the face did, stretched alike."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import torch

from tools.training.lip_decoder.batches import AFTER, BEFORE, Batch

USUAL = 0.12  # natural logarithm of the tempo, at most, either way
CHANGED = 0.6  # of the pieces
CAPTURED = (-0.1, 0.5)
"""Of captured pieces, all of which are changed: single words with pauses, that are to stand for connected speech too."""


def drawn(rng: np.random.Generator, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """A tempo of each piece [B], and the part of the piece [B] at which it begins."""
    tempo = np.exp(rng.uniform(-USUAL, USUAL, len(batch)) * (rng.random(len(batch)) < CHANGED))
    captured = slice(batch.filmed, batch.filmed + batch.captured)
    tempo[captured] = np.exp(rng.uniform(*CAPTURED, batch.captured))
    start = 0.5 * (1 - tempo) * rng.random(len(batch))
    device = batch.who.device
    return tuple(torch.from_numpy(x.astype(np.float32)).to(device) for x in (tempo, start))  # type: ignore[return-value]


def said_again(batch: Batch, tempo: torch.Tensor, start: torch.Tensor) -> Batch:
    """The pieces at ``tempo`` [B] from the part ``start`` [B] of each; beyond its ends the outermost frames stay."""
    rows = {"posteriors": slice(None), "prosody": slice(None), "gate": slice(None), "taught": slice(None)}
    filmed = slice(batch.filmed)
    rows |= dict.fromkeys(("gap", "width", "brow", "bilabial", "open"), filmed)
    rows["curves"] = slice(batch.filmed, batch.filmed + batch.captured)
    assert {f.name for f in fields(batch)} == {*rows, "who"}
    changed = {}
    for name, part in rows.items():
        curve = getattr(batch, name)
        if name in ("posteriors", "prosody"):
            inner = _stretched(curve[:, BEFORE : curve.shape[1] - AFTER], tempo, start)
            changed[name] = torch.cat([curve[:, :BEFORE], inner, curve[:, curve.shape[1] - AFTER :]], dim=1)
        else:
            whole = name in ("bilabial", "open")
            changed[name] = _stretched(curve, tempo[part], start[part], whole)
    return replace(batch, **changed)


def _stretched(
    rows: torch.Tensor, tempo: torch.Tensor, start: torch.Tensor, nearest: bool = False
) -> torch.Tensor:
    """Rows [B, T, ...] read at ``tempo`` [B] from ``start`` [B], between frames or at the nearest."""
    count = rows.shape[1]
    middle = torch.arange(count, device=rows.device) + 0.5
    at = (middle * tempo[:, None] + count * start[:, None] - 0.5).clamp(0, count - 1)
    if nearest:
        return torch.gather(rows, 1, at.round().long())
    low = at.floor().long()
    each = (*at.shape, *(1,) * (rows.dim() - 2))

    def read(places: torch.Tensor) -> torch.Tensor:
        return torch.gather(rows, 1, places.reshape(each).expand(rows.shape))

    part = (at - low).reshape(each)
    return read(low) * (1 - part) + read((low + 1).clamp(max=count - 1)) * part
