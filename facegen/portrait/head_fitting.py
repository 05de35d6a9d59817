"""Fitting the rig's head to a photo: pose, identity, resting expression, and the controls' deltas in the picture."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.optimize import lsq_linear

from facegen.core.mesh import normals
from facegen.rig import Rig, load_rig
from facegen.rig.transfer.registration import similarity
from facegen.tracking.control_solver import eye_span
from facegen.tracking.head_pose import MOBILE_CM, align, camera_axes, unposed
from facegen.tracking.rig_landmarks import RigLandmarks

RIG = "aria"
INNER_LIPS = (
    (13, 14),
    (82, 87),
    (312, 317),
    (81, 178),
    (311, 402),
    (80, 88),
    (310, 318),
    (191, 95),
    (415, 324),
)
"""mediapipe landmarks of the inner lips: (upper, lower) pairs."""
LIDS = {"Right": ((159, 145), (158, 153), (160, 144)), "Left": ((386, 374), (385, 380), (387, 373))}
EYE_CORNERS = {"Right": (33, 133), "Left": (362, 263)}
IRIS = {"Right": 468, "Left": 473}
MOUTH_CORNERS = (78, 308)
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
"""mediapipe landmarks of the face's outline, in order."""
CONTACT = 0.025
"""Gap over the distance of the outer eye corners up to which lips count as closed."""
DEPTH_SHARE = 0.35
"""Weight of the tracker's depth against the rig's, 0 to 1; the tracker's depth is a guess. Chosen by trial."""
PARTING = ("jawOpen", "mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight")
PARTING_COST = 0.15
SHUT_SHARE = 0.4
"""Lids that open less than this share of the rig's opening count as closed in the photo."""
SMOOTHING = 0.3
OVER, FRONT_CM = 1.06, 2.0
"""The face's mesh reaches so far beyond its outline, and only over the front of the rig's head."""
FAR_CM = 0.1
"""Vertices that a control moves further are bent to the photo exactly, others by the similarity."""
INSIDE = ("mouth", "teethUpper", "gumUpper", "teethLower", "gumLower", "tongue")
EYEBALLS = ("eyeLeft", "eyeRight")
BEHIND_CM, TEETH_DOWN_CM = 0.25, 0.12
"""How much further back than the rig's the inside of the mouth and the eyes lie, so that nothing pokes through lips
and lids that were bent to the photo; teeth hang a little lower, so that open lips show the upper ones."""


@dataclass(frozen=True, eq=False)
class FittedEyeball:
    """An eyeball: ``vertices`` [n, 3] px about nothing yet turned, ``faces``, its ``centre`` [3] and ``radius`` px."""

    vertices: np.ndarray
    faces: np.ndarray
    centre: np.ndarray
    radius: float


@dataclass(frozen=True, eq=False)
class MouthInterior:
    """What lies in the mouth: ``vertices`` [n, 3] px, ``faces``, the rig's ``colors`` [n, 3] and ``parts`` [n] (index
    into INSIDE), ``deltas`` [C, n, 3]."""

    vertices: np.ndarray
    faces: np.ndarray
    colors: np.ndarray
    parts: np.ndarray
    deltas: np.ndarray


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A head as the photo shows it, in pixels: x right, y up, z to the camera, the origin at the photo's top left.

    ``skin`` [V, 3], ``faces`` [F, 3] and ``deltas`` [C, V, 3] (at 1 of ``controls``); ``at_rest`` [C] are the controls
    that the photo shows. ``scale`` px a cm, ``rotation`` [3, 3] and ``pivot`` [3] of the head. ``outline`` [n, 2] is the
    face's, in pixels, y down.
    """

    controls: tuple[str, ...]
    skin: np.ndarray
    faces: np.ndarray
    deltas: np.ndarray
    at_rest: np.ndarray
    inside: MouthInterior
    eyes: dict[str, FittedEyeball]
    scale: float
    rotation: np.ndarray
    pivot: np.ndarray
    landmarks: np.ndarray
    outline: np.ndarray
    surface: np.ndarray
    """[n, 3]: the front of the whole head, scalp, ears and neck among it, for the depth of what lies around the face."""

    @property
    def face_size(self) -> tuple[float, float]:
        """Width and height of the face's outline, pixels."""
        width, height = np.ptp(self.outline, axis=0)
        return float(width), float(height)


