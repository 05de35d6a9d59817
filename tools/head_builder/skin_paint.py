"""Colour of the skin by place: lips, cheeks, nose, lids, brows' ground, stubble below the hair."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from tools.head_builder.brows import BROW
from tools.head_builder.cloth import CLOTH, below_neckline
from tools.head_builder.hair import HAIR, above_hairline
from tools.head_builder.occlusion import openness, smoothed
from tools.head_builder.part import near, smoothstep
from tools.head_builder.skin import Skin

SKIN = np.array([0.81, 0.61, 0.515])
LIP = np.array([0.70, 0.405, 0.375])
BLUSH = np.array([0.80, 0.48, 0.42])
SHADOW = np.array([0.66, 0.43, 0.365])
MUCOSA = np.array([0.60, 0.28, 0.27])
DEEP = np.array([0.50, 0.19, 0.18])
THROAT = np.array([0.13, 0.035, 0.035])
CHEEK = np.array([0.66, 0.31, 0.30])  # its inside
LIP_BORDER = 6  # ring of the mouth where the lips' red ends


def _mix(colour: np.ndarray, other: np.ndarray, amount: np.ndarray) -> np.ndarray:
    return colour + (other - colour) * np.clip(amount, 0, 1)[:, None]


def skin_colours(skin: Skin, landmarks: np.ndarray) -> np.ndarray:
    """sRGB [n,3] in 0..1."""
    v = skin.vertices
    c = np.repeat(SKIN[None], len(v), axis=0)
    rng = np.random.default_rng(3)
    mottle = rng.normal(0, 0.008, len(v))
    mottle = (mottle + mottle[skin.mirror]) / 2
    c = c * (1 + mottle[:, None] * (0.6, 1.0, 1.0))
    nose = landmarks[1]
    c = _mix(c, BLUSH, 0.36 * near(v, (4.3, 0.2, 8.6), (2.2, 1.9, 3.0)))
    c = _mix(c, BLUSH, 0.36 * near(v, (0.0, nose[1], nose[2]), (1.3, 0.9, 1.6)))
    c = _mix(c, BLUSH, 0.20 * near(v, (0.0, -7.0, 10.0), (1.6, 1.2, 2.0)))
    c = _mix(c, BLUSH, 0.50 * near(v, (7.4, 2.0, -0.5), (1.0, 2.8, 2.0)))
    ring = skin.both_lids
    c = _mix(c, SHADOW, 0.45 * smoothstep(5.5, 2.8, ring))
    c = _mix(c, np.array([0.80, 0.48, 0.44]), 0.8 * smoothstep(3.15, 2.7, ring))
    c = _mix(c, MUCOSA, smoothstep(1.7, 0.5, ring))
    c = _mix(c, LIP, lips(skin))
    c = _mix(
        c, MUCOSA, smoothstep(0.12, 0.0, skin.lip) * (v[:, 2] < skin.vertices[skin.contact].max(axis=0)[2])
    )
    inner = ~skin.is_skin
    c[inner & (ring > 6)] = DEEP
    rise = above_hairline(v)
    c = _mix(c, HAIR, 0.85 * smoothstep(-0.1, 0.9, rise))
    c = _mix(c, CLOTH, smoothstep(0.7, 1.2, below_neckline(v)))
    line = landmarks[4:9]
    x = np.abs(v[:, 0])
    y = np.interp(x, line[:, 0], line[:, 1]) - 0.18
    half = np.interp(x, [1.1, 2.3, 3.7, 4.8, 5.7], [0.28, 0.32, 0.28, 0.2, 0.08])
    brow = (
        smoothstep(1.25, 0.5, np.abs(v[:, 1] - y) / half) * smoothstep(0.85, 1.3, x) * smoothstep(5.9, 5.3, x)
    )
    c = _mix(c, BROW, 0.25 * brow * (v[:, 2] > 5))
    return np.clip(c * _hollows(skin), 0, 1)


def lips(skin: Skin) -> np.ndarray:
    """How far each vertex is the red of the lips, [n] 0..1."""
    return smoothstep(0.09, -0.13, _beyond_lips(skin))


def _beyond_lips(skin: Skin) -> np.ndarray:
    """Signed distance [n] in cm from the lips' red, seen from the front; its lower border is one smooth arc."""
    v, border = skin.vertices, skin.vertices[skin.sub.chain(skin.p.mouth[LIP_BORDER].tolist())]
    corner = int(np.argmax(border[:, 0]))
    upper, lower = border[: corner + 1].copy(), border[corner:]
    for _ in range(6):
        upper[1:-1] = (upper[:-2] + 2 * upper[1:-1] + upper[2:]) / 4
    x = np.linspace(1, 0, 40) * lower[0, 0]
    arch = 1 - (lower[1:-1, 0] / lower[0, 0]) ** 2
    drop = (lower[1:-1, 1] - lower[0, 1]) / (lower[-1, 1] - lower[0, 1])
    power = np.log(np.clip(drop, 0.02, 1)) @ np.log(arch) / (np.log(arch) @ np.log(arch))
    y = lower[0, 1] + (lower[-1, 1] - lower[0, 1]) * (1 - (x / lower[0, 0]) ** 2) ** power
    half = np.vstack([upper[:, :2], np.stack([x, y], axis=1)])
    half = np.vstack([half[:1], half[1:][np.linalg.norm(np.diff(half, axis=0), axis=1) > 1e-9]])
    t = np.linspace(0, len(half) - 1, 400)
    line = np.stack([np.interp(t, np.arange(len(half)), half[:, k]) for k in range(2)], axis=1)
    at = np.stack([np.abs(v[:, 0]), v[:, 1]], axis=1)
    away = cKDTree(line).query(at)[0]
    top = np.interp(at[:, 0], upper[:, 0], upper[:, 1])
    bottom = np.interp(at[:, 0], x[::-1], y[::-1])
    inside = (at[:, 0] < lower[0, 0]) & (at[:, 1] < top) & (at[:, 1] > bottom)
    return np.where(skin.is_skin & (skin.lip < 1.95), np.where(inside, -away, away), np.inf)


def _hollows(skin: Skin) -> np.ndarray:
    """Darkening of hollows, warmer than grey because light scatters in skin; lips and lids are spared."""
    sky = openness(skin.vertices, skin.faces)
    sky = smoothed((sky + sky[skin.mirror]) / 2, skin.faces, 1)
    floor = np.where((skin.lip < 0.9) & skin.is_skin, 0.72, 0.0)
    floor = np.maximum(floor, np.where(skin.both_lids < 3.6, 0.7, 0.0))
    floor = np.maximum(floor, 0.85 * smoothstep(-7.5, -9.5, skin.vertices[:, 1]))  # the neck is smooth
    sky = np.clip(np.maximum(sky * 1.06, floor), 0.10, 1)
    return sky[:, None] ** np.array([0.45, 0.57, 0.60])


def bag_colours(skin: Skin) -> np.ndarray:
    """The inside of the mouth: pink behind the lips, dark in the throat."""
    z = skin.vertices[:, 2]
    pink = _mix(np.repeat(CHEEK[None], skin.count, axis=0), DEEP, smoothstep(9.4, 6.4, z))
    return _mix(pink, THROAT, smoothstep(6.6, 3.8, z))
