"""Brows and lashes: thin tapered hairs that follow the skin that they grow on."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import PchipInterpolator

from tools.head_builder.part import Part, join, smoothstep, vertex_normals
from tools.head_builder.skin import Skin

BROW = np.array([0.22, 0.145, 0.105])
LASH = np.array([0.06, 0.045, 0.04])
LOWER_LASH = np.array([0.86, 0.62, 0.55])  # they are sparse, so that skin shows between them


class Roots:
    """Points on the skin seen from the front, that carry positions, normals and deltas."""

    def __init__(self, skin: Skin, xy: np.ndarray) -> None:
        v, f = skin.vertices, skin.split()[0]
        flat = v[f][:, :, :2]
        turn = np.cross(flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0])
        f = f[(turn > 1e-6) & (v[f][:, :, 2].mean(axis=1) > 5.5)]
        a, b, c = (v[f[:, k], :2] for k in range(3))
        d = np.cross(b - a, c - a)
        q = xy[:, None]
        w1 = np.cross(q - a, (c - a)[None]) / d
        w2 = np.cross((b - a)[None], q - a) / d
        weight = np.stack([1 - w1 - w2, w1, w2], axis=2)
        inside = weight.min(axis=2)
        depth = np.where(inside > -1e-6, (weight * v[f][None, :, :, 2]).sum(axis=2), -np.inf)
        best = np.argmax(depth, axis=1)
        self.index = f[best]
        self.weight = weight[np.arange(len(xy)), best]

    def carry(self, field: np.ndarray) -> np.ndarray:
        return np.einsum("ij,ijk->ik", self.weight, field[self.index])


def _lashes(
    root: np.ndarray, middle: np.ndarray, tip: np.ndarray, side: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tapered curved tufts of five vertices and three faces each."""
    v = np.stack([root - side, root + side, middle - 0.5 * side, middle + 0.5 * side, tip], axis=1)
    f = np.array([(0, 1, 3), (0, 3, 2), (2, 3, 4)])
    return v.reshape(-1, 3), (f[None] + 5 * np.arange(len(root))[:, None, None]).reshape(-1, 3)


def _cards(
    root: np.ndarray, middle: np.ndarray, tip: np.ndarray, side: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tapered hairs: one bent-looking sliver of a triangle each, from points [n,3] and half-widths `side [n,3]`."""
    v = np.stack([root - 0.7 * side, middle + 0.7 * side, tip], axis=1)
    f = np.array([(0, 1, 2)])
    return v.reshape(-1, 3), (f[None] + 3 * np.arange(len(root))[:, None, None]).reshape(-1, 3)


def _brow_line(landmarks: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Middle of the brow [n,2] and its half height [n] in cm at shares `t` of the way outwards."""
    knots = np.linspace(0, 1, 5)
    line = np.stack([PchipInterpolator(knots, landmarks[4:9, k])(t) for k in range(2)], axis=1)
    line[:, 1] += 0.10 * np.sin(np.pi * t) - 0.20
    return line, np.interp(t, [0, 0.10, 0.45, 0.8, 1], [0.20, 0.29, 0.26, 0.15, 0.04])


def _brow_ground(skin: Skin, landmarks: np.ndarray, colours: np.ndarray) -> Part:
    """A strip that gives the brow its body, fading into the skin's colour at its rim."""
    t = np.linspace(-0.06, 1.05, 26)
    line, half = _brow_line(landmarks, np.clip(t, 0, 1))
    line += np.where(t < 0, 5 * t, 0)[:, None] * (0.98, 0.2) + np.where(t > 1, 5 * (t - 1), 0)[:, None] * (
        0.8,
        -0.6,
    )
    across = np.array([-1.5, -0.75, 0.0, 0.75, 1.5])
    way = np.gradient(line, axis=0)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    up = np.stack([-way[:, 1], way[:, 0]], axis=1)
    xy = line[:, None] + (half[:, None] * across)[..., None] * up[:, None]
    roots = Roots(skin, xy.reshape(-1, 2))
    normal = roots.carry(vertex_normals(skin.vertices, skin.split()[0]))
    inside = (
        np.array([0, 0.8, 1, 0.8, 0])[None]
        * smoothstep(-0.05, 0.10, t)[:, None]
        * smoothstep(1.05, 0.85, t)[:, None]
    )
    rise = np.where(inside > 0, 0.025, -0.01)
    vertices = roots.carry(skin.vertices) + normal * rise.reshape(-1, 1)
    share = 0.62 * inside.reshape(-1, 1)
    colour = roots.carry(colours) * (1 - share) + BROW * share
    grid = np.arange(len(vertices)).reshape(xy.shape[:2])
    a, b, c, d = grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]
    faces = np.vstack(
        [np.stack([a, b, c], axis=2).reshape(-1, 3), np.stack([a, c, d], axis=2).reshape(-1, 3)]
    )
    deltas = {n: roots.carry(f) for n, f in skin.deltas.items() if np.abs(roots.carry(f)).max() > 2e-3}
    return Part("ground", "brow", vertices, faces, colour, deltas)


