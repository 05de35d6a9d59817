"""The decoder network: phone probabilities, prosody and style to gestures, and the gestures as controls, in torch."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from facegen.motion.lipsync.gestures import SEAL_HIGH, SEAL_LOW
from facegen.motion.lipsync.learned import GESTURES, SPEAKER_DIMENSIONS
from facegen.speech.phones import LABELS

STRIDE = 2
DILATIONS = ((1, 1), (2, 2), (4, 4), (8, 1), (16, 0), (1, 0))
"""Of each block at 50 Hz: dilation, and frames ahead that it sees."""
KERNEL = 3
PROSODY = 3
LEFT = STRIDE * sum((KERNEL - 1) * d - ahead for d, ahead in DILATIONS) + 2
RIGHT = STRIDE * sum(ahead for _, ahead in DILATIONS) + 2
"""Frames at 100 Hz before and after a frame that it depends on."""


class Block(nn.Module):
    """x + W gelu(dilated convolution of x)."""

    def __init__(self, channels: int, dilation: int, ahead: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, KERNEL, dilation=dilation)
        self.mix = nn.Conv1d(channels, channels, 1)
        self.dropout = nn.Dropout(dropout)
        self.padding = ((KERNEL - 1) * dilation - ahead, ahead)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.dropout(self.mix(F.gelu(self.conv(F.pad(x, self.padding)))))


class LipNet(nn.Module):
    """Gestures [B, T, G] in 0..1 of posteriors [B, T, 40], prosody [B, T, 3] and style [B, 1 + S]; T is even."""

    def __init__(self, channels: int = 96, dropout: float = 0.2) -> None:
        super().__init__()
        self.enter = nn.Conv1d(2 * len(LABELS) + PROSODY, channels, 1)
        self.style = nn.Linear(1 + SPEAKER_DIMENSIONS, channels)
        self.halve = nn.Conv1d(channels, channels, 4, stride=STRIDE)
        self.blocks = nn.ModuleList(Block(channels, d, ahead, dropout) for d, ahead in DILATIONS)
        self.leave = nn.Conv1d(channels, STRIDE * len(GESTURES), 1)
        self.dropout = nn.Dropout(dropout)
        nn.init.constant_(self.leave.bias, -1.5)  # type: ignore[arg-type]

    def forward(self, posteriors: torch.Tensor, prosody: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        log = (torch.log(posteriors + 1e-5) + 6) / 4
        x = torch.cat([log, 3 * posteriors, prosody], dim=2).transpose(1, 2)
        x = F.gelu(self.enter(self.dropout(x)) + self.style(style)[:, :, None])
        x = F.gelu(self.halve(F.pad(x, (1, 1))))
        for block in self.blocks:
            x = block(x)
        y = self.leave(x).transpose(1, 2)
        return torch.sigmoid(y.reshape(len(y), -1, len(GESTURES)))


def controls(gestures: torch.Tensor) -> torch.Tensor:
    """LEARNED_CONTROLS [..., 21] of gestures [..., G], as the decoder makes them at strength 1."""
    g = dict(zip(GESTURES, gestures.unbind(dim=-1), strict=True))
    seal = ((g["seal"] - SEAL_LOW) / (SEAL_HIGH - SEAL_LOW)).clamp(0, 1)
    seal = seal * seal * (3 - 2 * seal)
    free = 1 - seal
    lower, upper = g["lower"] * free, g["upper"] * free
    smile, stretch = g["smile"], g["stretch"]
    columns = [g["jaw"], g["jaw"] * seal, g["funnel"] * free, g["pucker"], smile, smile, stretch, stretch]
    columns += [g["roll_lower"], g["roll_upper"], g["press"], g["press"], lower, lower, upper, upper]
    columns += [g["tongue"], g["shrug"], g["brow"], g["brow"], g["brow"]]
    return torch.stack(columns, dim=-1)
