"""The head's texture: the vertices' colours, and on them what is finer: pores, blotches, freckles, stubble, lines of
lips and of age, the fibres of the iris and the veins of the white of the eye."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from tools.head_builder.atlas import Texels
from tools.head_builder.cloth import below_neckline
from tools.head_builder.eyes import IRIS, PUPIL
from tools.head_builder.hair import above_hairline
from tools.head_builder.part import near, smoothstep

FILE = "head.jpg"
QUALITY = 88  # of the JPEG
LATTICE = 48  # places a side after which noise repeats
WARM = np.array([0.55, 1.0, 1.1])  # how much more blood takes of green and blue than of red
VEIN = np.array([0.62, 0.16, 0.14])


@dataclass(frozen=True)
class Look:
    """How strong each thing is, 0 none and 1 clearly seen; the colours of iris and sclera as shares of aria's."""

    pores: float = 0.6
    blotches: float = 0.6
    freckles: float = 0.0
    stubble: float = 0.0
    spots: float = 0.0
    wrinkles: float = 0.0
    iris: tuple[float, float, float] = (1.0, 1.0, 1.0)
    sclera: float = 1.0
    seed: int = 5


LOOKS = {
    "aria": Look(freckles=0.7),
    "bruno": Look(pores=0.9, stubble=0.55, iris=(0.80, 0.45, 0.28), seed=40),
    "edith": Look(
        pores=0.7, blotches=1.0, spots=0.6, wrinkles=0.6, iris=(0.95, 1.0, 1.12), sclera=0.94, seed=70
    ),
}


@dataclass(frozen=True)
class Canvas:
    """Texels with their places on aria [t,3] cm; which are skin and which eye, how far lips [t] 0..1; the eye's centre."""

    texels: Texels
    places: np.ndarray
    skin: np.ndarray
    eye: np.ndarray
    lips: np.ndarray
    eye_centre: np.ndarray

    def paint(self, colors: np.ndarray, look: Look) -> bytes:
        """The JPEG of a person whose vertices have the sRGB `colors` [n,3] in 0..1."""
        shown = self.texels.spread(colors)
        bare = np.flatnonzero(
            self.skin & (above_hairline(self.places) < 0.4) & (below_neckline(self.places) < 0.9)
        )
        shown[bare] = _skin(shown[bare], self.places[bare], self.lips[bare], look)
        shown[self.eye] = _eye(self.places[self.eye] - self.eye_centre, look)
        out = io.BytesIO()
        Image.fromarray(self.texels.picture(shown)).save(out, "JPEG", quality=QUALITY, subsampling=0)
        return out.getvalue()


def noise(places: np.ndarray, size: float | tuple[float, float, float], seed: int) -> np.ndarray:
    """Smooth noise [n] about 0, within -1..1, with features of `size` cm."""
    lattice = np.random.default_rng(seed).uniform(-1, 1, (LATTICE,) * 3)
    at = places / np.asarray(size) + 100.0
    whole = np.floor(at)
    part = at - whole
    smooth = whole + part * part * (3 - 2 * part)
    return map_coordinates(lattice, smooth.T, order=1, mode="grid-wrap")


def dots(places: np.ndarray, gap: float, size: float, seed: int) -> np.ndarray:
    """Round dots [n] of 0..1 at random, one in about `gap` cm, of `size` cm."""
    return np.exp(-((_nearest(places, gap, seed, 1)[0] / size) ** 2))


def cells(places: np.ndarray, gap: float, width: float, seed: int) -> np.ndarray:
    """Fine lines [n] of 0..1 between cells of `gap` cm, as on skin seen closely."""
    first, second = _nearest(places, gap, seed, 2)
    return np.exp(-(((second - first) / width) ** 2))


