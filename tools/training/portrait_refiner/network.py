"""The refiner's network: convolutions about a diffusers U-Net at a quarter of the picture's size, told emotion and sound
by tokens."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from facegen.portrait.conditioning import TOKEN_SIZE
from facegen.portrait.refiner import EYES, MOUTH, START

FOLD = 4
CODES, CODE_SIZE = 16, 32
SIZES = {MOUTH: {"widths": (64, 88, 120), "edge": 24}, EYES: {"widths": (40, 56, 72), "edge": 16}}
"""Channels of the U-Net and of the convolutions about it."""
SPREAD = 0.1
"""Standard deviation of the emotion about what it is said to be, while training."""


class RefinerNet(nn.Module):
    """Clean pictures for noisy ones. The change from the warped picture starts at zero, so that an untrained network
    gives the warped picture."""

    def __init__(self, widths: tuple[int, ...], edge: int) -> None:
        super().__init__()
        down = ("DownBlock2D",) * (len(widths) - 1) + ("CrossAttnDownBlock2D",)
        up = ("CrossAttnUpBlock2D",) + ("UpBlock2D",) * (len(widths) - 1)
        middle = 2 * edge
        self.enter = nn.Conv2d(15, edge, 3, padding=1)
        self.halve = nn.Conv2d(edge, middle, 4, stride=2, padding=1)
        self.quarter = nn.Conv2d(middle, widths[0], 4, stride=2, padding=1)
        self.unet = UNet2DConditionModel(
            sample_size=128 // FOLD,
            in_channels=widths[0],
            out_channels=widths[0],
            down_block_types=down,
            mid_block_type="UNetMidBlock2DCrossAttn",
            up_block_types=up,
            block_out_channels=widths,
            layers_per_block=1,
            cross_attention_dim=CODE_SIZE,
            attention_head_dim=8,
            norm_num_groups=8,
        )
        self.to_half = nn.Conv2d(widths[0] + middle, middle, 3, padding=1)
        self.to_whole = nn.Conv2d(middle + edge, edge, 3, padding=1)
        self.leave = nn.Conv2d(edge, 3, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]
        self.keys = nn.Parameter(torch.randn(CODES, TOKEN_SIZE) * 0.3)
        self.codes = nn.Parameter(torch.randn(CODES, CODE_SIZE) * 0.3)
        self.sound = nn.Linear(TOKEN_SIZE, CODE_SIZE)

    def forward(
        self, noisy: torch.Tensor, condition: torch.Tensor, angle: torch.Tensor, tokens: torch.Tensor
    ) -> torch.Tensor:
        """``noisy`` [N, 3, 128, 128], ``condition`` [N, 12, 128, 128], ``angle`` [N], ``tokens`` [N, 2, TOKEN_SIZE]."""
        emotion = tokens[:, 0]
        if self.training:
            emotion = emotion + SPREAD * torch.randn_like(emotion)
        share = torch.softmax(emotion @ self.keys.T / TOKEN_SIZE**0.5, dim=1)
        told = torch.stack([share @ self.codes, self.sound(tokens[:, 1])], dim=1)
        act = nn.functional.silu
        whole = act(self.enter(torch.cat([noisy, condition], dim=1)))
        half = act(self.halve(whole))
        small = self.unet(self.quarter(half), angle / START * 999, encoder_hidden_states=told).sample  # type: ignore[operator]
        half = act(self.to_half(torch.cat([_twice(act(small)), half], dim=1)))
        whole = act(self.to_whole(torch.cat([_twice(half), whole], dim=1)))
        return condition[:, :3] + self.leave(whole)


def refiner_net(part: str) -> RefinerNet:
    """An untrained network for a part of a face."""
    return RefinerNet(**SIZES[part])  # type: ignore[arg-type]


def _twice(x: torch.Tensor) -> torch.Tensor:
    return nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