def left_brow(skin: Skin, landmarks: np.ndarray, colours: np.ndarray) -> Part:
    """The character's left brow: a tinted strip under about 200 hairs; `colours [n,3]` are the skin's."""
    rng = np.random.default_rng(5)
    count = 200
    t = np.sort(rng.uniform(0, 1, count))
    across = rng.uniform(-1, 1, count)
    line, half = _brow_line(landmarks, t)
    line[:, 1] += across * half
    bend = np.interp(t, [0, 0.15, 0.5, 1], [78, 48, 12, -28])
    tilt = np.radians(bend - 16 * across + rng.normal(0, 6, count))
    length = np.interp(t, [0, 0.5, 1], [0.40, 0.50, 0.40]) * rng.uniform(0.8, 1.15, count)
    direction = np.stack([np.cos(tilt), np.sin(tilt)], axis=1)
    line -= direction * 0.12
    ends = [Roots(skin, line + direction * (length * s)[:, None]) for s in (0.0, 0.5, 1.0)]
    normal = vertex_normals(skin.vertices, skin.split()[0])
    rise = [0.03, 0.06, 0.045]
    points = [e.carry(skin.vertices) + r * e.carry(normal) for e, r in zip(ends, rise, strict=True)]
    along = points[1] - points[0]
    side = np.cross(ends[0].carry(normal), along)
    side *= -0.036 / np.linalg.norm(side, axis=1, keepdims=True)
    vertices, faces = _cards(points[0], points[1], points[2], side)
    colour = np.repeat(BROW * (1 + 0.2 * rng.uniform(-1, 1, count))[:, None], 3, axis=0)
    deltas = {}
    for name, field in skin.deltas.items():
        moved = [e.carry(field) for e in ends]
        if max(np.abs(m).max() for m in moved) > 2e-3:
            deltas[name], _ = _cards(moved[0], moved[1], moved[2], np.zeros_like(side))
    hairs = Part("hairs", "brow", vertices, faces, colour, deltas)
    return join("browLeft", "brow", [_brow_ground(skin, landmarks, colours), hairs])


def left_lashes(skin: Skin) -> Part:
    """Lashes of the left eye, upper and lower, along the outer edge of the lid margins."""
    ring, beyond = skin.lids[3], skin.lids[5]
    n = len(ring)
    window = np.hanning(11) / np.hanning(11).sum()

    def even(field: np.ndarray) -> np.ndarray:
        return sum(w * np.roll(field, k - 5, axis=0) for k, w in enumerate(window))

    rng = np.random.default_rng(9)
    upper = np.linspace(3.4, n / 2 - 4, 34)
    lower = np.linspace(n / 2 + 8, n - 4.0, 20)
    place = np.r_[upper, lower]
    is_upper = np.r_[np.ones(len(upper)), np.zeros(len(lower))]
    length = np.where(is_upper > 0, 0.50 * (0.75 + 0.3 * np.sin(np.pi * (place - 2) / (n / 2))), 0.15)
    length = length * rng.uniform(0.85, 1.1, len(place))
    fan = (0.5 - (np.where(is_upper > 0, place, n - place) / (n / 2))) * 1.0 + rng.normal(0, 0.08, len(place))

    def pose(v: np.ndarray) -> list[np.ndarray]:
        i = np.floor(place).astype(int)
        f = (place - i)[:, None]
        at = lambda r: v[r[i % n]] * (1 - f) + v[r[(i + 1) % n]] * f  # noqa: E731
        root = at(ring)
        along = even(np.roll(v[ring], -4, axis=0) - np.roll(v[ring], 4, axis=0))[i % n]
        along /= np.linalg.norm(along, axis=1, keepdims=True)
        up = even(v[beyond] - v[ring])[i % n]
        up -= along * (up * along).sum(axis=1, keepdims=True)
        up /= np.linalg.norm(up, axis=1, keepdims=True)
        out = np.cross(along, up)
        out *= np.sign((out * (root - skin.eye_centre)).sum(axis=1, keepdims=True))
        spread = np.where(is_upper > 0, -1, 1)[:, None] * along * fan[:, None]
        lift = np.where(is_upper > 0, 0.42, 0.10)[:, None]
        level = np.array([0.0, 1.0, 0.0])
        way = out * 0.85 + up * lift + spread * 0.5 - level * np.where(is_upper > 0, 0.0, 0.25)[:, None]
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        size = length[:, None]
        curl = np.where(is_upper > 0, 0.45, -0.10)[:, None] * up
        return [
            root,
            root + size * 0.5 * way,
            root + size * (way + curl) * 0.92,
            along * np.where(is_upper > 0, 0.062, 0.045)[:, None],  # roots touch, so that they draw one line
        ]

    vertices, faces = _lashes(*pose(skin.vertices))
    deltas = {}
    for name, field in skin.deltas.items():
        if np.abs(field[ring]).max() > 2e-3:
            deltas[name] = _lashes(*pose(skin.vertices + field))[0] - vertices
    tint = np.where(is_upper[:, None] > 0, LASH, LOWER_LASH)
    colour = np.repeat(tint, 5, axis=0)
    return Part("lashesLeft", "lashes", vertices, faces, colour, deltas)
