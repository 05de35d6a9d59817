"""A part of the head while it is built."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

FLIP = np.array([-1.0, 1.0, 1.0])
UNSEEN = (0.004, 0.016)  # cm of displacement; it is none below the first and whole above the second


@dataclass
class Part:
    """Vertices [n,3] cm, faces [f,3] (counter-clockwise outside), sRGB colours [n,3] in 0..1, deltas by control.

    ``strands`` [n,2] cm, of hair: across its strands, and from its edge.
    """

    name: str
    material: str
    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    deltas: dict[str, np.ndarray] = field(default_factory=dict)
    strands: np.ndarray | None = None


def near(v: np.ndarray, centre: tuple[float, float, float], radius: tuple[float, float, float]) -> np.ndarray:
    """How near points [n,3] lie to a place, which counts on both sides: 1 there, a Gaussian of `radius` cm [n]."""
    x = np.stack([np.abs(v[:, 0]), v[:, 1], v[:, 2]], axis=1)
    return np.exp(-(((x - np.array(centre)) / np.array(radius)) ** 2).sum(axis=1))


def mirrored_name(name: str) -> str:
    """The control on the other side; controls of the middle give themselves, combinations that of each."""
    if "*" in name:
        return "*".join(mirrored_name(n) for n in name.split("*"))
    if name.endswith("Left"):
        return name[:-4] + "Right"
    if name.endswith("Right"):
        return name[:-5] + "Left"
    return name


def mirror_part(part: Part, name: str) -> Part:
    """The mirror image, with left and right controls exchanged."""
    deltas = {mirrored_name(k): d * FLIP for k, d in part.deltas.items()}
    faces = part.faces[:, ::-1].copy()
    return Part(name, part.material, part.vertices * FLIP, faces, part.colors.copy(), deltas, part.strands)


def join(name: str, material: str, parts: list[Part]) -> Part:
    """One part of several; controls absent in one of them leave it still."""
    starts = np.cumsum([0] + [len(p.vertices) for p in parts])
    deltas = {}
    for control in sorted({c for p in parts for c in p.deltas}):
        deltas[control] = np.vstack([p.deltas.get(control, np.zeros_like(p.vertices)) for p in parts])
    return Part(
        name,
        material,
        np.vstack([p.vertices for p in parts]),
        np.vstack([p.faces + s for p, s in zip(parts, starts, strict=False)]),
        np.vstack([p.colors for p in parts]),
        deltas,
        None if parts[0].strands is None else np.vstack([p.strands for p in parts]),  # type: ignore[misc]
    )


def tube(rings: np.ndarray, caps: tuple[bool, bool] = (True, True)) -> tuple[np.ndarray, np.ndarray]:
    """A surface through rings [r,n,3], each closed, with optional end points: vertices and faces.

    Faces look outwards when each ring runs counter-clockwise seen from the last ring towards the first.
    """
    r, n, _ = rings.shape
    vertices = [rings.reshape(-1, 3)]
    faces = []
    for k in range(r - 1):
        for j in range(n):
            i = (j + 1) % n
            a, b, c, d = k * n + j, k * n + i, (k + 1) * n + i, (k + 1) * n + j
            faces += [(a, b, c), (a, c, d)]
    count = r * n
    for end, wanted in zip((0, r - 1), caps, strict=True):
        if not wanted:
            continue
        vertices.append(rings[end].mean(axis=0, keepdims=True))
        for j in range(n):
            a, b = end * n + j, end * n + (j + 1) % n
            faces.append((b, a, count) if end == 0 else (a, b, count))
        count += 1
    return np.vstack(vertices), np.array(faces)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def without_small(delta: np.ndarray, exact: np.ndarray | float = 0.0) -> np.ndarray:
    """Displacements [n,3] with those too small to be seen faded out (by less than 0.006 cm), except where `exact`."""
    size = np.linalg.norm(delta, axis=1)
    return delta * np.maximum(smoothstep(*UNSEEN, size), exact)[:, None]


def vertex_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Area-weighted unit normals [n,3]."""
    flat = np.cross(
        vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]]
    )
    out = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(out, faces[:, k], flat)
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
