"""The files of the built-in head, read plainly."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
ARIA = ROOT / "rigs" / "aria"
FLIP = np.array([-1.0, 1.0, 1.0])


class Head:
    """The two files, read plainly."""

    def __init__(self) -> None:
        self.rig = json.loads((ARIA / "rig.json").read_text(encoding="utf-8"))
        self.arrays = load_file(ARIA / "mesh.safetensors")
        self.vertices = self.arrays["vertices"].astype(float)
        self.faces = self.arrays["faces"]
        self.names = [c["name"] for c in self.rig["controls"]]
        self.combinations = [tuple(of) for of in self.rig["combinations"]]
        self.parts = {p["name"]: p for p in self.rig["parts"]}

    def delta(self, name: str) -> np.ndarray:
        return self.shape(self.names.index(name))

    def shape(self, k: int) -> np.ndarray:
        rows = slice(*self.arrays["delta_offsets"][k : k + 2])
        out = np.zeros_like(self.vertices)
        out[self.arrays["delta_index"][rows]] = self.arrays["delta_value"][rows]
        return out

    def combined(self, of: tuple[str, ...]) -> np.ndarray:
        return self.shape(len(self.names) + self.combinations.index(of))

    def pose(self, **weights: float) -> np.ndarray:
        posed = self.vertices + sum((w * self.delta(n) for n, w in weights.items()), np.zeros(3))
        for of in self.combinations:
            if all(n in weights for n in of):
                posed = posed + np.prod([weights[n] for n in of]) * self.combined(of)
        return posed

    def span(self, part: str) -> slice:
        return slice(*self.parts[part]["vertices"])

    def part_faces(self, part: str) -> np.ndarray:
        return self.faces[slice(*self.parts[part]["faces"])]

    def landmark(self, name: str) -> int:
        return self.rig["landmarks"][name]

    def near_left_eye(self) -> np.ndarray:
        """Skin vertices within 2.2 cm of the left eyeball's centre and in front of it."""
        arm = self.vertices[self.span("skin")] - self.rig["pivots"]["eyeLeft"]
        chosen = (np.linalg.norm(arm, axis=1) < 2.2) & (arm[:, 2] > 0.5)
        return np.flatnonzero(chosen) + self.span("skin").start

    def lip_gap(self, posed: np.ndarray) -> float:
        return float(posed[self.landmark("lipUpperInner"), 1] - posed[self.landmark("lipLowerInner"), 1])


HEAD = Head()
LEFT = [n for n in HEAD.names if n.endswith("Left")]
MIDDLE = [n for n in HEAD.names if not n.endswith(("Left", "Right"))]


def other_side(name: str) -> str:
    return name[:-4] + "Right" if name.endswith("Left") else name


def border(faces: np.ndarray) -> np.ndarray:
    """Directed edges [E,2] whose reverse is not there."""
    sides = np.vstack([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    have = set(map(tuple, sides.tolist()))
    return np.array([e for e in sorted(have) if (e[1], e[0]) not in have]).reshape(-1, 2)


def areas(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    size = np.linalg.norm(n, axis=1)
    return size / 2, n / np.maximum(size, 1e-15)[:, None]


def against_neighbours(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Which triangles [F] face away from the mean of the triangles around their corners."""
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    flat, around = np.cross(b - a, c - a), np.zeros_like(vertices)
    for k in range(3):
        np.add.at(around, faces[:, k], flat)
    return (flat * around[faces].sum(axis=1)).sum(axis=1) < 0
