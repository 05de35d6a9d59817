"""The refiner's network: a diffusers U-Net on the picture folded to a quarter of its size, told emotion and sound by
tokens."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import nn

from facegen.portrait.refine import START
from facegen.portrait.tokens import TOKEN_SIZE

FOLD = 4
CODES, CODE_SIZE = 16, 32
SPREAD = 0.1
"""Standard deviation of the emotion about what it is said to be, while training."""


class RefinerNet(nn.Module):
    """Clean pictures for noisy ones. The change from the warped picture starts at zero, so that an untrained network
    gives the warped picture."""

    def __init__(self, widths: tuple[int, ...] = (48, 64, 96)) -> None:
        super().__init__()
        channels = 15 * FOLD**2
        down = ("DownBlock2D",) * (len(widths) - 1) + ("CrossAttnDownBlock2D",)
        up = ("CrossAttnUpBlock2D",) + ("UpBlock2D",) * (len(widths) - 1)
        self.unet = UNet2DConditionModel(
            sample_size=128 // FOLD,
            in_channels=channels,
            out_channels=3 * FOLD**2,
            down_block_types=down,
            mid_block_type="UNetMidBlock2DCrossAttn",
            up_block_types=up,
            block_out_channels=widths,
            layers_per_block=1,
            cross_attention_dim=CODE_SIZE,
            attention_head_dim=8,
            norm_num_groups=8,
        )
        nn.init.zeros_(self.unet.conv_out.weight)
        nn.init.zeros_(self.unet.conv_out.bias)
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
        folded = nn.functional.pixel_unshuffle(torch.cat([noisy, condition], dim=1), FOLD)
        change = self.unet(folded, angle / START * 999, encoder_hidden_states=told).sample
        return condition[:, :3] + nn.functional.pixel_shuffle(change, FOLD)