def _nearest(places: np.ndarray, gap: float, seed: int, count: int) -> np.ndarray:
    """Distances [count,n] to the nearest of random places on the surface, no two nearer than half of `gap`."""
    mixed = places[np.random.default_rng(seed).permutation(len(places))]
    box = np.floor(mixed / gap).astype(np.int64) @ np.array([1 << 40, 1 << 20, 1])
    points = mixed[np.unique(box, return_index=True)[1]]
    tree = cKDTree(points)
    drop = np.zeros(len(points), bool)
    for a, b in tree.query_pairs(gap / 2):
        if not drop[a]:
            drop[b] = True
    far = cKDTree(points[~drop]).query(places, k=list(range(1, count + 1)), workers=2)[0]
    return far.T


def _skin(shown: np.ndarray, v: np.ndarray, lips: np.ndarray, look: Look) -> np.ndarray:
    dry, s = 1 - lips, look.seed
    blood = noise(v, 1.5, s) + 0.8 * noise(v, 0.5, s + 1) + 0.5 * noise(v, 0.17, s + 2)
    shown = shown * (1 - 0.032 * look.blotches * (blood * dry)[:, None] * WARM)
    shown = shown * (1 + 0.018 * look.blotches * noise(v, 0.09, s + 3)[:, None])
    oily = np.clip(
        0.35 + near(v, (0.0, -0.5, 12.0), (2.0, 2.6, 3.0)) + 0.6 * near(v, (3.2, -1.0, 9.5), (2.0, 2.0, 3.0)),
        0,
        1,
    )
    dark = 0.15 * look.pores * dry * oily * dots(v, 0.13, 0.028, s + 4)
    dark += 0.05 * look.pores * dry * cells(v, 0.11, 0.016, s + 5)
    # The lips' own lines run from within outwards; wet skin between them is lighter.
    streak = noise(v, (0.07, 0.5, 0.6), s + 6) + 0.8 * noise(v, (0.15, 0.7, 0.9), s + 7)
    dark += lips * (0.06 * np.clip(streak, -0.4, 1) + 0.05 * cells(v, 0.12, 0.02, s + 8))
    shown = shown * (1 - dark[:, None] * (0.75, 1.0, 1.0))
    if look.freckles:
        where = dry * (
            near(v, (2.4, 0.3, 10.0), (3.4, 1.7, 4.0)) + 0.25 * near(v, (0.0, 6.0, 9.0), (5.0, 3.0, 5.0))
        )
        where = where * smoothstep(-0.3, 0.5, noise(v, 0.8, s + 9))
        shown = shown * (
            1 - 0.5 * look.freckles * (where * dots(v, 0.24, 0.05, s + 10))[:, None] * (0.45, 0.8, 1.0)
        )
    if look.spots:
        where = dry * smoothstep(0.25, 0.75, noise(v, 1.6, s + 11))
        shown = shown * (
            1 - 0.4 * look.spots * (where * dots(v, 0.7, 0.13, s + 12))[:, None] * (0.5, 0.8, 1.0)
        )
    if look.stubble:
        shown = shown * (
            1 - look.stubble * (dry * _beard(v) * (0.16 + 0.5 * dots(v, 0.085, 0.022, s + 13)))[:, None]
        )
    if look.wrinkles:
        shown = shown * (1 - 0.26 * look.wrinkles * (dry * _wrinkles(v, s))[:, None] * (0.7, 1.0, 1.0))
    return shown


def _beard(v: np.ndarray) -> np.ndarray:
    """Where a beard would grow, [n] 0..1: upper lip, chin, jaw, down to the throat."""
    x, y, z = np.abs(v[:, 0]), v[:, 1], v[:, 2]
    edge = np.interp(x, [0, 1.2, 2.6, 4.0, 5.5, 6.5, 7.2], [-1.9, -1.9, -2.6, -3.6, -2.6, 0.2, 2.4])
    edge = edge + 0.35 * noise(v, 0.6, 31)
    below = smoothstep(0.0, 0.9, edge - y) * smoothstep(-13.0, -10.0, y)
    return (
        below
        * smoothstep(-1.5, 1.5, z)
        * smoothstep(0.15, 0.5, np.abs(x - 1.9) + np.maximum(0, -4.6 - y) + 0.2)
    )


