"""What the decoder is trained towards: lips of two heads, captured controls, closures, and the rules' gestures."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from facegen.motion.lipsync.gestures import LEARNED_CONTROLS
from facegen.motion.lipsync.learned import GESTURES
from facegen.motion.lipsync.visemes import TARGETS
from tools.evaluation.lip_heads import Head, aria_head, ict_head
from tools.training.lip_decoder import network
from tools.training.lip_decoder.batches import NOBODY, Batch

SHUT, PARTED = 0.008, 0.035  # gaps that count as closed and as open
RULED = {*TARGETS, "smile", "stretch"}
"""Gestures that the rule decoder knows."""
BLUR_FRAMES = 5  # at 25 fps, by which mumbled lips are blurred and careful ones sharpened
WEIGHTS = {
    "gap_like": 1.0,
    "width_like": 1.0,
    "gap_moves": 0.3,
    "gap_size": 0.3,
    "width_size": 0.1,
    "closed": 1.0,
    "open": 0.3,
    "captured": 1.5,
    "jaw_like": 0.8,
    "taught": 0.7,
    "brow": 0.05,
    "jerk": 0.5,
}
TAUGHT = {"jaw": 0.05, "seal": 0.5}
"""How much the rules' gestures count where there is a face to learn from; 1 for the others and without a face."""


class LipHead(torch.nn.Module):
    """Aperture over rest and width over rest [..., 2], in distances of the outer eye corners, of controls [..., C]."""

    gap: torch.Tensor
    corners: torch.Tensor
    apart: torch.Tensor

    def __init__(self, head: Head) -> None:
        super().__init__()
        names = head.rig.control_names
        at = {name: column for column, name in enumerate(LEARNED_CONTROLS)}
        rows = [names.index(name) if name in names else -1 for name in LEARNED_CONTROLS]
        # A combination that needs a control which is never learned stays at rest.
        self.combinations = [
            (len(names) + row, [at[name] for name in of])
            for row, of in enumerate(head.rig.combinations)
            if all(name in at for name in of)
        ]
        rows += [row for row, _ in self.combinations]
        deltas = np.stack([head.deltas[r] if r >= 0 else 0 * head.deltas[0] for r in rows])
        eyes = np.linalg.norm(head.rest[4] - head.rest[5])
        self.register_buffer(
            "gap", torch.tensor((deltas[:, 0] - deltas[:, 1])[:, 1] / eyes, dtype=torch.float32)
        )
        self.register_buffer(
            "corners", torch.tensor((deltas[:, 2] - deltas[:, 3]) / eyes, dtype=torch.float32)
        )
        self.register_buffer("apart", torch.tensor((head.rest[2] - head.rest[3]) / eyes, dtype=torch.float32))

    def forward(self, controls: torch.Tensor) -> torch.Tensor:
        products = [controls[..., of].clamp(min=0).prod(dim=-1, keepdim=True) for _, of in self.combinations]
        weights = torch.cat([controls, *products], dim=-1)
        width = torch.linalg.norm(self.apart + weights @ self.corners, dim=-1)
        return torch.stack([weights @ self.gap, width - torch.linalg.norm(self.apart)], dim=-1)


def heads(data: Path) -> tuple[LipHead, LipHead]:
    return LipHead(ict_head(data / "ict-facekit")), LipHead(aria_head())


def alike(a: torch.Tensor, b: torch.Tensor, where: torch.Tensor | None = None) -> torch.Tensor:
    """Pearson's r of rows, [B], over the frames ``where`` [B, T] is 1."""
    w = torch.ones_like(a) if where is None else where
    w = w / w.sum(dim=1, keepdim=True).clamp(min=1)
    a, b = a - (w * a).sum(dim=1, keepdim=True), b - (w * b).sum(dim=1, keepdim=True)
    size = (w * a * a).sum(dim=1) * (w * b * b).sum(dim=1)
    return (w * a * b).sum(dim=1) / torch.sqrt(size + 1e-9)


def at_video(rows: torch.Tensor) -> torch.Tensor:
    """Rows [B, 300, C] at 100 Hz read at the middle of each video frame, [B, 75, C]."""
    return 0.5 * (rows[:, 1::4] + rows[:, 2::4])


