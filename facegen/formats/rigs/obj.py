"""Wavefront OBJ: one mesh, or a folder with a neutral and a file for each shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from facegen.core.errors import RigError, printable
from facegen.core.files import read_bytes
from facegen.rig.builder import MAX_DELTAS, MAX_VERTICES, MeshPart, RigBuilder, Shape, build_rig, moved
from facegen.rig.guess_units import guess_scale
from facegen.rig.importing import Imported

NEUTRAL_WORDS = ("neutral", "base", "rest", "basis", "default", "mean", "template")
MAX_SHAPES = 2000


@dataclass
class Model:
    """``vertices`` [V, 3] in the file's units, triangles, one material number a triangle, uvs [V, 2] or None."""

    vertices: np.ndarray
    faces: np.ndarray = field(default_factory=lambda: np.zeros((0, 3), np.int64))
    groups: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    names: list[str] = field(default_factory=list)
    uvs: np.ndarray | None = None


def read(path: Path, shapes_needed: bool = True) -> Imported:
    """One OBJ file. It holds no shapes, so it is a rig only after a transfer."""
    model = read_model(path)
    scale, note = guess_scale(model.vertices)
    draft = RigBuilder(path.stem, pieces_of(model, scale, {}), notes=[note] if note else [])
    return build_rig(draft, shapes_needed)


def read_folder(folder: Path, shapes_needed: bool = True) -> Imported:
    """A folder of OBJ files of one topology: the neutral is the one named so, or like the folder; the others are
    shapes, called as their files."""
    files = sorted(folder.glob("*.obj"))
    neutral = _neutral(files, folder)
    model = read_model(neutral)
    scale, note = guess_scale(model.vertices)
    shapes = read_shapes([f for f in files if f != neutral], model, scale)
    notes = [f"the neutral is {neutral.name}", *([note] if note else [])]
    return build_rig(
        RigBuilder(folder.resolve().name, pieces_of(model, scale, shapes), notes=notes), shapes_needed
    )


def _neutral(files: list[Path], folder: Path) -> Path:
    named = [f for f in files if any(w in f.stem.lower() for w in NEUTRAL_WORDS)]
    alike = [f for f in files if f.stem.lower() == folder.resolve().name.lower()]
    found = named or alike or (files if len(files) == 1 else [])
    if not found:
        raise RigError("holds no neutral face among its OBJ files", remedy="call it neutral.obj")
    return min(found, key=lambda f: (len(f.stem), f.stem))


def read_shapes(files: list[Path], model: Model, scale: float) -> dict[str, Shape]:
    """Displacements in cm of each file from ``model``."""
    if len(files) > MAX_SHAPES:
        raise RigError(f"holds {len(files)} shapes; at most {MAX_SHAPES}", remedy="keep those of the face")
    shapes: dict[str, Shape] = {}
    total = 0
    for path in files:
        vertices = read_model(path, faces=False).vertices
        if vertices.shape != model.vertices.shape:
            raise RigError(
                f"has {len(vertices)} vertices, the neutral has {len(model.vertices)}",
                path=path,
                remedy="export all shapes with the same vertices in the same order",
            )
        shapes[path.stem] = moved((vertices - model.vertices) * scale)
        total += len(shapes[path.stem][0])
        if total > MAX_DELTAS:
            raise RigError(f"has more than {MAX_DELTAS} displacements", remedy="export fewer shapes")
    return shapes


def read_model(path: Path, faces: bool = True) -> Model:
    """Vertices, triangulated faces by material (or group) and uvs of an OBJ file; normals and curves are passed over.

    A vertex on a seam keeps the uv of its last corner, so that vertices stay as they are numbered. Raises RigError
    for numbers that are none and faces that point outside.
    """
    raw = read_bytes(path, error=RigError)
    lines = raw.split(b"\n")
    places = _numbers(path, [l for l in lines if l[:2] in (b"v ", b"v\t")], 3, "vertex")
    if len(places) == 0:
        raise RigError("holds no vertices", path=path, remedy="give an OBJ file of a mesh")
    if len(places) > MAX_VERTICES:
        raise RigError(f"has {len(places)} vertices; at most {MAX_VERTICES}", path=path, remedy="reduce it")
    model = Model(places)
    if faces:
        _read_faces(path, lines, model)
    return model


