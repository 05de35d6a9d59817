"""Building a rig from the meshes and shapes that an importer reads: ``RigBuilder`` in, a checked ``Rig`` out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facegen.core.errors import RigError, printable
from facegen.core.mesh import Mesh, to_srgb
from facegen.rig.control_names import add_pairs, arkit_names, combined, region_of, side_of
from facegen.rig.default_materials import look_of
from facegen.rig.head_pivot import guess_posture
from facegen.rig.importing import Imported
from facegen.rig.load import ARKIT
from facegen.rig.model import Control, Rig, RigPart

MAX_VERTICES = 4_000_000
MAX_DELTAS = 40_000_000
MAX_PIECES = 1_000
"""Limits of what is held in memory: vertices of the head, displacements of all its shapes, and meshes."""
STILL_CM = 1e-5
"""Displacements below this are rounding noise of the file."""

Shape = tuple[np.ndarray, np.ndarray]
"""Vertex numbers (n,) and displacements (n, 3), cm."""


@dataclass
class MeshPart:
    """One mesh of a head.

    Attributes
    ----------
    name : str
    vertices : (V, 3) array
        cm, +Y up, facing +Z.
    faces : (F, 3) int array
        Triangles, counter-clockwise from outside.
    shapes : list of (str, Shape)
        By the names that the file gives them.
    material : str
        Empty for that of the part's own name.
    uvs : (V, 2) array or None
    colors : (V, 3) uint8 array or None
        sRGB.
    head_weight : (V,) array or None
        How far, 0..1, a vertex follows the head's rotation.
    """

    name: str
    vertices: np.ndarray
    faces: np.ndarray
    shapes: list[tuple[str, Shape]] = field(default_factory=list)
    material: str = ""
    uvs: np.ndarray | None = None
    colors: np.ndarray | None = None
    head_weight: np.ndarray | None = None


@dataclass
class RigBuilder:
    """All of a head, as a file has it.

    Attributes
    ----------
    name : str
    pieces : list of MeshPart
    materials : dict
        Material name to its values, as ``Rig.materials``.
    pivots : dict
        Name to place, cm.
    textures : dict
        File name to bytes, PNG or JPEG.
    landmarks : dict
        Name to vertex number of the whole head.
    limits : mapping
        Control name to low and high, of those that do not run from 0 to 1.
    licence, credit : str
    notes : list of str
        What the importer decided that its user should know.
    """

    name: str
    pieces: list[MeshPart]
    materials: dict[str, dict[str, Any]] = field(default_factory=dict)
    pivots: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    textures: dict[str, bytes] = field(default_factory=dict)
    landmarks: dict[str, int] = field(default_factory=dict)
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    licence: str = ""
    credit: str = ""
    notes: list[str] = field(default_factory=list)


def moved(dense: np.ndarray) -> Shape:
    """The rows of displacements (V, 3), cm, that move, as a float32 ``Shape``."""
    rows = np.flatnonzero(~(np.abs(dense).max(axis=1, initial=0) <= STILL_CM))  # keeps NaN, to be refused
    return rows, np.asarray(dense[rows], np.float32)


def build_rig(draft: RigBuilder, shapes_needed: bool = True) -> Imported:
    """Build and check the rig.

    Shapes of one name on several meshes become one control; a shape called as others joined by ``_`` is their
    corrective. Names are put into ARKit's spelling where they mean the same; ARKit's middle controls that the file has
    as two sides are their sum. Where no joint says what turns with the head, that is guessed.

    Parameters
    ----------
    draft : RigBuilder
    shapes_needed : bool
        Whether a head without shapes that move something is refused.

    Returns
    -------
    Imported

    Raises
    ------
    RigError
        For a head without vertices or, where they are needed, shapes; for a name twice on one mesh; and for more than
        the limits.
    """
    pieces = [p for p in draft.pieces if len(p.vertices)]
    if not pieces:
        raise RigError("holds no mesh", remedy="export the head with its mesh")
    starts = np.cumsum([0, *(len(p.vertices) for p in pieces)])
    if starts[-1] > MAX_VERTICES:
        raise RigError(f"has {starts[-1]} vertices; at most {MAX_VERTICES}", remedy="reduce the mesh")
    for piece in pieces:
        _check_names(piece)
    raw = list(dict.fromkeys(name for p in pieces for name, _ in p.shapes))
    names = arkit_names(raw)
    changed = sum(names[r] != r for r in raw)
    notes = [*draft.notes, *([f"{changed} control names put into ARKit's spelling"] if changed else [])]
    shapes = _joined(pieces, starts, names)
    notes += add_pairs(shapes)
    combinations = {name: of for name in shapes if (of := combined(name, shapes))}
    shapes = {n: s for n, s in shapes.items() if n not in combinations} | {n: shapes[n] for n in combinations}
    if shapes_needed and not any(len(index) for index, _ in shapes.values()):
        what = "moves no vertex with any of its shapes" if shapes else "holds no shapes"
        raise RigError(what, remedy="export it with its morph targets, or give it shapes with --transfer")
    if sum(len(index) for index, _ in shapes.values()) > MAX_DELTAS:
        raise RigError(f"has more than {MAX_DELTAS} displacements", remedy="export fewer shapes")
    rig = _rig(draft, pieces, starts, shapes, tuple(combinations.values()), notes)
    return Imported(rig, tuple(notes))


def _check_names(piece: MeshPart) -> None:
    seen = [name for name, _ in piece.shapes]
    for name in seen:
        if not name.strip():
            raise RigError("has a shape without a name", remedy="name it")
    if len(set(seen)) != len(seen):
        double = next(n for n in seen if seen.count(n) > 1)
        raise RigError(
            f"has the shape {printable(double)[:60]!r} twice in {printable(piece.name)[:60]!r}",
            remedy="rename or remove one",
        )


def _joined(pieces: list[MeshPart], starts: np.ndarray, names: Mapping[str, str]) -> dict[str, Shape]:
    """Shapes over all pieces by name, ARKit's first, in its order."""
    rows: dict[str, list[Shape]] = {}
    for piece, start in zip(pieces, starts, strict=False):
        for name, (index, value) in piece.shapes:
            if not np.isfinite(value).all():
                raise RigError(f"has a value that is not finite in the shape {printable(name)[:60]!r}")
            rows.setdefault(names[name], []).append((index + start, value))
    known = [n for n in ARKIT if n in rows]
    order = [*known, *(n for n in rows if n not in known)]
    return {
        n: (np.concatenate([i for i, _ in rows[n]]), np.concatenate([v for _, v in rows[n]])) for n in order
    }


