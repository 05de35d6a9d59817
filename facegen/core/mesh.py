"""``Mesh``: triangles in cm, +Y up, facing +Z, the normals that follow from them, and colours as sRGB and as light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from facegen.core.errors import RigError


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in cm, +Y up, facing +Z.

    Parameters
    ----------
    vertices : ndarray of float32, shape (V, 3)
        Positions in cm.
    faces : ndarray of int32, shape (F, 3)
        Vertices of each triangle, counter-clockwise from outside.
    uvs : ndarray of float32, shape (V, 2), or None
        Texture coordinates.
    colors : ndarray of uint8, shape (V, 3), or None
        sRGB.

    Raises
    ------
    RigError
        For what is not finite, has another shape, or points outside the vertices.
    """

    vertices: np.ndarray
    faces: np.ndarray
    uvs: np.ndarray | None = None
    colors: np.ndarray | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "vertices", np.ascontiguousarray(self.vertices, np.float32))
        put(self, "faces", np.ascontiguousarray(self.faces, np.int32))
        if self.vertices.ndim != 2 or self.vertices.shape[1] != 3 or len(self.vertices) == 0:
            raise RigError(f"vertices have shape {self.vertices.shape}, expected [V, 3]")
        if self.faces.ndim != 2 or self.faces.shape[1] != 3:
            raise RigError(f"faces have shape {self.faces.shape}, expected [F, 3]")
        if not np.isfinite(self.vertices).all():
            raise RigError("a vertex is not finite", remedy="mend the mesh")
        if len(self.faces) and not (0 <= self.faces.min() and self.faces.max() < len(self.vertices)):
            raise RigError(f"a face points outside the {len(self.vertices)} vertices", remedy="mend the mesh")
        for name in ("uvs", "colors"):
            rows = getattr(self, name)
            if rows is not None and len(rows) != len(self.vertices):
                raise RigError(f"{len(rows)} {name} for {len(self.vertices)} vertices")


def to_linear(srgb: np.ndarray) -> np.ndarray:
    """Linear light of sRGB shares of 1 (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def to_srgb(linear: np.ndarray) -> np.ndarray:
    """Linear light as sRGB shares of 1, the reverse of ``to_linear``."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Unit vertex normals: those of the faces weighted by area, then normalised.

    Parameters
    ----------
    vertices : ndarray, shape (V, 3)
    faces : ndarray of int, shape (F, 3)

    Returns
    -------
    ndarray of float32, shape (V, 3)
        +Z where a vertex has no face of any area.
    """
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    face = np.cross(b - a, c - a)
    total = np.zeros_like(vertices, dtype=np.float64)
    for axis in range(3):
        for corner in range(3):
            total[:, axis] += np.bincount(faces[:, corner], face[:, axis], len(vertices))
    length = np.linalg.norm(total, axis=1, keepdims=True)
    unit = np.divide(total, length, out=np.zeros_like(total), where=length > 1e-12)
    unit[length[:, 0] <= 1e-12] = (0.0, 0.0, 1.0)
    return unit.astype(np.float32)
