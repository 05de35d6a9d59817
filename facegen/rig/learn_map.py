"""Learning a rig map from two heads: which controls of one move its mesh as those of the other move theirs.

Where the meshes have the same faces their vertices correspond; otherwise a thin-plate spline through the landmarks
that both name lays one head over the other (Bookstein 1989), and each vertex takes the motion of the nearest skin.
Each control is then a sparse non-negative mixture of the other head's (least squares on the displacements).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.spatial import cKDTree

from facegen.core.errors import RigError
from facegen.core.mesh import normals
from facegen.rig.least_squares import BoundedProblem, solve_active_set, solve_coordinate_descent
from facegen.rig.map import RigMap
from facegen.rig.model import Rig
from facegen.rig.retarget import control_fields

SPARSE = 0.15
"""A control joins a mixture where what is left of the displacement resembles its own by more than this (cosine)."""
RIDGE_SHARE = 0.002
"""Ridge of a control as a share of the size of its shape."""
LEAST_WEIGHT = 0.05
"""Smaller weights are left out and the rest fitted again without them."""
NEIGHBOURS = 4
"""Vertices of the source from which one of the target takes its motion, weighted by inverse squared distance."""
MAX_DISTANCE_CM = 1.0
"""A vertex whose nearest neighbour is further away has no correspondence."""
LEAST_COSINE = 0.3
"""Nor has one whose normal agrees with its neighbour's by less than this."""
LEAST_LANDMARKS = 6
MOVED_CM = 0.02
"""Displacements below this count as no motion."""


@dataclass(frozen=True)
class LearnedMap:
    """How well one source control is met.

    Attributes
    ----------
    control : str
    moved : float
        Its mean displacement on the target's head, mm, over the vertices that it moves.
    residual : float
        What the target's controls leave of it, mm.
    """

    control: str
    moved: float
    residual: float


def learn_map(source: Rig, target: Rig) -> tuple[RigMap, list[LearnedMap]]:
    """Learn the map from the controls of one head to those of another.

    Parameters
    ----------
    source, target : Rig
        With meshes of one topology, or with at least six common landmarks.

    Returns
    -------
    RigMap
        Sparse non-negative weights, rounded to 0.001.
    list of LearnedMap
        How well each source control that moves the skin is met.

    Raises
    ------
    RigError
        For rigs without a mesh and for meshes that nothing lays over one another.
    """
    goal, effect, height = _registered(source, target)
    goal[~_moves_skin(source)], effect[~_moves_skin(target)] = 0.0, 0.0
    size = np.linalg.norm(goal, axis=2)
    flat, goals = (f.reshape(len(f), -1).astype(np.float64) for f in (effect, goal))
    gram, moment = flat @ flat.T, goals @ flat.T
    price = SPARSE * np.linalg.norm(goals, axis=1)[:, None] * np.sqrt(np.diag(gram))
    weights = _sparse(gram, moment, price, target)
    left = np.linalg.norm(goal - (weights @ flat).reshape(goal.shape), axis=2)
    rows = []
    for number, name in enumerate(source.control_names):
        there = size[number] > MOVED_CM * height
        if there.any():
            rows.append(
                LearnedMap(
                    name, 10 * float(size[number, there].mean()), 10 * float(left[number, there].mean())
                )
            )
    low, high = (np.array([getattr(c, end) for c in target.controls]) for end in ("low", "high"))
    return RigMap(source.control_names, target.control_names, weights, low, high), rows


def _moves_skin(rig: Rig) -> np.ndarray:
    """Which controls (C,) the skin shows: those that move it, except the tongue's, which move the jaw along."""
    far = np.linalg.norm(control_fields(rig, rig.control_names)[:, skin_vertices(rig)], axis=2).max(axis=1)
    tongue = np.array(["tongue" in f"{c.region} {c.name}".lower() for c in rig.controls])
    return (far > MOVED_CM) & ~tongue


def _sparse(gram: np.ndarray, moment: np.ndarray, price: np.ndarray, target: Rig) -> np.ndarray:
    """Mixtures [S, T]: once with the ``price`` [S, T] on each control, then again without it among those that stay."""
    sizes = np.diag(gram)
    top = np.array([max(c.high, 0.0) for c in target.controls], np.float32) * 1.5
    low = np.zeros_like(top)
    first = solve_coordinate_descent(BoundedProblem(gram, low, top, 0.0, RIDGE_SHARE * sizes), moment - price)
    weights = solve_active_set(
        BoundedProblem(gram, low, top, 0.0, RIDGE_SHARE * sizes), moment, first >= LEAST_WEIGHT
    )
    weights[weights < LEAST_WEIGHT] = 0.0
    return np.round(weights, 3)


