"""Teeth, gums and tongue."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from tools.head_builder.jaw import jaw_deltas
from tools.head_builder.part import FLIP, Part, join, smoothstep, tube
from tools.head_builder.skin import TONGUE_OUT_OPENS

ENAMEL = np.array([0.91, 0.885, 0.82])
NECK = np.array([0.84, 0.77, 0.64])
EDGE = np.array([0.80, 0.81, 0.80])
GUM = np.array([0.74, 0.40, 0.39])
TONGUE = np.array([0.71, 0.37, 0.37])
AROUND = (10, 10, 10, 10, 10, 8, 8)  # points of a tooth's rings, from the middle to the back
LOWER_EDGE = -3.38  # cm; no lower tooth stands higher, and the molars sink into the gum


def outward(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Faces turned so that the closed surface's volume is positive."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    return faces if np.einsum("ij,ij->", a, np.cross(b, c)) > 0 else faces[:, ::-1].copy()


def _depth_shade(vertices: np.ndarray) -> np.ndarray:
    """Darkening towards the throat [n], where little light reaches."""
    return 0.62 + 0.38 * smoothstep(6.0, 9.4, vertices[:, 2])


def _tooth(row: np.ndarray, number: int) -> Part:
    """One tooth from its measured place and size: a rounded block, thin at the edge of the front teeth."""
    upper, x, z, width, depth, edge, _, turn = row
    if number == 0:
        x, turn = 0.5 * width, 0.4 * turn  # the middle pair touches
    if not upper:
        edge = min(edge, LOWER_EDGE) - 0.05 * max(number - 2, 0)
    front = smoothstep(5.0, 2.0, np.array(float(number)))  # 1 at incisors, 0 at molars
    up = 1.0 if upper else -1.0
    tall = (1.3 if upper else 1.15) * (1 - 0.25 * (1 - front))
    heights = np.array([0.0, 0.05, 0.16, 0.45, 1.0])
    wide = np.array([0.72, 0.90, 0.97, 1.0, 0.74]) * width * 0.5 * 1.05
    thin = np.array([0.10, 0.20, 0.30, 0.54, 0.6])
    thick = np.array([0.62, 0.82, 0.92, 1.0, 0.8])
    deep = (front * thin + (1 - front) * thick) * min(depth, 0.85) * 0.5
    if number == 0:
        wide[:2] *= (1.12, 1.06)
    if number == 2:  # the canine comes to a point
        wide[:2] *= (0.45, 0.8)
    angle = 2 * np.pi * np.arange(AROUND[number]) / AROUND[number]
    c, s = np.cos(angle), np.sin(angle)
    square = (np.abs(c) ** 3 + np.abs(s) ** 3) ** (-1 / 3)
    c, s = c * square, s * square
    tangent = np.array([np.cos(turn), 0, -np.sin(turn)])
    normal = np.array([np.sin(turn), 0, np.cos(turn)])
    # The measured box holds a slanted root, so the crown sits at its front.
    middle = np.array([x, edge, z]) + normal * (depth - min(depth, 0.85) * (1 - 0.35 * front)) * 0.5
    lean = -0.20 * front * heights**1.5 * 0.5
    rings = np.array(
        [
            middle
            + up * tall * h * np.array([0, 1, 0])
            + tangent * (w * c)[:, None]
            + normal * (d * s + n)[:, None]
            for h, w, d, n in zip(heights, wide, deep, lean, strict=True)
        ]
    )
    vertices, faces = tube(rings)
    height = np.abs(vertices[:, 1] - edge) / tall
    across = np.abs((vertices - middle) @ tangent) / (0.5 * width)
    # Dentine shows through towards the neck, the thin edge is greyer, and little light comes between two teeth.
    colour = ENAMEL + (NECK - ENAMEL) * smoothstep(0.25, 0.85, height)[:, None]
    colour = colour + (EDGE - colour) * (0.6 * front * smoothstep(0.12, 0.0, height))[:, None]
    colour = colour * (1 - 0.34 * smoothstep(0.72, 1.0, across) * smoothstep(0.0, 0.2, height))[:, None]
    inwards = smoothstep(0.0, -0.35, (vertices - vertices.mean(axis=0)) @ normal)
    colour = colour * (1 - inwards[:, None] * (0.20, 0.27, 0.33))  # the tongue's side lies in its shade
    colour = colour * _depth_shade(vertices)[:, None]
    return Part("tooth", "teeth", vertices, outward(vertices, faces), colour)


def _gum(rows: np.ndarray) -> Part:
    """A ridge along the necks of one row of teeth, scalloped between them."""
    upper = bool(rows[0, 0])
    up = 1.0 if upper else -1.0
    normal = np.stack([np.sin(rows[:, 7]), np.zeros(len(rows)), np.cos(rows[:, 7])], axis=1)
    place = rows[:, [1, 5, 2]] + normal * 0.06
    place = np.vstack([(place * FLIP)[::-1], place])
    normal = np.vstack([(normal * FLIP)[::-1], normal])
    knots = np.arange(len(place), dtype=float)
    t = np.linspace(-0.4, len(place) - 0.6, 3 * len(place) + 1)
    t = (t - t[::-1]) / 2 + (len(place) - 1) / 2
    spine = np.stack([np.interp(t, knots, place[:, k]) for k in range(3)], axis=1)
    for _ in range(3):
        spine[1:-1] = 0.25 * spine[:-2] + 0.5 * spine[1:-1] + 0.25 * spine[2:]
    outer = np.stack([np.interp(t, knots, normal[:, k]) for k in range(3)], axis=1)
    outer /= np.linalg.norm(outer, axis=1, keepdims=True)
    front = smoothstep(7.0, 1.0, np.abs(t - (len(place) - 1) / 2))
    scallop = 0.5 + 0.5 * np.cos(2 * np.pi * (t - 0.5 - 0.5 * (len(place) % 2 == 0) + 0.5))
    start = (0.62 + 0.28 * front) * (1.0 if upper else 0.88) - 0.26 * (scallop - 0.5)
    angle = 2 * np.pi * np.arange(6) / 6
    rings = []
    for p, o, s in zip(spine, outer, start, strict=True):
        y = s + 0.85 * (0.5 - 0.5 * np.cos(angle))
        d = 0.40 * np.sin(angle) - 0.12
        rings.append(p + up * y[:, None] * np.array([0, 1, 0]) + d[:, None] * o)
    vertices, faces = tube(np.array(rings))
    colour = GUM * _depth_shade(vertices)[:, None]
    return Part("gum", "gums", vertices, outward(vertices, faces), colour)


def teeth_row(table: np.ndarray, upper: bool) -> tuple[Part, Part]:
    """Teeth of one jaw, and their gum; the lower ones follow the jaw."""
    rows = table[table[:, 0] == float(upper)][:7]
    teeth = []
    for number, row in enumerate(rows):
        tooth = _tooth(row, number)
        mirrored = Part("tooth", "teeth", tooth.vertices * FLIP, tooth.faces[:, ::-1].copy(), tooth.colors)
        teeth += [tooth, mirrored]
    out = join("teethUpper" if upper else "teethLower", "teeth", teeth)
    gum = _gum(rows)
    gum.name = "gumUpper" if upper else "gumLower"
    if not upper:
        for part in (out, gum):
            part.deltas = jaw_deltas(part.vertices)
            part.deltas["tongueOut"] = TONGUE_OUT_OPENS * part.deltas["jawOpen"]
    return out, gum


def _tongue_rings(spine: np.ndarray, width: np.ndarray, thick: np.ndarray, roll: float = 0.0) -> np.ndarray:
    """Rings [15,22,3] along a spine; ``roll`` lifts the edges of its front (cm) as far as it narrows."""
    t = np.linspace(0, 1, 15)
    knots = np.linspace(0, 1, len(spine))
    line = np.stack([np.interp(t, knots, spine[:, k]) for k in range(3)], axis=1)
    for _ in range(4):
        line[1:-1] = 0.25 * line[:-2] + 0.5 * line[1:-1] + 0.25 * line[2:]
    w, h = np.interp(t, knots, width), np.interp(t, knots, thick)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.cross(along, np.array([1.0, 0, 0]))
    angle = 2 * np.pi * np.arange(22) / 22
    c, s = np.cos(angle), np.sin(angle)
    top = np.where(s > 0, s - 0.30 * np.exp(-((c / 0.25) ** 2)) * s, s * 0.9)
    round_tip = np.sqrt(np.clip(1 - np.clip((t - 0.78) / 0.225, 0, 1) ** 2, 0.004, 1))
    w, h = w * round_tip, h * (0.35 + 0.65 * round_tip)
    h[-1] *= 0.3
    curl = roll * smoothstep(0.35, 0.8, t)
    w = w * (1 - 0.55 * curl)
    top = top[None] * np.ones((len(t), 1)) + (curl / h)[:, None] * (np.abs(c) ** 1.6)[None]
    side = np.array([1.0, 0, 0])
    return line[:, None] + (w[:, None] * c)[..., None] * side + (h[:, None] * top)[..., None] * up[:, None]


STILL = (0.0, 0.0, 0.0)
TONGUE_BENDS = {  # cm by which the spine's five points move, from the root to the tip; and the edges' lift
    "tongueUp": ((STILL, STILL, (0, 0.05, 0), (0, 0.25, 0), (0, 1.25, -0.15)), 0.0),
    "tongueDown": ((STILL, STILL, (0, -0.05, 0), (0, -0.25, 0.1), (0, -0.75, 0.05)), 0.0),
    "tongueLeft": ((STILL, STILL, (0.15, 0, 0), (0.6, 0, 0), (1.25, 0, -0.2)), 0.0),
    "tongueRoll": ((STILL, STILL, STILL, (0, -0.12, 0), (0, -0.1, 0)), 0.7),
    "tongueIn": ((STILL, (0, 0.1, -0.1), (0, 0.3, -0.4), (0, 0.22, -0.8), (0, 0.1, -1.1)), 0.0),
}


def _mirrored(places: np.ndarray, moves: np.ndarray) -> np.ndarray:
    """The mirror image of displacements [n,3] of points [n,3] that lie symmetrically."""
    return moves[cKDTree(places).query(places * FLIP)[1]] * FLIP


def tongue() -> Part:
    rest = np.array([(0, -5.3, 4.4), (0, -4.2, 5.3), (0, -3.52, 6.6), (0, -3.62, 8.0), (0, -4.02, 9.35)])
    out = np.array([(0, -5.3, 4.4), (0, -4.25, 5.6), (0, -3.72, 8.0), (0, -3.80, 10.8), (0, -4.75, 13.3)])
    shape = np.array([1.5, 1.75, 1.74, 1.62, 1.25])
    neutral, faces = tube(_tongue_rings(rest, shape, np.array([0.5, 0.62, 0.6, 0.48, 0.32])))
    faces = outward(neutral, faces)
    posed, _ = tube(
        _tongue_rings(out, shape * (1, 1, 0.95, 0.95, 1.05), np.array([0.5, 0.6, 0.42, 0.27, 0.26]))
    )
    thick = np.array([0.5, 0.62, 0.6, 0.48, 0.32])
    poses = {
        name: tube(_tongue_rings(rest + np.array(bend), shape, thick, roll))[0]
        for name, (bend, roll) in TONGUE_BENDS.items()
    }
    along = smoothstep(4.4, 6.5, neutral[:, 2])[:, None]
    deltas = {k: d * (0.25 + 0.75 * along) for k, d in jaw_deltas(neutral).items()}
    deltas["tongueOut"] = posed - neutral
    deltas |= {name: bent - neutral for name, bent in poses.items()}
    deltas["tongueRight"] = _mirrored(neutral, deltas["tongueLeft"])
    shade = 0.5 + 0.5 * smoothstep(4.8, 8.6, neutral[:, 2])
    for d in (neutral, *deltas.values()):
        d[np.abs(d) < 1e-9] = 0
    return Part("tongue", "tongue", neutral, faces, TONGUE * shade[:, None], deltas)
