"""Solving a vertex sequence (a mesh cache or 4D scan) for the controls and head pose of a rig, and reading such files."""

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
"""Largest file of vertices that is read into memory."""
SMOOTH = 0.1
"""Cost of a control's change from frame to frame, as a share of the size of its shape."""
SPARSE = 0.002
"""Price of a control, as a share of the size of its shape; keeps controls still that explain next to nothing."""
RIDGE_SHARE = 1e-3
"""Ridge of a control as a share of the size of its shape; settles undetermined controls at 0."""
RIGID_CM = 0.02
"""Vertices that no control moves further than this show the head's pose."""
STILL_RAD, STILL_CM = 1e-3, 5e-3
"""A head that turns and shifts less than this in all frames is still."""
FRAMES_PER_BLOCK = 256
"""Frames whose vertices are compared together; bounds the memory."""
EXTRA_CONTROL_PRICE = 25.0
"""Price of a control beyond ARKit's, as a multiple of the others', in a rig that has all of ARKit's."""


@dataclass(frozen=True, eq=False)
class VertexFit:
    """A solved vertex sequence.

    Attributes
    ----------
    animation : Animation
        On the rig's controls, with a head pose where the head moves.
    residual : (T,) array
        Root mean square distance of the posed vertices from those given, mm.
    worst : float
        That of the furthest vertex of all frames, mm.
    """

    animation: Animation
    residual: np.ndarray
    worst: float


def read_vertices(path: str | PathLike) -> np.ndarray:
    """Read a vertex sequence from a NumPy file.

    Parameters
    ----------
    path : str or PathLike
        A ``.npy`` file of shape (T, V, 3) or (T, 3 V).

    Returns
    -------
    (T, V, 3) float32 array

    Raises
    ------
    AnimationFileError
        For anything else, files that hold Python objects among it.
    """
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
    """Solve for the controls and head pose of a rig that show a vertex sequence best.

    Bounded, sparse, temporally smooth least squares (``facegen.rig.least_squares``) over the vertices that follow the
    head wholly.

    Parameters
    ----------
    rig : Rig
        With a mesh of V vertices.
    vertices : (T, V, 3) float32 array
        cm.
    fps : str, int, float or Fraction
    neutral : int or None
        A frame in which the face is at rest: motion is measured from there. For a sequence of another person on the
        rig's topology.
    smooth, sparse : float
        Cost of change from frame to frame and price of a control, as shares of the size of its shape.

    Returns
    -------
    VertexFit

    Raises
    ------
    RigError
        For a rig without a mesh or whose vertices all follow the head only in part.
    AnimationFileError
        For another number of vertices, another unit of length, or no such frame.
    """
    rig._need_mesh()
    vertices, rows = _checked_sequence(rig, vertices, neutral)
    rest = rig.mesh.vertices  # type: ignore[union-attr]
    shapes = rig.dense_shapes()[:, rows]
    fields = shapes[: len(rig.controls)]
    pivot = np.asarray(rig.pivots.get("head", (0.0, 0.0, 0.0)))
    observed = vertices[:, rows]
    head = _pose(observed, rest[rows], fields, pivot)
    flat = fields.reshape(len(fields), -1)
    moment = _moment(observed, rest[rows], flat, head, pivot)
    problem = _problem(rig, (flat @ flat.T).astype(np.float64), smooth, sparse)
    all_flat = shapes.reshape(len(shapes), -1)
    coupling = all_flat[len(fields) :] @ flat.T
    values = solve_with_correctives(problem, moment, coupling, lambda x: _corrective_weights(rig, x))
    animation = Animation(fps, rig.control_names, values, head)  # type: ignore[arg-type]
    weights = rig.shape_weights(animation)
    return VertexFit(animation, *_residual(observed, rest[rows], all_flat, weights, head, pivot))


def _checked_sequence(rig: Rig, vertices: np.ndarray, neutral: int | None) -> tuple[np.ndarray, np.ndarray]:
    """``vertices`` in the rig's rest pose and unit, and the numbers of those that follow the head wholly."""
    rest = rig.mesh.vertices  # type: ignore[union-attr]
    if vertices.shape[1:] != rest.shape:
        raise AnimationFileError(
            f"has {vertices.shape[1]} vertices a frame; the rig {rig.name} has {len(rest)}",
            remedy="name the rig of that mesh with --from",
        )
    vertices = _onto_rest(rest, vertices, neutral)
    follow = np.ones(len(rest)) if rig.head_weight is None else rig.head_weight
    rows = np.flatnonzero(follow > 0.999)
    if not len(rows):
        raise RigError(f"no vertex of {rig.name} follows the head whole", remedy="mend head_weight")
    return vertices, rows


