"""Marks that tell that a video is made: words in the corner, a faint pattern in the pixels, a note in the file.

The pattern is a tile of smoothed noise, repeated over the frame and added to its brightness (spread spectrum: Cox et al.
1997). A detector folds the frame into one tile and looks for the pattern at every shift, so that it outlasts compression
and cropping, but not scaling.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
from scipy.ndimage import gaussian_filter

from facegen import __version__

TILE = 64
KEY = 0x66616365
FAINT, STRONG, BUSY = 0.5, 2.1, 6.0
"""Standard deviation of the pattern, of 255: where the photo is even, and where its own spread is BUSY or more, which
hides it."""
GRAIN = 0.8
SURE = 8.0
"""A score above which the pattern is there."""
LUMA = np.array((0.299, 0.587, 0.114), np.float32)
WORDS = "AI-GENERATED"
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's name for what a picture and a trained model make together, as C2PA's manifests use it."""


def tile() -> np.ndarray:
    """The pattern [TILE, TILE], mean 0, standard deviation 1."""
    noise = np.random.default_rng(KEY).standard_normal((TILE, TILE))
    soft = gaussian_filter(noise, GRAIN, mode="wrap") - gaussian_filter(noise, 3 * GRAIN, mode="wrap")
    return soft / soft.std()


class Watermark:
    """Adds the visible and the invisible mark to frames made of ``photo`` [H, W, 3] uint8."""

    def __init__(self, photo: np.ndarray, visible: bool, invisible: bool) -> None:
        height, width = photo.shape[:2]
        self._pattern: np.ndarray | None = None
        if invisible:
            pattern = np.tile(tile(), (-(-height // TILE), -(-width // TILE)))[:height, :width]
            luma = photo.astype(np.float32) @ LUMA
            spread = np.sqrt(np.maximum(gaussian_filter(luma**2, 2) - gaussian_filter(luma, 2) ** 2, 0))
            strength = FAINT + (STRONG - FAINT) * np.clip(spread / BUSY, 0, 1)
            self._pattern = (strength * pattern).round().astype(np.int16)[..., None]
        self._words = _words((width, height)) if visible else None

    def on(self, frame: np.ndarray) -> np.ndarray:
        """The marked frame [H, W, 3] uint8."""
        if self._pattern is not None:
            frame = np.clip(frame + self._pattern, 0, 255).astype(np.uint8)
        if self._words is not None:
            (top, left), alpha = self._words
            place = np.s_[top : top + alpha.shape[0], left : left + alpha.shape[1]]
            frame = frame.copy()
            dark = frame[place] * (1 - 0.55 * (alpha > 0))
            frame[place] = (dark * (1 - alpha) + 255 * alpha).round().astype(np.uint8)
        return frame


def _words(size: tuple[int, int]) -> tuple[tuple[int, int], np.ndarray]:
    """Top left corner and opacity [h, w, 1] of the visible mark."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(max(9, round(size[1] * 0.035)))
    left, top, right, bottom = (round(n) for n in font.getbbox(WORDS))
    edge = max(2, round(size[1] * 0.012))
    drawn = Image.new("L", (right - left + 2 * edge, bottom - top + 2 * edge), 1)
    ImageDraw.Draw(drawn).text((edge - left, edge - top), WORDS, fill=220, font=font)
    alpha = np.asarray(drawn, np.float32)[..., None] / 255
    alpha = alpha[: size[1], : size[0]]
    return (max(0, size[1] - alpha.shape[0] - edge), max(0, size[0] - alpha.shape[1] - edge)), alpha


def watermark_score(frames: Iterable[np.ndarray]) -> float:
    """How clearly ``frames`` [H, W, 3] uint8 bear the pattern, in standard deviations; SURE or more is a yes."""
    total, count = np.zeros((TILE, TILE)), 0
    for frame in frames:
        luma = frame[..., :3].astype(np.float64) @ LUMA.astype(np.float64)
        fine = luma - gaussian_filter(luma, 3.0)
        fine /= np.sqrt(gaussian_filter(fine**2, 4.0)) + 1.0
        high, wide = -(-luma.shape[0] // TILE) * TILE, -(-luma.shape[1] // TILE) * TILE
        whole = np.zeros((high, wide))
        whole[: luma.shape[0], : luma.shape[1]] = fine
        total += whole.reshape(high // TILE, TILE, wide // TILE, TILE).sum(axis=(0, 2))
        count += 1
    if count == 0:
        return 0.0
    spectrum = np.fft.fft2(total)
    match = np.fft.ifft2(spectrum / (np.abs(spectrum) + 1e-9) * np.conj(np.fft.fft2(tile()))).real
    best = np.unravel_index(int(np.argmax(match)), match.shape)
    others = np.roll(match, (-best[0] + 3, -best[1] + 3), (0, 1))
    others[:7, :7] = np.nan
    return float((match[best] - np.nanmean(others)) / max(float(np.nanstd(others)), 1e-9))


def provenance() -> dict[str, str]:
    """What a video's own data say of how it was made, by tag."""
    said = {
        "generator": f"facegen {__version__}",
        "digitalSourceType": SOURCE_TYPE,
        "action": "c2pa.created",
        "note": "A still picture animated by a program; the person did not say or do this.",
    }
    return {"comment": json.dumps(said), "description": said["note"]}
