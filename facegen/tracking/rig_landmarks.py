"""MediaPipe's landmarks on a rig's head, and how its controls move them: rigs/<name>/landmarks.csv."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np

from facegen.core.errors import RigError
from facegen.core.files import read_text
from facegen.rig import Rig, default_head, load_rig
from facegen.rig.load import rigs_folder

FILE = "landmarks.csv"
LEAST_WEIGHT = 0.1
"""Landmarks of less weight, whose place on the head is uncertain, are left out."""
MAX_BYTES = 2**20

UPPER_LIP, LOWER_LIP = 13, 14
CORNERS = (61, 291)
EYES = (33, 263)
"""Inner lips at the middle, mouth corners and outer eye corners (right, left): the points that lips are measured by."""


@dataclass(frozen=True, eq=False)
class RigLandmarks:
    """Landmarks on a rig's head.

    Attributes
    ----------
    rig : Rig
        With C controls.
    landmarks : (N,) int array
        MediaPipe's numbers.
    regions : (N,) str array
        lips, lid, brow, nose, oval or cheek.
    weight : (N,) array
        How certain the place is, 0..1.
    corners : (N, 3) int array
        The vertices between which a landmark lies.
    shares : (N, 3) array
        Its barycentric coordinates.
    rest : (N, 3) array
        cm.
    deltas : (C, N, 3) array
        Displacements, cm, at 1 of each control.
    """

    rig: Rig
    landmarks: np.ndarray
    regions: np.ndarray
    weight: np.ndarray
    corners: np.ndarray
    shares: np.ndarray
    rest: np.ndarray
    deltas: np.ndarray

    def at(self, landmark: int) -> int:
        """The row of a landmark."""
        return int(np.flatnonzero(self.landmarks == landmark)[0])

    def has(self, *landmarks: int) -> bool:
        return all((self.landmarks == landmark).any() for landmark in landmarks)


def load_rig_landmarks(rig: str | PathLike = "aria", least: float = LEAST_WEIGHT) -> RigLandmarks:
    """Load the landmarks of a rig.

    Parameters
    ----------
    rig : str or PathLike
        Name or folder of a rig.
    least : float
        Landmarks of less weight are left out.

    Returns
    -------
    RigLandmarks

    Raises
    ------
    RigError
        Where the rig has no mesh, no landmarks.csv, or one that is broken.
    """
    head = default_head(load_rig(rig))
    folder = Path(rig) if Path(rig).is_dir() else rigs_folder() / head.name
    path = folder / FILE
    if not path.is_file():
        raise RigError(
            f"the rig has no {FILE}, which tells where the tracked points lie on its head",
            path=rig,
            remedy="make it by tools/head_builder/build_landmarks.py, or use the rig aria",
        )
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path, limit=MAX_BYTES, error=RigError))))
        kept = [row for row in rows if float(row["weight"]) >= least]
        corners = np.array([[int(row[c]) for c in "abc"] for row in kept])
        shares = np.array([[float(row[f"share_{c}"]) for c in "abc"] for row in kept])
        points = _points(head, kept, corners, shares)
    except (KeyError, TypeError, ValueError, OverflowError, IndexError) as fault:
        raise RigError(f"is no table of landmarks ({fault})", path=path, remedy="make it again") from fault
    if not points.has(UPPER_LIP, LOWER_LIP, *CORNERS, *EYES):
        raise RigError("lacks a landmark of lips or eyes", path=path, remedy="make it again")
    return points


def _points(rig: Rig, rows: list[dict], corners: np.ndarray, shares: np.ndarray) -> RigLandmarks:
    count = len(rig.mesh.vertices)  # type: ignore[union-attr]
    if corners.min() < 0 or corners.max() >= count:
        raise ValueError(f"a vertex beyond {count}")
    rest = (rig.mesh.vertices[corners].astype(np.float64) * shares[..., None]).sum(axis=1)  # type: ignore[union-attr]
    deltas = (rig.dense_deltas()[:, corners].astype(np.float64) * shares[..., None]).sum(axis=2)
    return RigLandmarks(
        rig,
        np.array([int(row["landmark"]) for row in rows]),
        np.array([row["region"] for row in rows]),
        np.array([float(row["weight"]) for row in rows]),
        corners,
        shares,
        rest,
        deltas,
    )
