"""The control solver: landmark motion to rig controls by bounded, temporally smooth least squares, with exact lips."""

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
"""Standard deviation of a landmark about what the rig's shapes can show: tracker noise and difference of anatomy."""
DEPTH_NOISE = 3.0
"""Noise of a landmark's depth, as a multiple of that in the image plane."""
REGION_WEIGHTS = {"lips": 1.5, "brow": 1.5, "lid": 0.0, "nose": 0.7, "oval": 1.0, "cheek": 0.7}
"""Weight of a region's landmarks; lids are solved apart (``eyelids_gaze``)."""
LOWER_LIDS = (374, 380, 373, 145, 153, 144)
APERTURE_CM, WIDTH_CM = 0.03, 0.06
"""Standard deviation of the gap between the lips and of the mouth's width."""
INNER_LIPS = ((UPPER_LIP, LOWER_LIP), (82, 87), (312, 317), (81, 178), (311, 402))
"""Pairs of landmarks on the inner lips, upper and lower: at the middle and beside it."""
CHANGE = 0.4
"""Usual change of a control from frame to frame at 25 frames a second, as a share of its usual size."""
CORRECTIONS = 6
"""Rounds of the exact correction of the lips, which interact."""


@lru_cache(maxsize=1)
def priors() -> tuple[tuple[str, float, float], ...]:
    """Name pattern, usual size (standard deviation, control units) and price of each control that is solved for."""
    text = (files("facegen.data") / "track_controls.csv").read_text("utf-8")
    rows = csv.DictReader(io.StringIO(text))
    return tuple((r["control"], float(r["spread"]), float(r["price"])) for r in rows)


@dataclass(frozen=True, eq=False)
class Solver:
    """The least squares of one rig.

    Attributes
    ----------
    face : RigLandmarks
        N landmarks on the rig.
    names : tuple of C str
        The controls that are solved for.
    columns : (C,) int array
        Their numbers in the rig.
    spread : (C,) array
        Usual size, control units.
    price : (C,) array
        Cost of a control's size, in units of ``spread``.
    point_scale : (N, 3) array
        One over the noise of each coordinate, 1/cm.
    design : (C, M) array
        What a control at 1 moves, over the noise: landmarks, then lip measures.
    """

    face: RigLandmarks
    names: tuple[str, ...]
    columns: np.ndarray
    spread: np.ndarray
    price: np.ndarray
    point_scale: np.ndarray
    design: np.ndarray

    @classmethod
    def of(cls, face: RigLandmarks) -> Solver:
        """The solver for the controls of ``face.rig`` that have a prior and move a landmark."""
        chosen = [
            (column, name, spread, price)
            for column, name in enumerate(face.rig.control_names)
            for pattern, spread, price in priors()
            if fnmatchcase(name, pattern) and np.abs(face.deltas[column]).max() > 1e-3
        ]
        columns = np.array([row[0] for row in chosen])
        weight = face.weight * np.array([REGION_WEIGHTS.get(region, 0.5) for region in face.regions])
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
        """Low and high (C,) of the controls, control units."""
        controls = [self.face.rig.controls[c] for c in self.columns]
        return np.array([c.low for c in controls]), np.array([c.high for c in controls])

    def solve(self, moved: np.ndarray, lips: np.ndarray, fps: float) -> np.ndarray:
        """Solve for the controls that move the landmarks.

        Parameters
        ----------
        moved : (T, N, 3) array
            Displacements of the landmarks from neutral, cm.
        lips : (T, L) array
            Changes of the lip measures (``lip_rows``), cm.
        fps : float
            Frames a second.

        Returns
        -------
        (T, C) array
            Control values within their limits.
        """
        goal = np.concatenate(
            [(moved * self.point_scale).reshape(len(moved), -1), lips / lip_noise(self.face)], axis=1
        )
        low, high = (limit / self.spread for limit in self.limits())
        design = self.design * self.spread[:, None]  # controls in units of their usual size
        gram = design @ design.T + np.eye(len(design))
        values = solve_admm(gram, goal @ design.T - self.price, fps / 25 / CHANGE**2, low, high) * self.spread
        return self.exact(values, lips)

    def exact(self, values: np.ndarray, lips: np.ndarray) -> np.ndarray:
        """Correct controls so that the gap between the lips and the mouth's width are met exactly.

        A cyclic projection onto the two equations (Kaczmarz 1937), weighted by the squared usual sizes, as far as the
        limits allow.

        Parameters
        ----------
        values : (T, C) array
        lips : (T, L) array
            As for ``solve``; the first and the last column are met.

        Returns
        -------
        (T, C) array
        """
        rows = lip_rows(self.face.deltas[self.columns], self.face)[:, [0, -1]]
        low, high = self.limits()
        values = values.copy()
        for _ in range(CORRECTIONS):
            for row, goal in zip(rows.T, lips[:, [0, -1]].T, strict=True):
                error = (goal - values @ row)[:, None]
                share = np.where(error * row > 0, high - values, values - low) * self.spread**2
                step = share * row * error / np.maximum(share @ row**2, 1e-9)[:, None]
                values = np.clip(values + step, low, high)
        return values


def lip_rows(places: np.ndarray, face: RigLandmarks) -> np.ndarray:
    """Lip measures (..., L), cm, of landmarks (..., N, 3): gaps of the inner lips, then width."""
    pairs = [pair for pair in INNER_LIPS if face.has(*pair)]
    gaps = [places[..., face.at(up), 1] - places[..., face.at(low), 1] for up, low in pairs]
    width = places[..., face.at(CORNERS[1]), 0] - places[..., face.at(CORNERS[0]), 0]
    return np.stack([*gaps, width], axis=-1)


def lip_noise(face: RigLandmarks) -> np.ndarray:
    """Standard deviations (L,), cm, of the lip measures."""
    pairs = [pair for pair in INNER_LIPS if face.has(*pair)]
    return np.array([APERTURE_CM, *[2 * APERTURE_CM] * (len(pairs) - 1), WIDTH_CM])


def eye_span(face: RigLandmarks, places: np.ndarray) -> np.ndarray:
    """The distance of the outer eye corners (...) of landmarks (..., N, 3), in their unit."""
    return np.linalg.norm(places[..., face.at(EYES[1]), :] - places[..., face.at(EYES[0]), :], axis=-1)