class FaceFit:
    """A smooth map of space that takes ``source`` points (n, 3) close to ``target`` (n, 3).

    A similarity transform, and a smoothed thin-plate spline (Duchon 1977) of the residual.
    """

    def __init__(self, source: np.ndarray, target: np.ndarray) -> None:
        self.scale, self.rotation, self.shift = similarity(source, target)
        near = self._rigid(source)
        near, kept = np.unique(np.round(near, 6), axis=0, return_index=True)
        left = (target - self._rigid(source))[kept]
        self._field = RBFInterpolator(near, left, kernel="thin_plate_spline", smoothing=SMOOTHING)

    def _rigid(self, points: np.ndarray) -> np.ndarray:
        return self.scale * points @ self.rotation.T + self.shift

    def __call__(self, points: np.ndarray) -> np.ndarray:
        near = self._rigid(np.asarray(points, np.float64))
        return near + self._field(near)


def all_points(rig: Rig) -> RigLandmarks:
    """Return all visible mediapipe face landmarks as points on the rig ``aria``."""
    rows = list(
        csv.DictReader(io.StringIO((files("facegen.data") / "portrait_points.csv").read_text("utf-8")))
    )
    corners = np.array([[int(row[c]) for c in "abc"] for row in rows])
    shares = np.array([[float(row[f"share_{c}"]) for c in "abc"] for row in rows])
    assert rig.mesh is not None
    rest = (rig.mesh.vertices[corners] * shares[..., None]).sum(axis=1)
    deltas = (rig.dense_deltas()[:, corners] * shares[..., None]).sum(axis=2)
    landmarks = np.array([int(row["landmark"]) for row in rows])
    regions = np.array([row["region"] for row in rows])
    return RigLandmarks(rig, landmarks, regions, np.ones(len(rows)), corners, shares, rest, deltas)


def fit_head(landmarks: np.ndarray) -> FittedHead:
    """Fit the rig ``aria`` to the landmarks of a photo.

    Parameters
    ----------
    landmarks : (478, 3) float32
        mediapipe face landmarks in pixels: x right, y down, z away from the camera.

    Returns
    -------
    FittedHead
        The head in pixels of the photo.
    """
    rig = load_rig(RIG)
    face = all_points(rig)
    points = camera_axes(landmarks[None])[0]
    seen = points[face.landmarks]
    weight = 1 / (1 + (np.linalg.norm(face.deltas, axis=2).max(axis=0) / MOBILE_CM) ** 2)
    turns, scales, shifts = align(seen[None], face.rest, weight)
    pose = turns[0], float(scales[0]), shifts[0]
    still = unposed(seen[None], turns, scales, shifts)[0]
    still, at_rest = _expression(still, face)
    posed = face.rest + np.tensordot(at_rest, face.deltas, axes=1)
    still[:, 2] = posed[:, 2] + DEPTH_SHARE * (still[:, 2] - posed[:, 2])
    warp = FaceFit(posed, still)
    return _assemble(rig, face, warp, at_rest, pose, landmarks, still)


def _expression(still: np.ndarray, face: RigLandmarks) -> tuple[np.ndarray, np.ndarray]:
    """The points, lips that touch made one line, and the controls [C] of lips and lids that the photo shows."""
    still, at = still.copy(), {int(n): row for row, n in enumerate(face.landmarks)}
    values = np.zeros(len(face.rig.controls))
    span = float(eye_span(face, still))
    if still[at[13], 1] - still[at[14], 1] < CONTACT * span:
        for up, low in INNER_LIPS:
            still[[at[up], at[low]]] = still[[at[up], at[low]]].mean(axis=0)
    else:
        unit = float(eye_span(face, face.rest)) / span
        rows = [face.rig.control_names.index(name) for name in PARTING]
        values[rows] = _lip_opening_controls(
            unit * _gaps(still, at), _gaps(face.rest, at), face.deltas[rows], at
        )
    names = face.rig.control_names
    for side, pairs in LIDS.items():
        opened, usual = (_opening(places, at, pairs, EYE_CORNERS[side]) for places in (still, face.rest))
        if opened < SHUT_SHARE * usual:
            values[names.index("eyeBlink" + side)] = np.clip(1 - opened / usual, 0, 1)
    return still, values


