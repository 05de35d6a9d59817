"""A head's controls from a sequence of its vertices, and the files that hold such sequences."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from os import PathLike

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import AnimationFileError, RigError
from facegen.core.files import read_bytes
from facegen.rig.head_pose import head_angles
from facegen.rig.least_squares import BoundedProblem, solve_with_correctives
from facegen.rig.load import ARKIT
from facegen.rig.model import Rig, head_matrices

MAX_BYTES = 8 * 2**30
SMOOTH = 0.1
"""What a control's change from frame to frame costs, as a share of what its motion explains."""
SPARSE = 0.002
"""How much of a control is taken off, so that none moves without need."""
SPREAD = 1e-3
"""How much each is drawn to 0."""
RIGID_CM = 0.02
"""Vertices that no control moves further than this show the head's pose."""
STILL_RAD, STILL_CM = 1e-3, 5e-3
"""A head that turns and shifts less than this in all frames is still."""
BLOCK = 256
BEYOND_PRICE = 25.0
"""How many times as dear a control is that ARKit lacks, in a rig that has all of ARKit's."""


@dataclass(frozen=True, eq=False)
class VertexFit:
    """``animation`` on the rig's controls, and how far its vertices stay from those given, mm: ``residual`` [T] root
    mean square over the vertices, ``worst`` the furthest vertex of all frames."""

    animation: Animation
    residual: np.ndarray
    worst: float


def read_vertices(path: str | PathLike) -> np.ndarray:
    """The vertices [T, V, 3] of a NumPy file; rows [T, 3V] are split. Raises AnimationFileError for anything else,
    files that hold Python objects among it."""
    raw = read_bytes(path, limit=MAX_BYTES, error=AnimationFileError)
    try:
        return _checked(_array(raw))
    except AnimationFileError as error:
        raise error.at(path) from error


def _array(raw: bytes) -> np.ndarray:
    stream = io.BytesIO(raw)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        shape, by_columns, dtype = read[version](stream)
    except Exception as error:  # NumPy parses the header as Python text and raises whatever that does
        raise AnimationFileError("is no NumPy file", remedy="save it with numpy.save") from error
    if dtype.kind not in "fiu" or dtype.hasobject:
        raise AnimationFileError(f"holds {dtype}, not numbers", remedy="save an array of numbers")
    size, start = int(np.prod(shape, dtype=object)), stream.tell()
    if size * dtype.itemsize != len(raw) - start:
        raise AnimationFileError(f"is not as long as its shape {shape} says", remedy="save it again")
    flat = np.frombuffer(raw, dtype, size, start)
    return flat.reshape(shape, order="F" if by_columns else "C")


def _checked(array: np.ndarray) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] % 3 == 0:
        array = array.reshape(len(array), -1, 3)
    if array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise AnimationFileError(
            f"has shape {array.shape}, which is no sequence of vertices", remedy="give [frames, vertices, 3]"
        )
    vertices = array.astype(np.float32)
    if not np.isfinite(vertices).all():
        frame = int(np.argwhere(~np.isfinite(vertices))[0][0])
        raise AnimationFileError(f"holds a value that is not finite in frame {frame}", remedy="remove it")
    return vertices


def fit_mesh(
    rig: Rig,
    vertices: np.ndarray,
    fps: str | int | float | Fraction = 30,
    *,
    neutral: int | None = None,
    smooth: float = SMOOTH,
    sparse: float = SPARSE,
) -> VertexFit:
    """The controls of ``rig``, and the pose of its head, that show ``vertices`` [T, V, 3] cm best: bounded, sparse,
    temporally smooth least squares over the vertices that follow the head.

    With ``neutral``, the number of a frame in which the face is at rest, the motion is that from there: for a
    sequence of another person with the rig's mesh. Raises RigError for a rig without a mesh, AnimationFileError for
    another number of vertices, another unit of length or a frame that is not there.
    """
    rig._need_mesh()
    rest = rig.mesh.vertices  # type: ignore[union-attr]
    if vertices.shape[1:] != rest.shape:
        raise AnimationFileError(
            f"has {vertices.shape[1]} vertices a frame; the rig {rig.name} has {len(rest)}",
            remedy="name the rig of that mesh with --from",
        )
    vertices = _of_this_face(rest, vertices, neutral)
    follow = np.ones(len(rest)) if rig.head_weight is None else rig.head_weight
    rows = np.flatnonzero(follow > 0.999)
    if not len(rows):
        raise RigError(f"no vertex of {rig.name} follows the head whole", remedy="mend head_weight")
    shapes = rig.dense_shapes()[:, rows]
    fields = shapes[: len(rig.controls)]
    pivot = np.asarray(rig.pivots.get("head", (0.0, 0.0, 0.0)))
    given = vertices[:, rows]
    head = _pose(given, rest[rows], fields, pivot)
    flat = fields.reshape(len(fields), -1)
    gram = (flat @ flat.T).astype(np.float64)
    moment = np.concatenate(
        [
            (_unposed(given[b], None if head is None else head[b], pivot) - rest[rows]).reshape(
                -1, flat.shape[1]
            )
            @ flat.T
            for b in _blocks(len(given))
        ]
    )
    sizes = np.diag(gram)
    typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    low, high = (np.array([getattr(c, end) for c in rig.controls], np.float32) for end in ("low", "high"))
    price = sparse * sizes * np.where(low < 0, 0.0, _reluctance(rig))
    problem = BoundedProblem(gram, low, high, price, SPREAD * sizes, smooth * np.minimum(sizes, typical))
    all_flat = shapes.reshape(len(shapes), -1)
    coupling = all_flat[len(fields) :] @ flat.T
    values = solve_with_correctives(problem, moment, coupling, lambda x: _corrective_weights(rig, x))
    animation = Animation(fps, rig.control_names, values, head)  # type: ignore[arg-type]
    weights = rig.shape_weights(animation)
    return VertexFit(animation, *_residual(given, rest[rows], all_flat, weights, head, pivot))


