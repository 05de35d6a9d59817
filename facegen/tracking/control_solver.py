"""Controls from how landmarks move: bounded, temporally smooth least squares on the rig's head, and exact lips."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files

import numpy as np

from facegen.rig.least_squares import solve_admm
from facegen.tracking.rig_landmarks import CORNERS, EYES, LOWER_LIP, UPPER_LIP, RigLandmarks

NOISE_CM = 0.1
"""What the tracker's points and the head's shapes leave of each other, standard deviation."""
DEPTH_NOISE = 3.0
"""Their depth is so many times less sure."""
IMPORTANCE = {"lips": 1.5, "brow": 1.5, "lid": 0.0, "nose": 0.7, "oval": 1.0, "cheek": 0.7}
LOWER_LIDS = (374, 380, 373, 145, 153, 144)
APERTURE_CM, WIDTH_CM = 0.03, 0.06
"""The same for the gap between the lips and the mouth's width."""
INNER_LIPS = ((UPPER_LIP, LOWER_LIP), (82, 87), (312, 317), (81, 178), (311, 402))
"""Inner lips, above and below: at the middle and beside it."""
CHANGE = 0.4
"""How much a control changes from frame to frame at 25 a second, as a share of its usual size."""
CORRECTIONS = 6


@lru_cache(maxsize=1)
def priors() -> tuple[tuple[str, float, float], ...]:
    """Name pattern, usual size (standard deviation) and price of each control that the landmarks are solved for."""
    text = (files("facegen.data") / "track_controls.csv").read_text("utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return tuple((r["control"], float(r["spread"]), float(r["price"])) for r in rows)


@dataclass(frozen=True, eq=False)
class Solver:
    """Rows of ``design`` [C, M] (cm at 1 of a control, over their noise) for the controls ``names`` [C]."""

    face: RigLandmarks
    names: tuple[str, ...]
    columns: np.ndarray
    spread: np.ndarray
    price: np.ndarray
    point_scale: np.ndarray
    design: np.ndarray

    @classmethod
    def of(cls, face: RigLandmarks) -> Solver:
        chosen = [
            (column, name, spread, price)
            for column, name in enumerate(face.rig.control_names)
            for pattern, spread, price in priors()
            if fnmatchcase(name, pattern) and np.abs(face.deltas[column]).max() > 1e-3
        ]
        columns = np.array([row[0] for row in chosen])
        weight = face.weight * np.array([IMPORTANCE.get(region, 0.5) for region in face.regions])
        weight[np.isin(face.landmarks, LOWER_LIDS)] = 0.5
        scale = np.sqrt(weight)[:, None] / NOISE_CM / np.array((1.0, 1.0, DEPTH_NOISE))
        points = (face.deltas[columns] * scale).reshape(len(columns), -1)
        lips = lip_rows(face.deltas[columns], face) / lip_noise(face)
        return cls(
            face,
            tuple(row[1] for row in chosen),
            columns,
            np.array([row[2] for row in chosen]),
            np.array([row[3] for row in chosen]),
            scale,
            np.concatenate([points, lips], axis=1),
        )

    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        controls = [self.face.rig.controls[c] for c in self.columns]
        return np.array([c.low for c in controls]), np.array([c.high for c in controls])

    def solve(self, moved: np.ndarray, lips: np.ndarray, fps: float) -> np.ndarray:
        """Controls [T, C] for the points' displacements ``moved`` [T, N, 3] cm from neutral and the ``lips`` [T, L]
        that ``lip_rows`` should give."""
        goal = np.concatenate(
            [(moved * self.point_scale).reshape(len(moved), -1), lips / lip_noise(self.face)], axis=1
        )
        low, high = (limit / self.spread for limit in self.limits())
        design = self.design * self.spread[:, None]  # controls in units of their usual size
        gram = design @ design.T + np.eye(len(design))
        values = solve_admm(gram, goal @ design.T - self.price, fps / 25 / CHANGE**2, low, high) * self.spread
        return self.exact(values, lips)

    def exact(self, values: np.ndarray, lips: np.ndarray) -> np.ndarray:
        """``values`` [T, C] moved as little as their usual sizes allow so that gap and width of the mouth are those
        asked for (the first two of ``lips``), as far as the limits let them."""
        rows = lip_rows(self.face.deltas[self.columns], self.face)[:, [0, -1]]
        low, high = self.limits()
        values = values.copy()
        for _ in range(CORRECTIONS):
            for row, wanted in zip(rows.T, lips[:, [0, -1]].T, strict=True):
                left = (wanted - values @ row)[:, None]
                share = np.where(left * row > 0, high - values, values - low) * self.spread**2
                step = share * row * left / np.maximum(share @ row**2, 1e-9)[:, None]
                values = np.clip(values + step, low, high)
        return values


def lip_rows(places: np.ndarray, face: RigLandmarks) -> np.ndarray:
    """Gaps of the inner lips at the middle and beside it, and the mouth's width, of ``places`` [..., N, 3]: [..., L]."""
    pairs = [pair for pair in INNER_LIPS if face.has(*pair)]
    gaps = [places[..., face.at(up), 1] - places[..., face.at(low), 1] for up, low in pairs]
    width = places[..., face.at(CORNERS[1]), 0] - places[..., face.at(CORNERS[0]), 0]
    return np.stack([*gaps, width], axis=-1)


def lip_noise(face: RigLandmarks) -> np.ndarray:
    pairs = [pair for pair in INNER_LIPS if face.has(*pair)]
    return np.array([APERTURE_CM, *[2 * APERTURE_CM] * (len(pairs) - 1), WIDTH_CM])


def eye_span(face: RigLandmarks, places: np.ndarray) -> np.ndarray:
    """The distance of the outer eye corners, [...]."""
    return np.linalg.norm(places[..., face.at(EYES[1]), :] - places[..., face.at(EYES[0]), :], axis=-1)
