"""The phone encoder as a torch network: dilated convolutions at 50 Hz over log-mel at 100 Hz."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

BANDS, LABELS, BOTTLENECK = 80, 40, 64
STRIDE = 2
STEM_BEFORE, STEM_AFTER = 2, 2  # frames at 100 Hz that the stem reads around the first of a pair
# (dilation, frames of look-ahead) at 50 Hz of each block; the kernel is 3.
BLOCKS = ((1, 1), (1, 1), (2, 2), (1, 1), (3, 0), (2, 2), (4, 0), (1, 1), (6, 0), (8, 0), (1, 0))
RIGHT_CONTEXT = STEM_AFTER + STRIDE * sum(ahead for _, ahead in BLOCKS)
LEFT_CONTEXT = STRIDE * (STEM_BEFORE + sum(2 * dilation - ahead for dilation, ahead in BLOCKS))
"""Frames at 100 Hz before and after a frame that its output may depend on; the first rounded up to whole pairs."""


class Block(nn.Module):
    """Residual convolution [B, C, T] ▸ [B, C, T]."""

    def __init__(self, channels: int, dilation: int, ahead: int, dropout: float) -> None:
        super().__init__()
        self.padding = (2 * dilation - ahead, ahead)
        self.conv = nn.Conv1d(channels, channels, 3, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(channels)
        self.dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.norm(self.conv(F.pad(x, self.padding))))
        return x + F.dropout(y, self.dropout, self.training)


class PhoneNet(nn.Module):
    """Log-mel [B, T, 80] ▸ log posteriors [B, T, 40] and bottleneck [B, T, 64]; T even."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, channels: int = 256, dropout: float = 0.1) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("scale", torch.ones(BANDS))
        self.stem = nn.Conv1d(BANDS, channels, STEM_BEFORE + 1 + STEM_AFTER, stride=STRIDE, bias=False)
        self.stem_norm = nn.BatchNorm1d(channels)
        self.blocks = nn.ModuleList(Block(channels, d, a, dropout) for d, a in BLOCKS)
        self.narrow = nn.Conv1d(channels, STRIDE * BOTTLENECK, 1)
        self.head = nn.Linear(BOTTLENECK, LABELS)

    def forward(self, logmel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = ((logmel - self.mean) * self.scale).transpose(1, 2)  # B 80 T
        x = self.stem(F.pad(x, (STEM_BEFORE, STEM_AFTER)))  # B C T/2
        x = torch.relu(self.stem_norm(x))
        for block in self.blocks:
            x = block(x)
        x = self.narrow(x).transpose(1, 2)  # B T/2 2·64
        bottleneck = torch.tanh(x.reshape(x.shape[0], -1, BOTTLENECK))  # B T 64
        return F.log_softmax(self.head(bottleneck).float(), dim=-1), bottleneck
