"""FLAME-like parametric heads in ``.safetensors``, given by the user: a template, linear bases and a jaw joint.

FLAME itself (Li, Bolkart, Black, Li, Romero, "Learning a model of facial shape and expression from 4D scans",
2017) has its own licence; nothing of it is shipped.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from facegen.core.errors import RigError
from facegen.core.files import read_bytes
from facegen.rig.builder import MAX_VERTICES, MeshPart, RigBuilder, Shape, build_rig, moved
from facegen.rig.guess_units import guess_scale
from facegen.rig.importing import Imported
from facegen.rig.model import head_matrices

MAX_BYTES = 512 * 2**20
VERTICES, FACES = ("vertices", "v_template", "template"), ("faces", "f", "triangles")
EXPRESSIONS = ("expression_basis", "expressions", "exprdirs", "expression_dirs", "expression")
BASES = ("shapedirs", "shape_basis")
IDENTITIES = 300
"""In FLAME's one basis, identity comes first."""
JOINTS = ("joints", "J", "joint_locations")
JAW_JOINT = 2
"""Of root, neck, jaw, left eye, right eye."""
WEIGHTS = ("lbs_weights", "weights", "skinning_weights")
RANGE = (-3.0, 3.0)
"""Standard deviations that an expression coefficient runs over."""
JAW_OPEN, JAW_ASIDE = np.radians(20.0), np.radians(6.0)
EYES = {"eyeLeft": 3, "eyeRight": 4}


def read(path: Path, shapes_needed: bool = True) -> Imported:
    """The rig of a file with ``vertices`` [V, 3], ``faces`` [F, 3], an expression basis [V, 3, E] or [E, V, 3] and,
    for a jaw, ``joints`` [5, 3] and ``lbs_weights`` [V, 5] (or ``jaw_joint`` [3] and ``jaw_weight`` [V]).

    Controls are ``expression_00`` …, -3 to 3, and jawOpen, jawLeft and jawRight, which turn the jaw linearly.
    """
    data = _load(path)
    vertices, faces = _first(data, VERTICES), _first(data, FACES)
    if vertices is None or faces is None:
        raise RigError("holds no vertices and faces", remedy=f"name them {VERTICES[0]} and {FACES[0]}")
    vertices = np.asarray(vertices, np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 3 or len(vertices) > MAX_VERTICES:
        raise RigError(f"has vertices of shape {vertices.shape}, expected [V, 3]")
    scale, note = guess_scale(vertices)
    names = []
    shapes: list[tuple[str, Shape]] = []
    for number, basis in enumerate(_basis(data, len(vertices))):
        names.append(f"expression_{number:02d}")
        shapes.append((names[-1], moved(np.asarray(basis, np.float64) * scale)))
    pivots, jaw = _jaw(data, vertices)
    shapes += [(name, moved(rows * scale)) for name, rows in jaw.items()]
    piece = MeshPart("face", vertices * scale, np.asarray(faces, np.int64).reshape(-1, 3), shapes)
    draft = RigBuilder(
        path.stem,
        [piece],
        pivots={n: tuple((np.asarray(p) * scale).tolist()) for n, p in pivots.items()},  # type: ignore[misc]
        limits=dict.fromkeys(names, RANGE),
        notes=[note] if note else [],
    )
    if not jaw:
        draft.notes.append("no jaw: the file has no jaw joint with weights")
    return build_rig(draft, shapes_needed)


def _load(path: Path) -> dict[str, np.ndarray]:
    from safetensors.numpy import load

    raw = read_bytes(path, limit=MAX_BYTES, error=RigError)
    try:
        return load(raw)
    except Exception as error:
        raise RigError(f"is not a safetensors file ({error})", path=path, remedy="write it again") from error


def _first(data: dict[str, np.ndarray], names: tuple[str, ...]) -> np.ndarray | None:
    return next((data[name] for name in names if name in data), None)


def _basis(data: dict[str, np.ndarray], count: int) -> np.ndarray:
    """Expression displacements [E, V, 3], in the file's units."""
    basis = _first(data, EXPRESSIONS)
    if basis is None and (whole := _first(data, BASES)) is not None:
        basis = whole[..., IDENTITIES:] if whole.shape[-1] > IDENTITIES else whole[..., :0]
    if basis is None:
        return np.zeros((0, count, 3))
    if basis.shape[:2] == (count, 3) and basis.ndim == 3:
        return np.moveaxis(basis, 2, 0)
    if basis.ndim == 3 and basis.shape[1:] == (count, 3):
        return basis
    raise RigError(
        f"has an expression basis of shape {basis.shape} for {count} vertices",
        remedy="give [V, 3, E] or [E, V, 3]",
    )


def _jaw(
    data: dict[str, np.ndarray], vertices: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Pivots and what the jaw's turns move [V, 3], in the file's units."""
    joints, weights = _first(data, JOINTS), _first(data, WEIGHTS)
    pivots: dict[str, np.ndarray] = {}
    place, follow = data.get("jaw_joint"), data.get("jaw_weight")
    if joints is not None and joints.ndim == 2 and joints.shape[0] > JAW_JOINT:
        place = joints[JAW_JOINT]
        pivots |= {name: joints[n] for name, n in EYES.items() if n < len(joints)}
    if weights is not None and weights.ndim == 2 and weights.shape[1] > JAW_JOINT:
        follow = weights[:, JAW_JOINT]
    if place is None or follow is None:
        return pivots, {}
    place, follow = np.asarray(place, np.float64).reshape(-1)[:3], np.asarray(follow, np.float64).reshape(-1)
    if len(place) != 3 or follow.shape != (len(vertices),) or not np.isfinite(follow).all():
        raise RigError(f"has jaw weights of shape {follow.shape} for {len(vertices)} vertices")
    turns = {"jawOpen": (0.0, JAW_OPEN), "jawLeft": (JAW_ASIDE, 0.0), "jawRight": (-JAW_ASIDE, 0.0)}
    moves = {}
    for name, (yaw, pitch) in turns.items():
        turn = head_matrices(np.array([[yaw, pitch, 0.0, 0.0, 0.0, 0.0]]))[0]
        moves[name] = ((vertices - place) @ turn.T + place - vertices) * follow[:, None]
    return {**pivots, "jaw": place}, moves
