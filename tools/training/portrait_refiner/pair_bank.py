"""Training pairs on the device that trains, and how they are varied there."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from facegen.portrait.crops import SIDE

HELD = ("grid-multi-s30", "grid-multi-s33", "head-ict24", "head-ict25", "head-ict26", "head-ict27",
        "head-ict28", "head-ict29", "head-ict30", "head-ict31", "head-edith")  # fmt: skip
"""Speakers and heads that are never trained on."""
GRID_SHARE = 0.65
"""Of a batch; rendered heads are the rest."""
SMALL, MOVED = 0.35, 4
"""How often a batch is as from smaller photos, and pixels by which it is moved."""


class Bank:
    """Pairs of the cached ``files``: those to train on, by kind, on the device; those held out as they are."""

    def __init__(self, files: list[dict[str, np.ndarray]], device: torch.device) -> None:
        self.device = device
        self.held = [f for f in files if str(f["name"]).startswith(HELD)]
        learned = [f for f in files if not str(f["name"]).startswith(HELD)]
        self.pictures = {
            key: torch.from_numpy(np.concatenate([f[key] for f in learned])).permute(0, 3, 1, 2).to(device)
            for key in ("warped", "source", "true", "map", "before")
        }
        self.tokens = torch.from_numpy(np.concatenate([f["tokens"] for f in learned])).float().to(device)
        owner = np.repeat(np.arange(len(learned)), [len(f["true"]) for f in learned])
        people = np.array([person(str(f["name"])) for f in learned])[owner]
        self.rows: dict[str, list[np.ndarray]] = {}
        for name in np.unique(people):
            self.rows.setdefault(name.split("-")[0], []).append(np.flatnonzero(people == name))
        self.heads = np.concatenate(self.rows.get("head", [np.zeros(0, int)]))

    def batch(
        self, size: int, rng: np.random.Generator, grid_share: float = GRID_SHARE
    ) -> dict[str, torch.Tensor]:
        """``condition`` [B, 12, S, S], ``true`` [B, 3, S, S] in -1..1, ``tokens``; each speaker as often as the others,
        heads as often as they have pairs."""
        chosen = []
        for real in rng.random(size) < grid_share:
            if real or "head" not in self.rows:
                people = self.rows["grid"]
                chosen.append(rng.choice(people[rng.integers(len(people))]))
            else:
                chosen.append(rng.choice(self.heads))
        where = torch.from_numpy(np.array(chosen)).to(self.device)
        pictures = {key: values[where].float() / 127.5 - 1 for key, values in self.pictures.items()}
        return {**varied(pictures, rng), "tokens": self.tokens[where]}


def person(name: str) -> str:
    """Who a cached file shows: ``grid-multi-s2_bbaf1n`` grid-multi-s2, ``grid-s1-bbaf3s`` grid-s1, ``head-ict3-0``
    head-ict3."""
    return name.split("_")[0] if name.startswith("grid-multi") else name.rsplit("-", 1)[0]


def varied(pictures: dict[str, torch.Tensor], rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """Pairs mirrored or not, in other light, sharper or softer, moved a little: alike for all pictures of a pair."""
    names = ("warped", "source", "before", "true")
    count, device = len(pictures["true"]), pictures["true"].device

    def drawn(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (count, *shape)).astype(np.float32)).to(device)

    gain = (drawn(0.55, 1.15, 1) * drawn(0.85, 1.15, 3))[..., None, None]
    power = drawn(0.8, 1.25, 1, 1, 1)
    lit = torch.cat([(((pictures[n] + 1) / 2 * gain).clamp(1e-4, 1) ** power) * 2 - 1 for n in names], dim=1)
    if rng.random() < SMALL:
        lit = _resized(_resized(lit, int(SIDE * rng.uniform(0.4, 0.9))), SIDE)
    whole = torch.cat([lit, pictures["map"]], dim=1)
    whole = torch.where((drawn(0, 1) < 0.5)[:, None, None, None], whole.flip(-1), whole)
    x, y = (int(v) for v in rng.integers(0, 2 * MOVED + 1, 2))
    whole = F.pad(whole, (MOVED,) * 4, mode="replicate")[..., y : y + SIDE, x : x + SIDE]
    warped, source, before, true, places = whole.split(3, dim=1)
    return {"condition": torch.cat([warped, source, places, before], dim=1), "true": true.contiguous()}


def _resized(pictures: torch.Tensor, size: int) -> torch.Tensor:
    return F.interpolate(pictures, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