def _reluctance(rig: Rig) -> np.ndarray:
    """What a control's size costs more than another's [C]: those beyond ARKit's stand in where ARKit's do not do."""
    names = rig.control_names
    beyond = np.array([name not in ARKIT for name in names])
    return np.where(beyond & set(ARKIT).issubset(names), BEYOND_PRICE, 1.0)


def _corrective_weights(rig: Rig, values: np.ndarray) -> np.ndarray:
    """The weights (T, K) of the rig's corrective shapes at control values (T, C)."""
    return rig.shape_weights(Animation(Fraction(30), rig.control_names, values))[:, len(rig.controls) :]


def _of_this_face(rest: np.ndarray, vertices: np.ndarray, neutral: int | None) -> np.ndarray:
    """``vertices`` in the rig's unit and, where a frame shows the other face at rest, moved onto the rig's."""
    ratio = float(np.ptp(vertices[0], axis=0).max() / np.ptp(rest, axis=0).max())
    if not 0.5 < ratio < 2:
        raise AnimationFileError(
            f"is {ratio:.3g} times as large as the rig", remedy="multiply the vertices so that they are in cm"
        )
    if neutral is None:
        return vertices
    if not 0 <= neutral < len(vertices):
        raise AnimationFileError(
            f"has no frame {neutral}, only {len(vertices)}", remedy="count the frames from 0"
        )
    return vertices - (vertices[neutral] - rest)


def _blocks(count: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, count, BLOCK)]


def _residual(
    given: np.ndarray,
    rest: np.ndarray,
    flat: np.ndarray,
    values: np.ndarray,
    head: np.ndarray | None,
    pivot: np.ndarray,
) -> tuple[np.ndarray, float]:
    mean, worst = [], 0.0
    for b in _blocks(len(given)):
        still = _unposed(given[b], None if head is None else head[b], pivot)
        left = still - rest - (values[b] @ flat).reshape(still.shape)
        square = (left**2).sum(axis=2)
        mean.append(10 * np.sqrt(square.mean(axis=1)))
        worst = max(worst, 10 * float(np.sqrt(square.max())))
    return np.concatenate(mean), worst


def _pose(given: np.ndarray, rest: np.ndarray, fields: np.ndarray, pivot: np.ndarray) -> np.ndarray | None:
    """Head poses [T, 6] from the vertices that no control moves (Kabsch 1976); None for a head that is still."""
    rigid = np.linalg.norm(fields, axis=2).max(axis=0) < RIGID_CM
    if rigid.sum() < 10:
        return None
    mine, theirs = rest[rigid].astype(np.float64), given[:, rigid].astype(np.float64)
    middle, middles = mine.mean(axis=0), theirs.mean(axis=1)
    u, _, vt = np.linalg.svd(np.einsum("tvi,vj->tij", theirs - middles[:, None], mine - middle))
    u[:, :, 2] *= np.linalg.det(u @ vt)[:, None]
    turns = u @ vt
    head = np.zeros((len(given), 6))
    head[:, :3] = head_angles(turns)
    head[:, 3:] = middles - pivot - np.einsum("tij,j->ti", turns, middle - pivot)
    if np.abs(head[:, :3]).max() < STILL_RAD and np.abs(head[:, 3:]).max() < STILL_CM:
        return None
    return head.astype(np.float32)


def _unposed(given: np.ndarray, head: np.ndarray | None, pivot: np.ndarray) -> np.ndarray:
    """``given`` [T, V, 3] with the head's pose taken out."""
    if head is None:
        return given
    turns = head_matrices(head).astype(np.float32)
    return np.matmul(given - (pivot + head[:, 3:])[:, None].astype(np.float32), turns) + pivot.astype(
        np.float32
    )