def _moment(
    observed: np.ndarray, rest: np.ndarray, flat: np.ndarray, head: np.ndarray | None, pivot: np.ndarray
) -> np.ndarray:
    """Inner products (T, C) of the displacements of each frame, without pose, with those of the controls."""
    products = []
    for b in _blocks(len(observed)):
        still = _unposed(observed[b], None if head is None else head[b], pivot)
        products.append((still - rest).reshape(-1, flat.shape[1]) @ flat.T)
    return np.concatenate(products)


def _problem(rig: Rig, gram: np.ndarray, smooth: float, sparse: float) -> BoundedProblem:
    """The terms of the least squares, each scaled by the sizes of the shapes, the diagonal of ``gram`` (C, C)."""
    sizes = np.diag(gram)
    typical = float(np.median(sizes[sizes > 0])) if (sizes > 0).any() else 1.0
    low, high = (np.array([getattr(c, end) for c in rig.controls], np.float32) for end in ("low", "high"))
    price = sparse * sizes * np.where(low < 0, 0.0, _price_factors(rig))
    return BoundedProblem(gram, low, high, price, RIDGE_SHARE * sizes, smooth * np.minimum(sizes, typical))


def _price_factors(rig: Rig) -> np.ndarray:
    """Factors of the price of each control (C,): those beyond ARKit's are used only where ARKit's do not suffice."""
    names = rig.control_names
    beyond = np.array([name not in ARKIT for name in names])
    return np.where(beyond & set(ARKIT).issubset(names), EXTRA_CONTROL_PRICE, 1.0)


def _corrective_weights(rig: Rig, values: np.ndarray) -> np.ndarray:
    """The weights (T, K) of the rig's corrective shapes at control values (T, C)."""
    return rig.shape_weights(Animation(Fraction(30), rig.control_names, values))[:, len(rig.controls) :]


def _onto_rest(rest: np.ndarray, vertices: np.ndarray, neutral: int | None) -> np.ndarray:
    """``vertices``, whose unit is checked, with the other person's neutral face, where it is known, taken for the rig's."""
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
    return [slice(start, start + FRAMES_PER_BLOCK) for start in range(0, count, FRAMES_PER_BLOCK)]


def _residual(
    observed: np.ndarray,
    rest: np.ndarray,
    flat: np.ndarray,
    values: np.ndarray,
    head: np.ndarray | None,
    pivot: np.ndarray,
) -> tuple[np.ndarray, float]:
    mean, worst = [], 0.0
    for b in _blocks(len(observed)):
        still = _unposed(observed[b], None if head is None else head[b], pivot)
        left = still - rest - (values[b] @ flat).reshape(still.shape)
        square = (left**2).sum(axis=2)
        mean.append(10 * np.sqrt(square.mean(axis=1)))
        worst = max(worst, 10 * float(np.sqrt(square.max())))
    return np.concatenate(mean), worst


def _pose(observed: np.ndarray, rest: np.ndarray, fields: np.ndarray, pivot: np.ndarray) -> np.ndarray | None:
    """Head poses (T, 6) from the vertices that no control moves (Kabsch 1976); None for a head that is still."""
    rigid = np.linalg.norm(fields, axis=2).max(axis=0) < RIGID_CM
    if rigid.sum() < 10:
        return None
    mine, theirs = rest[rigid].astype(np.float64), observed[:, rigid].astype(np.float64)
    middle, middles = mine.mean(axis=0), theirs.mean(axis=1)
    u, _, vt = np.linalg.svd(np.einsum("tvi,vj->tij", theirs - middles[:, None], mine - middle))
    u[:, :, 2] *= np.linalg.det(u @ vt)[:, None]
    turns = u @ vt
    head = np.zeros((len(observed), 6))
    head[:, :3] = head_angles(turns)
    head[:, 3:] = middles - pivot - np.einsum("tij,j->ti", turns, middle - pivot)
    if np.abs(head[:, :3]).max() < STILL_RAD and np.abs(head[:, 3:]).max() < STILL_CM:
        return None
    return head.astype(np.float32)


def _unposed(observed: np.ndarray, head: np.ndarray | None, pivot: np.ndarray) -> np.ndarray:
    """``observed`` (T, V, 3) with the head's pose taken out."""
    if head is None:
        return observed
    turns = head_matrices(head).astype(np.float32)
    return np.matmul(observed - (pivot + head[:, 3:])[:, None].astype(np.float32), turns) + pivot.astype(
        np.float32
    )