def _wrinkles(v: np.ndarray, seed: int) -> np.ndarray:
    """Lines of age [n] 0..1: across the forehead, between the brows, fanning out from the eyes."""
    x, y = np.abs(v[:, 0]), v[:, 1]
    wave = 0.22 * noise(v, 1.8, seed + 20) + 0.3 * np.cos(x / 2.4)
    out = np.zeros(len(v))
    for height, wide, deep in ((5.7, 3.6, 0.8), (6.6, 4.4, 1.0), (7.5, 4.0, 0.9), (8.3, 3.0, 0.5)):
        out += deep * np.exp(-(((y - height - wave) / 0.06) ** 2)) * smoothstep(wide, wide - 1.6, x)
    out += 0.8 * np.exp(-(((x - 0.55 - 0.1 * wave) / 0.05) ** 2)) * np.exp(-(((y - 4.2) / 0.8) ** 2))
    away = np.hypot(x - 5.0, y - 2.2)
    turn = np.degrees(np.arctan2(y - 2.2, x - 5.0)) + 5 * noise(v, 0.7, seed + 21)
    for angle in (-42, -24, -8, 9, 27):
        gap = np.radians(turn - angle) * away
        out += 0.7 * np.exp(-((gap / 0.045) ** 2)) * smoothstep(0.25, 0.7, away) * smoothstep(2.1, 1.1, away)
    return np.clip(out * (0.7 + 0.3 * noise(v, 0.5, seed + 22)) * (v[:, 2] > 2), 0, 1)


def _eye(arm: np.ndarray, look: Look) -> np.ndarray:
    """sRGB [n,3] of places on an eyeball about its centre, looking ahead."""
    angle = np.arctan2(np.hypot(arm[:, 0], arm[:, 1]), arm[:, 2])
    around = np.arctan2(arm[:, 1], arm[:, 0])
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)

    def fibres(fine: float, along: float, seed: int) -> np.ndarray:
        return noise(np.column_stack([ring * fine, angle * along + 7.0]), 1.0, seed)

    t = smoothstep(PUPIL, 0.31, angle)[:, None]
    inner, outer = np.array([0.47, 0.42, 0.25]), np.array([0.21, 0.345, 0.375])
    iris = inner * (1 - t) + outer * t
    thread = 0.5 * fibres(14, 9, 1) + 0.35 * fibres(34, 14, 2) + 0.3 * fibres(6, 4, 3)
    edge = np.exp(-(((angle - 0.205 - 0.012 * fibres(9, 1, 4)) / 0.012) ** 2))  # the collarette
    iris = iris * (1 + 0.42 * thread + 0.22 * edge)[:, None]
    iris = (
        iris
        * (1 - 0.75 * smoothstep(0.315, IRIS, angle) - 0.35 * smoothstep(PUPIL + 0.03, PUPIL, angle))[:, None]
    )
    iris = iris * np.array(look.iris)
    white = np.array([0.90, 0.875, 0.855]) - smoothstep(0.6, 1.3, angle)[:, None] * (0.05, 0.15, 0.15)
    veins = smoothstep(0.06, 0.0, np.abs(noise(arm, 0.28, 5) + 0.5 * noise(arm, 0.1, 6)))
    veins = veins * smoothstep(-0.2, 0.6, noise(arm, 0.5, 7)) * smoothstep(0.5, 1.0, angle)
    white = white + (VEIN - white) * (0.30 * veins)[:, None]
    out = np.where((angle < IRIS)[:, None], iris, white * look.sclera)
    rim = smoothstep(0.035, 0.0, np.abs(angle - IRIS))[:, None]
    out = out * (1 - 0.35 * rim)
    out = out + (0.012 - out) * smoothstep(PUPIL + 0.006, PUPIL - 0.006, angle)[:, None]
    # The upper lid's shade, which renderers without shadows would miss.
    direction = arm / np.linalg.norm(arm, axis=1, keepdims=True)
    shade = 1 - 0.30 * smoothstep(0.16, 0.40, direction[:, 1]) * (direction[:, 2] > 0)
    return np.clip(out * shade[:, None], 0, 1)
