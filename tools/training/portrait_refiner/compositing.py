"""What the product makes of the network's picture, in torch, so that training sees the result and not the painting."""

from __future__ import annotations

import torch
from torch.nn import functional as F

from facegen.portrait.crops import Region, feather
from facegen.portrait.refiner import INSIDE_SIGMA, LOW_SIGMA


def composed(clean: torch.Tensor, condition: torch.Tensor, zone: Region) -> torch.Tensor:
    """The warped pictures [N, 3, S, S] painted in the ``zone`` as ``clean`` [N, 3, S, S] has them."""
    warped = condition[:, :3]
    inside = blurred((condition[:, 7:8] + 1) / 2, INSIDE_SIGMA)
    change = clean - warped
    change = change - blurred(change * (1 - inside), LOW_SIGMA) * (1 - inside)
    return warped + change * painted(condition, zone)


def painted(condition: torch.Tensor, zone: Region) -> torch.Tensor:
    """How far each place is painted, [N, 1, S, S] in 0..1."""
    place = (condition[:, 6:7] + 1) / 2
    wide = F.max_pool2d(place, 2 * zone.reach + 1, 1, zone.reach)
    edge = torch.from_numpy(feather(place.shape[-1])).to(place)
    return blurred(wide, zone.soft) * edge


def blurred(pictures: torch.Tensor, sigma: float) -> torch.Tensor:
    """Each channel of [N, C, S, S] blurred by a Gaussian."""
    reach = int(4 * sigma + 0.5)
    places = torch.arange(-reach, reach + 1, device=pictures.device, dtype=pictures.dtype)
    kernel = torch.exp(-0.5 * (places / sigma) ** 2)
    kernel = (kernel / kernel.sum()).view(1, 1, -1, 1)
    flat = pictures.reshape(-1, 1, *pictures.shape[2:])
    flat = F.conv2d(F.pad(flat, (0, 0, reach, reach), mode="reflect"), kernel)
    flat = F.conv2d(F.pad(flat, (reach, reach, 0, 0), mode="reflect"), kernel.transpose(2, 3))
    return flat.reshape(pictures.shape)
