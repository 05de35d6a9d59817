"""What judges painted mouths while training: whether they are true, patch by patch (Isola et al. 2017; Wang et al. 2018),
and which emotion they show (DICE-Talk's discriminator: Tan et al. 2025)."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from facegen.emotion.lexicon import CATEGORIES

CLEAR = 0.25  # share of an emotion from which it should be seen


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


class EmotionReader(nn.Module):
    """Which of CATEGORIES a mouth shows, as scores [N, 8] of pictures [N, 3, 128, 128]."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        sizes = (3, width, 2 * width, 4 * width, 6 * width)
        layers: list[nn.Module] = []
        for a, b in zip(sizes, sizes[1:], strict=False):
            layers += [nn.Conv2d(a, b, 4, 2, 1), nn.GroupNorm(4, b), nn.SiLU()]
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(sizes[-1] * 16, len(CATEGORIES))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.last(F.adaptive_avg_pool2d(self.layers(pictures), 4).flatten(1))


def told_emotions(tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Which rows of ``tokens`` [N, 2, T] tell an emotion other than neutral clearly, and which one each of those."""
    share, which = tokens[:, 0, 1 : len(CATEGORIES)].max(dim=1)
    rows = torch.nonzero(share > CLEAR)[:, 0]
    return rows, which[rows] + 1


def emotion_loss(reader: EmotionReader, pictures: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """How unlike the emotion that they should show the pictures look (cross-entropy); 0 where none is told."""
    rows, which = told_emotions(tokens)
    if not len(rows):
        return 0 * (pictures.sum() + reader.last.bias.sum())
    return F.cross_entropy(reader(pictures[rows]), which)
