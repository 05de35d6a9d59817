"""Measures of pictures of a face against others."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_laplace

GREY = np.array((0.299, 0.587, 0.114))
SSIM_SIGMA, C1, C2 = 1.5, (0.01 * 255) ** 2, (0.03 * 255) ** 2
SCALES = (0.0, 1.0, 2.0, 4.0)


def grey(pixels: np.ndarray) -> np.ndarray:
    """Luma [H, W] of [H, W, 3], 0..255."""
    return pixels[..., :3].astype(np.float64) @ GREY


def ssim(one: np.ndarray, other: np.ndarray, mask: np.ndarray | None = None) -> float:
    """Structural similarity of two pictures [H, W, 3] in 0..255 within ``mask`` (Wang et al. 2004, on luma)."""
    a, b = grey(one), grey(other)

    def soft(x: np.ndarray) -> np.ndarray:
        return gaussian_filter(x, SSIM_SIGMA)

    ma, mb = soft(a), soft(b)
    va, vb, vab = soft(a * a) - ma * ma, soft(b * b) - mb * mb, soft(a * b) - ma * mb
    index = ((2 * ma * mb + C1) * (2 * vab + C2)) / ((ma * ma + mb * mb + C1) * (va + vb + C2))
    return float(index[mask].mean() if mask is not None else index.mean())


def likeness(one: np.ndarray, other: np.ndarray, mask: np.ndarray | None = None) -> float:
    """How unlike the edges of two pictures are at several scales, 0 for the same: the distance of their gradients,
    each scale over the mean size of the other's (in the spirit of LPIPS, Zhang et al. 2018, without a network)."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    total = 0.0
    for sigma in SCALES:
        fields = []
        for picture in (a, b):
            soft = gaussian_filter(picture, (sigma, sigma, 0)) if sigma else picture
            fields.append(np.stack(np.gradient(soft, axis=(0, 1)), axis=-1))
        left = np.sqrt(((fields[0] - fields[1]) ** 2).sum(axis=(2, 3)))
        size = np.sqrt((fields[1] ** 2).sum(axis=(2, 3)))
        if mask is not None:
            left, size = left[mask], size[mask]
        total += float(left.mean() / max(float(size.mean()), 1e-6))
    return total / len(SCALES)


def sharpness(pixels: np.ndarray, mask: np.ndarray | None = None) -> float:
    """The spread of the Laplacian of Gaussian of the luma (after Pech-Pacheco et al. 2000)."""
    edges = gaussian_laplace(grey(pixels), 1.0)
    return float(edges[mask].std() if mask is not None else edges.std())
