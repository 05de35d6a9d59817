"""Other people: aria's rest shape warped by smooth fields of sex, age and build, and its colours changed.

A field moves points that touch alike, so lips and teeth that meet in aria meet here, and her shapes serve unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.head_builder.hair import HAIR, above_hairline
from tools.head_builder.part import smoothstep
from tools.head_builder.skin_paint import SKIN
from tools.head_builder.texture import LOOKS, Canvas

Bump = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""Where (cm; x counts on both sides), how far it reaches (cm), how far it moves what lies there (cm)."""


@dataclass(frozen=True)
class Identity:
    """A person: widths as shares of aria's, local `bumps`, colours in sRGB 0..1."""

    what: str
    jaw: float
    nose: float
    length: float
    lips: float
    bumps: tuple[Bump, ...]
    skin: tuple[float, float, float]
    mottle: float
    hair: tuple[float, float, float]
    brow: tuple[float, float, float]
    iris: tuple[float, float, float]
    shirt: tuple[float, float, float]


IDENTITIES = {
    "bruno": Identity(
        "a man of about forty with brown skin and a broad build",
        jaw=1.07, nose=1.20, length=1.05, lips=1.08,
        bumps=(
            ((0.0, -7.4, 10.5), (2.4, 1.6, 3.0), (0.0, -0.1, 0.45)),
            ((2.6, 6.0, 10.0), (2.2, 0.9, 2.5), (0.0, -0.05, 0.28)),
            ((5.6, -5.2, 5.0), (2.0, 2.4, 3.5), (0.22, -0.1, 0.0)),
        ),
        skin=(0.47, 0.305, 0.225), mottle=0.012, hair=(0.055, 0.045, 0.042), brow=(0.10, 0.07, 0.055),
        iris=(0.80, 0.45, 0.28), shirt=(1.9, 0.75, 0.45),
    ),
    "edith": Identity(
        "a woman of about seventy with fair skin and grey hair",
        jaw=0.95, nose=1.05, length=1.01, lips=0.80,
        bumps=(
            ((4.3, -5.9, 8.0), (1.5, 1.4, 2.4), (0.22, -0.30, 0.05)),
            ((5.0, -1.6, 8.6), (1.5, 1.8, 2.4), (-0.18, 0.0, -0.30)),
            ((0.0, -0.6, 12.0), (1.4, 1.3, 2.0), (0.0, -0.22, 0.08)),
            ((2.9, 1.7, 9.0), (1.4, 0.6, 1.6), (0.0, -0.04, 0.10)),
        ),
        skin=(0.855, 0.685, 0.605), mottle=0.028, hair=(0.42, 0.41, 0.405), brow=(0.50, 0.45, 0.42),
        iris=(0.95, 1.0, 1.12), shirt=(1.35, 0.95, 1.05),
    ),
}  # fmt: skip
MOUTH_HEIGHT, FACE_TOP = -3.2, 1.0  # cm: of the lips' line, and where the lower face begins


def warp(one: Identity, points: np.ndarray) -> np.ndarray:
    """Where the points [n,3] cm of aria lie in this person."""
    p = points.copy()
    x, y = np.abs(points[:, 0]), points[:, 1]
    p[:, 0] *= 1 + (one.jaw - 1) * smoothstep(0.5, -5.5, y)
    p[:, 0] *= 1 + (one.nose - 1) * _near(points, (0.0, -0.9, 12.0), (2.0, 1.5, 2.6))
    lips = _near(points, (0.0, MOUTH_HEIGHT, 11.0), (3.0, 1.5, 3.0))
    p[:, 1] += (one.lips - 1) * (y - MOUTH_HEIGHT) * lips
    below = np.maximum(FACE_TOP - y, 0)
    p[:, 1] -= (one.length - 1) * np.minimum(below * below / 4, below)
    for place, reach, move in one.bumps:
        weight = _near(np.stack([x, y, points[:, 2]], axis=1), place, reach)
        p += (
            weight[:, None]
            * np.array(move)
            * np.stack([np.sign(points[:, 0]), *np.ones((2, len(p)))], axis=1)
        )
    return p


def _near(points: np.ndarray, place: tuple[float, ...], reach: tuple[float, ...]) -> np.ndarray:
    return np.exp(-(((points - place) / np.array(reach)) ** 2).sum(axis=1))


def build(
    name: str, rig: dict[str, Any], arrays: dict[str, np.ndarray], canvas: Canvas
) -> tuple[dict[str, Any], dict[str, np.ndarray], bytes]:
    """The rig's JSON and arrays, of what differs from aria's `rig` and `arrays`, and the texture."""
    one = IDENTITIES[name]
    rest = arrays["vertices"].astype(float)
    vertices, colors = warp(one, rest), arrays["colors"] / 255.0
    noise = np.random.default_rng(len(name)).normal(0, one.mottle, len(rest))
    pivots = {k: list(v) for k, v in rig["pivots"].items()}
    for part in rig["parts"]:
        at = slice(*part["vertices"])
        kind = part["material"]
        if kind == "eye":  # balls stay round
            centre = np.array([rig["pivots"][part["name"]]])
            shift = warp(one, centre) - centre
            vertices[at] = rest[at] + shift
            pivots[part["name"]] = [round(float(c), 4) for c in (centre + shift)[0]]
        colors[at] = _coloured(one, kind, rest[at], colors[at], noise[at])
    description = {
        "format": 1,
        "name": name,
        "base": "aria",
        "licence": rig["licence"],
        "credit": rig["credit"],
        "mesh": "mesh.safetensors",
        "pivots": pivots,
        "materials": {k: about for k, about in rig["materials"].items() if "texture" in about},
    }
    colors = np.clip(colors, 0, 1)
    changed = {
        "vertices": np.round(vertices, 5).astype(np.float32),
        "colors": np.round(colors * 255).astype(np.uint8),
    }
    return description, changed, canvas.paint(colors, LOOKS[name])


def _coloured(
    one: Identity, kind: str, rest: np.ndarray, colors: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    if kind in ("skin", "brow"):
        # Skin's places keep their share of its colour, but lips and lids must not grow too dark in dark skin.
        share = colors / SKIN
        out = (
            np.array(one.skin)
            * share ** (0.5 + 0.5 * one.skin[0] / SKIN[0])
            * (1 + noise[:, None] * (0.6, 1, 1))
        )
        if kind == "skin":
            grown = 0.85 * smoothstep(-0.1, 0.9, above_hairline(rest))[:, None]
            return out + (0.75 * np.array(one.hair) - out) * grown
        hairy = smoothstep(0.75, 0.45, share[:, 1])[:, None]
        return out + (np.array(one.brow) - out) * hairy
    if kind == "hair":
        return np.array(one.hair) * (colors / HAIR) ** 0.6
    if kind == "cloth":
        return colors * one.shirt
    if kind == "eye":
        return np.where((colors.max(axis=1) < 0.6)[:, None], colors * one.iris, 0.94 * colors)
    return colors
