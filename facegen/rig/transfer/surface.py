"""Triangle meshes: vertex welding, connected components, normals, the gradient operator, closest points."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix, csgraph, csr_matrix
from scipy.spatial import cKDTree

WELD_CM = 1e-4
"""Vertices that round to one multiple of this are one place."""


def weld_vertices(vertices: np.ndarray) -> np.ndarray:
    """Number (V,) of the place of each vertex (V, 3), cm: vertices on both sides of a seam share theirs."""
    _, place = np.unique(np.round(vertices / WELD_CM).astype(np.int64), axis=0, return_inverse=True)
    return place.reshape(-1)


def connected_components(faces: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Number (V,) of the connected component of each vertex, with vertices of one ``place`` (V,) joined."""
    edges = place[faces[:, [0, 1, 1, 2]].reshape(-1, 2)]
    count = int(place.max()) + 1
    graph = coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(count, count))
    return csgraph.connected_components(graph, directed=False)[1][place]


def face_normals(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Unit normals (F, 3) and areas (F,) of triangles; normals of faces without area are 0."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    cross = np.cross(b - a, c - a)
    twice = np.linalg.norm(cross, axis=1)
    return cross / np.maximum(twice, 1e-12)[:, None], twice / 2


def gradient(vertices: np.ndarray, faces: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    """The operator (3 F, V) that takes values on vertices to their gradient on each face, and the faces' areas (F,)."""
    unit, area = face_normals(vertices, faces)
    safe = np.maximum(area, 1e-9)
    rows, columns, values = [], [], []
    for corner in range(3):
        after, before = (vertices[faces[:, (corner + k) % 3]].astype(np.float64) for k in (1, 2))
        hat = np.cross(unit, before - after) / (2 * safe)[:, None]
        hat[area < 1e-9] = 0
        for axis in range(3):
            rows.append(3 * np.arange(len(faces)) + axis)
            columns.append(faces[:, corner])
            values.append(hat[:, axis])
    shape = (3 * len(faces), len(vertices))
    data = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_matrix(coo_matrix(data, shape=shape)), area


class NearestPoints:
    """Closest points on a surface, among the faces whose normals agree with those of the points."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        self.vertices, self.faces = vertices.astype(np.float64), faces
        self.normals = face_normals(vertices, faces)[0]
        self._tree = cKDTree(self.vertices[faces].mean(axis=1))

    def find(
        self, points: np.ndarray, normals: np.ndarray, candidates: int = 12, least: float = 0.3
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Find the closest point of the surface.

        Parameters
        ----------
        points, normals : (N, 3) array
        candidates : int
            Faces that are compared, those whose centres are nearest.
        least : float
            Cosine by which the normal of a face has to agree; -2 for any.

        Returns
        -------
        face : (N,) int array
        place : (N, 3) array
        shares : (N, 3) array
            Its barycentric coordinates on the face.
        distance : (N,) array
            Infinite where no candidate agrees.
        """
        _, near = self._tree.query(points, k=min(candidates, len(self.faces)))
        near = near.reshape(len(points), -1)
        best = np.full(len(points), np.inf)
        face = near[:, 0].copy()
        share = np.tile([1 / 3] * 3, (len(points), 1))
        for column in near.T:
            shares = on_triangle(points, self.vertices[self.faces[column]])
            place = np.einsum("nk,nkx->nx", shares, self.vertices[self.faces[column]])
            far = np.linalg.norm(place - points, axis=1)
            far[(self.normals[column] * normals).sum(axis=1) < least] = np.inf
            better = far < best
            best[better], face[better], share[better] = far[better], column[better], shares[better]
        place = np.einsum("nk,nkx->nx", share, self.vertices[self.faces[face]])
        return face, place, share, best


def on_triangle(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates (N, 3) of the point of each triangle (N, 3, 3) that is closest to its point (N, 3)."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    size = np.maximum(d00 * d11 - d01 * d01, 1e-18)
    v, w = (d11 * d20 - d01 * d21) / size, (d00 * d21 - d01 * d20) / size
    shares = np.column_stack([1 - v - w, v, w])
    outside = (shares < 0).any(axis=1)
    if outside.any():
        shares[outside] = _on_edges(points[outside], corners[outside])
    return shares


def _on_edges(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    best, result = np.full(len(points), np.inf), np.zeros((len(points), 3))
    for i, j in ((0, 1), (1, 2), (2, 0)):
        edge = corners[:, j] - corners[:, i]
        along = ((points - corners[:, i]) * edge).sum(1) / np.maximum((edge * edge).sum(1), 1e-18)
        along = np.clip(along, 0, 1)
        far = np.linalg.norm(corners[:, i] + along[:, None] * edge - points, axis=1)
        better = far < best
        best[better] = far[better]
        result[better] = 0
        result[better, i], result[better, j] = 1 - along[better], along[better]
    return result
