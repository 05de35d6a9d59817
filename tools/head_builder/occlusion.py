"""Ambient occlusion by depth maps from many directions, to darken hollows (nostrils, ears) in the vertex colours."""

from __future__ import annotations

import numpy as np

from tools.head_builder.part import vertex_normals

CELL = 0.13  # cm
DIRECTIONS = 96
BIAS = 0.16  # cm


def openness(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Share of the sky that each vertex sees, weighted by the cosine [n], 1 where nothing is in the way."""
    k = np.arange(DIRECTIONS)
    height = 1 - (2 * k + 1) / DIRECTIONS
    turn = k * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - height**2)
    directions = np.stack([ring * np.cos(turn), height, ring * np.sin(turn)], axis=1)
    corner = vertices[faces]
    blocks = np.vstack(
        [vertices, corner.mean(axis=1), (corner[:, 0] + corner[:, 1]) / 2, (corner[:, 1] + corner[:, 2]) / 2]
    )
    normal = vertex_normals(vertices, faces)
    eye = vertices + 0.05 * normal
    seen, total = np.zeros(len(vertices)), np.zeros(len(vertices))
    for d in directions:
        helper = np.eye(3)[np.argmin(np.abs(d))]
        a = np.cross(d, helper)
        a /= np.linalg.norm(a)
        b = np.cross(d, a)
        grid = np.floor(np.stack([blocks @ a, blocks @ b], axis=1) / CELL).astype(int)
        low = grid.min(axis=0) - 1
        shape = grid.max(axis=0) - low + 2
        depth = np.full(shape, -np.inf)
        np.maximum.at(depth, tuple((grid - low).T), blocks @ d)
        at = np.floor(np.stack([eye @ a, eye @ b], axis=1) / CELL).astype(int) - low
        at = np.clip(at, 0, np.array(shape) - 1)
        free = eye @ d > depth[at[:, 0], at[:, 1]] - BIAS
        cosine = np.maximum(normal @ d, 0)
        seen += cosine * free
        total += cosine
    return seen / np.maximum(total, 1e-9)


def smoothed(values: np.ndarray, faces: np.ndarray, steps: int) -> np.ndarray:
    """Averages values [n] over neighbours, `steps` times."""
    for _ in range(steps):
        mean = values[faces].mean(axis=1)
        total, count = np.zeros_like(values), np.zeros_like(values)
        for k in range(3):
            np.add.at(total, faces[:, k], mean)
            np.add.at(count, faces[:, k], 1)
        values = total / np.maximum(count, 1)
    return values