def _rig(
    draft: RigBuilder,
    pieces: list[MeshPart],
    starts: np.ndarray,
    shapes: Mapping[str, Shape],
    combinations: tuple[tuple[str, ...], ...],
    notes: list[str],
) -> Rig:
    """``shapes`` are the controls', then those of ``combinations``."""
    vertices = np.concatenate([p.vertices for p in pieces]).astype(np.float32)
    faces = np.concatenate([p.faces.reshape(-1, 3) + s for p, s in zip(pieces, starts, strict=False)])
    looks = {p.material or p.name: p for p in pieces}
    materials = {n: draft.materials.get(n) or look_of(n, p.name) for n, p in looks.items()}
    pivots, weight = dict(draft.pivots), _stacked(pieces, "head_weight", np.ones)
    if "head" not in pivots and shapes:
        guess, follow = guess_posture(vertices, [index for index, _ in shapes.values()])
        pivots["head"] = guess
        weight = follow if weight is None else weight
        notes.append("no head joint: its pivot and the reach of its turns are guessed")
    counts = [len(index) for index, _ in shapes.values()]
    return Rig(
        name=draft.name,
        controls=tuple(_control(n, draft.limits) for n in list(shapes)[: len(shapes) - len(combinations)]),
        mesh=Mesh(vertices, faces, _uvs(pieces), _colors(pieces, materials)),
        delta_offsets=np.cumsum([0, *counts]),
        delta_index=_all([i for i, _ in shapes.values()], (0,)).astype(np.int32),
        delta_value=_all([v for _, v in shapes.values()], (0, 3)).astype(np.float32),
        head_weight=None if weight is None else weight.astype(np.float32),
        parts=tuple(_parts(pieces, starts)),
        materials=materials,
        landmarks=draft.landmarks,
        pivots=pivots,
        licence=draft.licence,
        credit=draft.credit,
        textures=draft.textures,
        combinations=combinations,
    )


def _control(name: str, limits: Mapping[str, tuple[float, float]]) -> Control:
    low, high = limits.get(name, (0.0, 1.0))
    return Control(name, low=low, high=high, side=side_of(name), region=region_of(name))


def _all(arrays: list[np.ndarray], empty: tuple[int, ...]) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.zeros(empty)


def _parts(pieces: list[MeshPart], starts: np.ndarray) -> Iterable[RigPart]:
    """A part a piece; one name on several gets a number."""
    face, seen = 0, dict[str, int]()
    for piece, start in zip(pieces, starts.tolist(), strict=False):
        number = seen[piece.name] = seen.get(piece.name, 0) + 1
        name = piece.name if number == 1 else f"{piece.name}{number}"
        end = face + len(piece.faces)
        yield RigPart(name, piece.material or piece.name, (start, start + len(piece.vertices)), (face, end))
        face = end


def _stacked(pieces: list[MeshPart], name: str, missing: Any) -> np.ndarray | None:
    """One array of all meshes, filled by ``missing(count)`` where a mesh has none; None where all lack it."""
    rows = [getattr(p, name) for p in pieces]
    if all(row is None for row in rows):
        return None
    return np.concatenate(
        [missing(len(p.vertices)) if r is None else r for p, r in zip(pieces, rows, strict=True)]
    )


def _uvs(pieces: list[MeshPart]) -> np.ndarray | None:
    uvs = _stacked(pieces, "uvs", lambda n: np.zeros((n, 2)))
    return None if uvs is None else np.nan_to_num(np.asarray(uvs, np.float32), posinf=0.0, neginf=0.0)


def _colors(pieces: list[MeshPart], materials: Mapping[str, Any]) -> np.ndarray | None:
    """Vertex colours where a piece has some; the others take their material's, as one colour rules them all."""
    if all(p.colors is None for p in pieces):
        return None
    rows = []
    for piece in pieces:
        colors = piece.colors
        if colors is None:
            linear = np.clip(materials[piece.material or piece.name].get("color", (1, 1, 1)), 0, 1)
            colors = np.tile(np.round(255 * to_srgb(linear)).astype(np.uint8), (len(piece.vertices), 1))
        rows.append(colors)
    return np.concatenate(rows).astype(np.uint8)