def _registered(source: Rig, target: Rig) -> tuple[np.ndarray, np.ndarray, float]:
    """Displacements of the source's and the target's controls at the same points of the target's head, and the
    target's size as a multiple of the source's."""
    source._need_mesh()
    target._need_mesh()
    mine, theirs = source.mesh, target.mesh
    effect = control_fields(target, target.control_names)
    if mine.vertices.shape == theirs.vertices.shape and np.array_equal(mine.faces, theirs.faces):  # type: ignore[union-attr]
        return control_fields(source, source.control_names), effect, 1.0
    laid, scale, turn = _laid_over(source, target)
    skin, other = skin_vertices(source), skin_vertices(target)
    points = theirs.vertices[other]  # type: ignore[union-attr]
    apart, near = cKDTree(laid[skin]).query(points, k=NEIGHBOURS)
    facing = normals(laid, mine.faces)[skin], normals(theirs.vertices, theirs.faces)[other]  # type: ignore[union-attr]
    agree = np.einsum("vki,vi->vk", facing[0][near], facing[1]) > LEAST_COSINE
    share = agree / (apart + 1e-3) ** 2
    kept = (apart[:, 0] < MAX_DISTANCE_CM * scale) & agree.any(axis=1)
    if kept.sum() < 50:
        raise RigError(
            f"the heads {source.name} and {target.name} do not lie over one another",
            remedy="name at least six common landmarks in both rigs",
        )
    share = (share / np.maximum(share.sum(axis=1, keepdims=True), 1e-12))[kept].astype(np.float32)
    fields = control_fields(source, source.control_names)[:, skin]
    carried = np.einsum("cvki,vk->cvi", fields[:, near[kept]], share) @ (scale * turn.T).astype(np.float32)
    return carried, effect[:, other[kept]], scale


def _laid_over(source: Rig, target: Rig) -> tuple[np.ndarray, float, np.ndarray]:
    """The source's vertices where the target's landmarks are, and the scale and rotation of that move."""
    common = sorted(set(source.landmarks) & set(target.landmarks))
    if len(common) < LEAST_LANDMARKS:
        raise RigError(
            f"the heads {source.name} and {target.name} differ and share {len(common)} landmarks",
            remedy=f"name at least {LEAST_LANDMARKS} common landmarks in both rigs",
        )
    vertices = source.mesh.vertices.astype(np.float64)  # type: ignore[union-attr]
    here = vertices[[source.landmarks[n] for n in common]]
    there = target.mesh.vertices[[target.landmarks[n] for n in common]].astype(np.float64)  # type: ignore[union-attr]
    scale, turn, shift = similarity(here, there)
    moved, marks = scale * vertices @ turn.T + shift, scale * here @ turn.T + shift
    spline = RBFInterpolator(marks, there - marks, kernel="thin_plate_spline", smoothing=1e-3)
    return (moved + spline(moved)).astype(np.float32), scale, turn


def similarity(here: np.ndarray, there: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Scale, rotation (3, 3) and shift (3,) that bring points ``here`` (N, 3) nearest to ``there`` (Umeyama 1991)."""
    middle, centre = here.mean(axis=0), there.mean(axis=0)
    a, b = here - middle, there - centre
    u, s, vt = np.linalg.svd(b.T @ a)
    flip = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = (u * flip) @ vt
    scale = float((s * flip).sum() / (a**2).sum())
    return scale, turn, centre - scale * turn @ middle


def skin_vertices(head: Rig) -> np.ndarray:
    """Numbers of the vertices of the parts that landmarks lie on, else of those made of skin, else all."""
    marks = list(head.landmarks.values())
    parts = [p for p in head.parts if any(p.vertices[0] <= mark < p.vertices[1] for mark in marks)]
    parts = parts or [p for p in head.parts if p.material == "skin"]
    ranges = [np.arange(*part.vertices) for part in parts]
    return np.concatenate(ranges) if ranges else np.arange(len(head.mesh.vertices))  # type: ignore[union-attr]