def _gaps(places: np.ndarray, at: dict[int, int]) -> np.ndarray:
    return np.array([places[..., at[up], 1] - places[..., at[low], 1] for up, low in INNER_LIPS])


def _lip_opening_controls(
    seen: np.ndarray, closed: np.ndarray, deltas: np.ndarray, at: dict[int, int]
) -> np.ndarray:
    """Values of the controls with ``deltas`` [n, N, 3] that part the lips as far as is ``seen``."""
    design = np.concatenate([_gaps(deltas, at), PARTING_COST * np.eye(len(deltas))])
    goal = np.concatenate([np.maximum(seen - closed, 0.0), np.zeros(len(deltas))])
    return lsq_linear(design, goal, bounds=(0.0, 1.0)).x


def _opening(places: np.ndarray, at: dict[int, int], pairs: tuple, corners: tuple[int, int]) -> float:
    gaps = [places[at[up], 1] - places[at[low], 1] for up, low in pairs if up in at and low in at]
    width = np.linalg.norm((places[at[corners[1]]] - places[at[corners[0]]])[:2])
    return float(np.mean(gaps) / max(float(width), 1e-6))


def _assemble(
    rig: Rig,
    face: RigLandmarks,
    warp: FaceFit,
    at_rest: np.ndarray,
    pose: tuple[np.ndarray, float, np.ndarray],
    landmarks: np.ndarray,
    still: np.ndarray,
) -> FittedHead:
    turn, scale, shift = pose
    mesh = rig.mesh
    assert mesh is not None
    dense = rig.dense_deltas().astype(np.float64)

    def placed(points: np.ndarray) -> np.ndarray:
        return scale * points @ turn.T + shift

    outline = landmarks[list(OVAL), :2].astype(np.float64)
    part = {p.name: p for p in rig.parts}
    own = slice(*part["skin"].vertices)
    posed = mesh.vertices[own] + np.tensordot(at_rest, dense[:, own], axes=1)
    bent = warp(posed)
    kept, faces = _visible_front(placed(bent), posed, mesh.faces[slice(*part["skin"].faces)], outline)
    rows = np.flatnonzero(kept)
    deltas = np.zeros((len(dense), len(rows), 3), np.float32)
    for number in range(len(dense)):
        own_moves = dense[number, rows]
        far = np.flatnonzero(np.abs(own_moves).max(axis=1) > FAR_CM)
        bent_moves = own_moves @ (warp.scale * warp.rotation).T
        if len(far):
            bent_moves[far] = warp(posed[rows[far]] + own_moves[far]) - bent[rows[far]]
        deltas[number] = scale * bent_moves @ turn.T
    return FittedHead(
        rig.control_names,
        placed(bent[rows]).astype(np.float32),
        faces,
        deltas,
        at_rest.astype(np.float32),
        _inside(rig, face, still, at_rest, dense, pose),
        _eyeballs(rig, face, still, pose),
        scale,
        turn,
        placed(np.array(rig.pivots["head"])[None])[0],
        landmarks,
        outline,
        _surface(placed(bent), mesh.faces[slice(*part["skin"].faces)]),
    )


def _surface(places: np.ndarray, faces: np.ndarray) -> np.ndarray:
    return places[normals(places.astype(np.float32), faces)[:, 2] > 0.1].astype(np.float32)


