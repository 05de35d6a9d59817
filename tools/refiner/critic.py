"""What tells painted mouths from true ones while training, patch by patch (Isola et al. 2017; Wang et al. 2018)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm


class Critic(nn.Module):
    """Features of pictures beside their maps, the last of them how true each patch looks."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        sizes = (6, width, 2 * width, 4 * width, 4 * width)
        strides = (2, 2, 2, 1)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride, 1))
            for a, b, stride in zip(sizes, sizes[1:], strides, strict=False)
        )
        self.last = spectral_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1))

    def forward(self, pictures: torch.Tensor, condition: torch.Tensor) -> list[torch.Tensor]:
        x, found = torch.cat([pictures, condition[:, 6:9]], dim=1), []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            found.append(x)
        return [*found, self.last(x)]


def taught(critic: Critic, true: torch.Tensor, made: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
    """The critic's own loss (hinge)."""
    return F.relu(1 - critic(true, condition)[-1]).mean() + F.relu(1 + critic(made, condition)[-1]).mean()


def judged(critic: Critic, true: torch.Tensor, made: torch.Tensor, condition: torch.Tensor) -> tuple:
    """How untrue ``made`` looks, and how far its features are from the true ones'."""
    with torch.no_grad():
        wanted = critic(true, condition)
    found = critic(made, condition)
    features = sum(F.l1_loss(a, b) for a, b in zip(found[:-1], wanted[:-1], strict=True)) / (len(found) - 1)
    return -found[-1].mean(), features