def _numbers(path: Path, lines: list[bytes], width: int, what: str) -> np.ndarray:
    """The first ``width`` numbers of each line, [n, width] float64."""
    if not lines:
        return np.zeros((0, width))
    try:
        rows = np.array([line.split()[1 : width + 1] for line in lines]).astype(np.float64)
    except ValueError as error:
        raise RigError(
            f"has a {what} that is no {width} numbers", path=path, remedy="export it again"
        ) from error
    if rows.shape[1:] != (width,):
        raise RigError(f"has a {what} that is no {width} numbers", path=path, remedy="export it again")
    if not np.isfinite(rows).all():
        raise RigError(f"has a {what} that is not finite", path=path, remedy="export it again")
    return rows


def _read_faces(path: Path, lines: list[bytes], model: Model) -> None:
    uvs = _numbers(path, [l for l in lines if l[:3] in (b"vt ", b"vt\t")], 2, "uv")
    corners, textures, groups = [], [], []
    names: dict[str, int] = {}
    group, vertices, pictures = "", 0, 0
    for line in lines:
        head = line[:2]
        if head == b"v ":
            vertices += 1
        elif head == b"vt":
            pictures += 1
        elif head in (b"us", b"g ", b"o ") and (head != b"us" or line.startswith(b"usemtl")):
            group = line.partition(b" ")[2].strip().decode("utf-8", "replace") or group
        elif head == b"f ":
            polygon = [c.split(b"/") for c in line.split()[1:]]
            try:
                v = [_from(int(c[0]), vertices) for c in polygon]
                t = [_from(int(c[1]), pictures) if len(c) > 1 and c[1] else -1 for c in polygon]
            except ValueError as error:
                raise RigError("has a face that is none", path=path, remedy="export it again") from error
            number = names.setdefault(group, len(names))
            for k in range(1, len(v) - 1):
                corners.append((v[0], v[k], v[k + 1]))
                textures.append((t[0], t[k], t[k + 1]))
                groups.append(number)
    model.faces = np.array(corners, np.int64).reshape(-1, 3)
    model.groups, model.names = np.array(groups, np.int64), list(names)
    if len(corners) and not (0 <= model.faces.min() and model.faces.max() < len(model.vertices)):
        raise RigError(
            f"has a face that points outside its {len(model.vertices)} vertices",
            path=path,
            remedy="export it again",
        )
    picture = np.array(textures, np.int64).reshape(-1, 3)
    if len(uvs) and len(picture) and (picture >= 0).all() and picture.max() < len(uvs):
        model.uvs = np.zeros((len(model.vertices), 2))
        model.uvs[model.faces.ravel()] = uvs[picture.ravel()]


def _from(number: int, count: int) -> int:
    """OBJ numbers from 1, or backwards from the last."""
    return number - 1 if number > 0 else count + number


def pieces_of(model: Model, scale: float, shapes: dict[str, Shape]) -> list[MeshPart]:
    """One piece a group where groups are runs of vertices that share none; else one piece."""
    spans = _spans(model)
    if spans is None:
        name = printable(model.names[0])[:60] if len(model.names) == 1 and model.names[0] else "head"
        rows = list(shapes.items())
        return [MeshPart(name, model.vertices * scale, model.faces, rows, uvs=model.uvs)]
    pieces = []
    for number, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        rows = []
        for name, (index, value) in shapes.items():
            inside = (index >= start) & (index < end)
            rows.append((name, (index[inside] - start, value[inside])))
        uvs = None if model.uvs is None else model.uvs[start:end]
        faces = model.faces[model.groups == number] - start
        name = printable(model.names[number])[:60] or f"part{number}"
        pieces.append(MeshPart(name, model.vertices[start:end] * scale, faces, rows, uvs=uvs))
    return pieces


def _spans(model: Model) -> dict[int, tuple[int, int]] | None:
    """First and last vertex of each group, stretched so that they cover all; None where groups share vertices."""
    if len(model.names) < 2:
        return None
    found = []
    for number in range(len(model.names)):
        rows = model.faces[model.groups == number]
        if len(rows):
            found.append((int(rows.min()), int(rows.max()) + 1, number))
    found.sort()
    if len(found) < 2 or any(a[1] > b[0] for a, b in zip(found, found[1:], strict=False)):
        return None
    starts = [0, *(f[0] for f in found[1:]), len(model.vertices)]
    return {f[2]: (starts[i], starts[i + 1]) for i, f in enumerate(found)}