def _visible_front(
    places: np.ndarray, posed: np.ndarray, faces: np.ndarray, outline: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which vertices [V] lie within the face's outline on the front of the head, and the faces between them,
    numbered anew."""
    middle = outline.mean(axis=0)
    wide = middle + OVER * (outline - middle)
    within = inside_polygon(places[:, :2] * (1, -1), wide) & (posed[:, 2] > FRONT_CM)
    whole = within[faces].all(axis=1)
    kept = np.zeros(len(places), bool)
    kept[faces[whole]] = True
    number = np.cumsum(kept) - 1
    return kept, number[faces[whole]].astype(np.int32)


def inside_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which of ``points`` [N, 2] lie in ``polygon`` [n, 2] (crossings of a ray, Shimrat 1962)."""
    after = np.roll(polygon, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    between = (polygon[:, 1] > y) != (after[:, 1] > y)
    rise = np.where(after[:, 1] == polygon[:, 1], 1e-12, after[:, 1] - polygon[:, 1])
    cross = polygon[:, 0] + (y - polygon[:, 1]) / rise * (after[:, 0] - polygon[:, 0])
    return (between & (x < cross)).sum(axis=1) % 2 == 1


def _inside(
    rig: Rig, face: RigLandmarks, still: np.ndarray, at_rest: np.ndarray, dense: np.ndarray, pose: tuple
) -> MouthInterior:
    """The mouth's inside, laid behind the photo's lips by a similarity of the lips' corners and middle."""
    turn, scale, shift = pose
    mesh = rig.mesh
    assert mesh is not None and mesh.colors is not None
    at = {int(n): row for row, n in enumerate(face.landmarks)}
    rest = face.rest
    size = _width(still, at) / _width(rest, at)
    middle = _mouth(rest + np.tensordot(at_rest, face.deltas, axes=1), at)
    place = _mouth(still, at) - np.array((0.0, TEETH_DOWN_CM, BEHIND_CM))
    parts = [p for p in rig.parts if p.name in INSIDE]
    rows = np.concatenate([np.arange(*p.vertices) for p in parts])
    number = np.full(len(mesh.vertices), -1)
    number[rows] = np.arange(len(rows))
    faces = number[np.concatenate([mesh.faces[slice(*p.faces)] for p in parts])].astype(np.int32)
    posed = mesh.vertices[rows] + np.tensordot(at_rest, dense[:, rows], axes=1)
    near = size * (posed - middle) + place
    kinds = np.concatenate([np.full(p.vertices[1] - p.vertices[0], INSIDE.index(p.name)) for p in parts])
    return MouthInterior(
        (scale * near @ turn.T + shift).astype(np.float32),
        faces,
        mesh.colors[rows, :3],
        kinds,
        (scale * size * dense[:, rows] @ turn.T).astype(np.float32),
    )


def _width(places: np.ndarray, at: dict[int, int]) -> float:
    return float(np.linalg.norm(places[at[MOUTH_CORNERS[1]]] - places[at[MOUTH_CORNERS[0]]]))


def _mouth(places: np.ndarray, at: dict[int, int]) -> np.ndarray:
    return places[[at[n] for n in (*MOUTH_CORNERS, 13, 14)]].mean(axis=0)


def _eyeballs(rig: Rig, face: RigLandmarks, still: np.ndarray, pose: tuple) -> dict[str, FittedEyeball]:
    """Eyeballs that fill the photo's eyes, each about as large to its eye as the rig's."""
    turn, scale, shift = pose
    mesh = rig.mesh
    assert mesh is not None
    at = {int(n): row for row, n in enumerate(face.landmarks)}
    balls = {}
    for part in rig.parts:
        if part.name not in EYEBALLS:
            continue
        side = part.name.removeprefix("eye")
        around = [n for pair in LIDS[side] for n in pair if n in at] + list(EYE_CORNERS[side])
        rows = [at[n] for n in around]
        size = similarity(face.rest[rows][:, [0, 1, 2]], still[rows])[0]
        middle = np.array(rig.pivots[part.name])
        centre = still[rows].mean(axis=0) + size * (middle - face.rest[rows].mean(axis=0))
        centre[2] -= BEHIND_CM
        vertices = size * (mesh.vertices[slice(*part.vertices)] - middle) + centre
        balls[side] = FittedEyeball(
            (scale * vertices @ turn.T + shift).astype(np.float32),
            mesh.faces[slice(*part.faces)] - part.vertices[0],
            scale * turn @ centre + shift,
            scale * size * float(np.linalg.norm(mesh.vertices[part.vertices[0]] - middle)),
        )
    return balls