def articulated(target: torch.Tensor, articulation: torch.Tensor) -> torch.Tensor:
    """Curves [B, 75] as a mumbling (−1) or a careful (1) speaker would have them: smaller and blurred, or larger and
    sharper."""
    kernel = torch.hann_window(BLUR_FRAMES + 2, periodic=False, device=target.device)[1:-1]
    padded = F.pad(target[:, None], (BLUR_FRAMES // 2,) * 2, mode="replicate")
    blurred = F.conv1d(padded, (kernel / kernel.sum())[None, None])[:, 0]
    a = articulation[:, None]
    return (target + 0.5 * a * (target - blurred)) * 1.6**a


def losses(
    batch: Batch, gestures: torch.Tensor, articulation: torch.Tensor, lips: tuple[LipHead, ...]
) -> dict[str, torch.Tensor]:
    """The terms of WEIGHTS of gated gestures [B, 300, G]."""
    made = network.controls(gestures)
    at25 = at_video(made)
    terms = _taught(batch, gestures, articulation)
    terms["jerk"] = 1e3 * torch.diff(made, n=3, dim=1).square().mean()
    if batch.filmed:
        for head in lips:
            for key, value in _seen(batch, made[: batch.filmed], articulation, head).items():
                terms[key] = terms.get(key, 0) + value / len(lips)
        brow = at25[: batch.filmed, :, LEARNED_CONTROLS.index("browInnerUp")]
        terms["brow"] = 1 - alike(brow, batch.brow).mean() + 20 * F.mse_loss(brow, 0.5 * batch.brow)
    if batch.captured:
        part = slice(batch.filmed, batch.filmed + batch.captured)
        terms |= _captured(batch.curves, at25[part], articulation[part])
    return terms


def _seen(batch: Batch, made: torch.Tensor, articulation: torch.Tensor, head: LipHead) -> dict:
    """Of the filmed pieces' controls [filmed, 300, C], against lips in video, on one head."""
    count = batch.filmed
    gap, width = head(at_video(made)).unbind(dim=-1)
    true_gap = articulated(batch.gap, articulation[:count])
    true_width = articulated(batch.width, articulation[:count])
    centred = width - width.mean(dim=1, keepdim=True)
    near_speech = (at_video(batch.gate[:count, :, None])[..., 0] > 0.5).float()
    both = near_speech[:, 1:] * near_speech[:, :-1]
    fine = head(made)[..., 0]
    near = F.interpolate(true_gap[:, None], size=made.shape[1], mode="linear")[:, 0]
    closed = batch.bilabial * (near < 0.03)
    parted = batch.open * (near > 0.04)
    return {
        "gap_like": 1 - alike(gap, true_gap, near_speech).mean(),
        "width_like": 1 - alike(width, true_width, near_speech).mean(),
        "gap_moves": 1 - alike(gap.diff(dim=1), true_gap.diff(dim=1), both).mean(),
        "gap_size": F.huber_loss(near_speech * gap / 0.05, near_speech * true_gap / 0.05),
        "width_size": F.huber_loss(centred / 0.03, true_width / 0.03),
        "closed": (closed * F.relu(fine - SHUT) / 0.05).sum() / closed.sum().clamp(min=1),
        "open": (parted * F.relu(PARTED - fine) / 0.05).sum() / parted.sum().clamp(min=1),
    }


def _captured(true: torch.Tensor, made: torch.Tensor, articulation: torch.Tensor) -> dict:
    """Against captured controls [B, 75, C]."""
    mouth = [i for i, name in enumerate(LEARNED_CONTROLS) if name.startswith(("mouth", "jaw"))]
    mouth = [i for i in mouth if LEARNED_CONTROLS[i] != "mouthClose"]  # that performer's rig has none
    weight = (1.6**articulation)[:, None, None]
    jaw = LEARNED_CONTROLS.index("jawOpen")
    like = 1 - alike(made[..., jaw], articulated(true[..., jaw], articulation)).mean()
    target = (true[..., mouth] * weight).clamp(max=1)
    return {"captured": F.huber_loss(made[..., mouth] / 0.1, target / 0.1), "jaw_like": like}


def _taught(batch: Batch, gestures: torch.Tensor, articulation: torch.Tensor) -> dict:
    """Against the rule decoder's gestures, those that a style widens scaled by it."""
    known = [i for i, name in enumerate(GESTURES) if name in RULED]
    device = gestures.device
    usual = torch.tensor([TAUGHT.get(GESTURES[i], 1.0) for i in known], device=device)
    blind = (batch.who == NOBODY).float()[:, None, None]
    weight = blind + (1 - blind) * usual
    scaled = torch.tensor([GESTURES[i] != "seal" for i in known], device=device).float()
    factor = torch.exp(math.log(1.6) * articulation[:, None, None] * scaled)
    target = (batch.taught[..., known] * factor).clamp(max=1)
    error = F.huber_loss(gestures[..., known] / 0.15, target / 0.15, reduction="none")
    return {"taught": (weight * error).mean()}
