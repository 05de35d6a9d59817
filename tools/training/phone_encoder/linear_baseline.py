"""A plain spectral baseline: softmax regression on eleven frames of log-mel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from facegen.speech.logmel import BANDS
from tools.training.phone_encoder.batches import SHARES, Source

_AROUND, _STEPS, _BATCH = 5, 1500, 4096


def train(cache: Path, seed: int = 0):
    """A scorer, log-mel [T, 80] ▸ posteriors [T, 40], fitted on the undisturbed and disturbed training copies."""
    rng = np.random.default_rng((seed, 8))
    torch.manual_seed(seed)
    sources = {name: Source.read(cache / f"{name}.npz") for name in SHARES}
    layer = torch.nn.Linear(BANDS * (2 * _AROUND + 1), 40)
    optimizer = torch.optim.Adam(layer.parameters(), lr=1e-3)
    for step in range(_STEPS):
        rows, truth = [], []
        for name, share in SHARES.items():
            mel, labels = sources[name].draw(rng, int(_BATCH * share) + 1)
            rows.append(stacked(mel.astype(np.float32)))
            truth.append(labels)
        goals = torch.from_numpy(np.concatenate(truth).astype(np.int64))
        known = goals >= 0
        loss = F.cross_entropy(layer(torch.from_numpy(np.concatenate(rows)))[known], goals[known])
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * (1 - step / _STEPS) + 1e-5
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    def score(mel: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return torch.softmax(layer(torch.from_numpy(stacked(mel))), dim=-1).numpy()

    return score


def stacked(mel: np.ndarray) -> np.ndarray:
    """Each frame with its neighbours, roughly normalised: [T, 80] ▸ [T, 880]."""
    padded = np.pad((mel + 10) / 4, ((_AROUND, _AROUND), (0, 0)), mode="edge")
    return np.concatenate([padded[i : i + len(mel)] for i in range(2 * _AROUND + 1)], axis=1).astype(
        np.float32
    )
