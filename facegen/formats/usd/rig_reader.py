"""Blend shapes in USD files (UsdSkel): ``.usd``, ``.usda``, ``.usdc``, ``.usdz``; needs the extra ``usd``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from facegen.core.errors import MissingExtraError, RigError
from facegen.core.sandbox import try_in_sandbox
from facegen.rig.builder import MAX_DELTAS, MAX_VERTICES, MeshPart, RigBuilder, Shape, build_rig, moved
from facegen.rig.default_materials import look_of
from facegen.rig.importing import Imported

CM_PER_M = 100.0


def read(path: Path, shapes_needed: bool = True) -> Imported:
    """The rig of a USD stage: every mesh with its blend shapes, at rest, in cm with +Y up.

    In-between shapes and animation are passed over. Raises MissingExtraError without usd-core.
    """
    try_in_sandbox("facegen.formats.usd.rig_reader:read_here", path, RigError, "export it again")
    return read_here(path, shapes_needed)


def read_here(path: Path, shapes_needed: bool = True) -> Imported:
    """As ``read``, without its care."""
    try:
        from pxr import Tf, Usd, UsdGeom
    except ImportError as error:
        raise MissingExtraError("usd-core", "usd", "reading USD") from error
    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise RigError("is no USD file that can be opened", path=path, remedy="export it again") from error
    scale = float(UsdGeom.GetStageMetersPerUnit(stage)) * CM_PER_M
    turn = np.eye(3)
    if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z:
        turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    places = UsdGeom.XformCache(Usd.TimeCode.EarliestTime())
    pieces: list[MeshPart] = []
    materials: dict[str, dict[str, Any]] = {}
    total = 0
    for prim in stage.Traverse():
        if prim.IsA(UsdGeom.Mesh) and UsdGeom.Imageable(prim).ComputeVisibility() != UsdGeom.Tokens.invisible:
            matrix = np.array(places.GetLocalToWorldTransform(prim)).T
            piece = _piece(prim, matrix, turn * scale)
            pieces.append(piece)
            materials[piece.name] = _look(prim)
            total += len(piece.vertices)
            if total > MAX_VERTICES:
                raise RigError(f"has more than {MAX_VERTICES} vertices", remedy="reduce the mesh")
    return build_rig(RigBuilder(path.stem, pieces, materials), shapes_needed)


def _piece(prim: Any, matrix: np.ndarray, turn: np.ndarray) -> MeshPart:
    from pxr import UsdGeom, UsdSkel

    mesh = UsdGeom.Mesh(prim)
    points = np.array(mesh.GetPointsAttr().Get() or [], np.float64).reshape(-1, 3)
    if not np.isfinite(points).all():
        raise RigError(f"has a vertex that is not finite in {prim.GetName()}")
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get() or [], np.int64)
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get() or [], np.int64)
    linear = turn @ matrix[:3, :3]
    faces = _fan(counts, corners, len(points))
    left_handed = mesh.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded
    if left_handed != (np.linalg.det(linear) < 0):
        faces = faces[:, ::-1]
    binding = UsdSkel.BindingAPI(prim)
    names = list(binding.GetBlendShapesAttr().Get() or [])
    targets = list(binding.GetBlendShapeTargetsRel().GetTargets())
    if len(names) != len(targets):
        raise RigError(f"has {len(names)} names for {len(targets)} blend shapes in {prim.GetName()}")
    shapes: list[tuple[str, Shape]] = []
    total = 0
    for name, target in zip(names, targets, strict=True):
        shape = UsdSkel.BlendShape(prim.GetStage().GetPrimAtPath(target))
        shapes.append((str(name), _shape(shape, len(points), linear, str(name))))
        total += len(shapes[-1][1][0])
        if total > MAX_DELTAS:
            raise RigError(f"has more than {MAX_DELTAS} displacements", remedy="export fewer shapes")
    return MeshPart(
        prim.GetName(), points @ linear.T + turn @ matrix[:3, 3], faces, shapes, uvs=_uvs(prim, len(points))
    )


def _shape(shape: Any, count: int, linear: np.ndarray, name: str) -> Shape:
    offsets = np.array(shape.GetOffsetsAttr().Get() or [], np.float64).reshape(-1, 3)
    index = np.array(shape.GetPointIndicesAttr().Get() or [], np.int64)
    if len(index) == 0:
        index = np.arange(len(offsets))
    if len(index) != len(offsets) or (len(index) and not 0 <= index.min() <= index.max() < count):
        raise RigError(f"has a blend shape {name[:60]!r} that does not fit its {count} vertices")
    rows, far = moved(offsets @ linear.T)
    return index[rows], far


def _fan(counts: np.ndarray, corners: np.ndarray, vertices: int) -> np.ndarray:
    """Polygons as fans of triangles, [F, 3]."""
    if counts.sum() != len(corners) or (len(corners) and not 0 <= corners.min() <= corners.max() < vertices):
        raise RigError("has a face that points outside its vertices", remedy="export it again")
    starts = np.cumsum([0, *counts[:-1].tolist()])
    rows = [np.zeros((0, 3), np.int64)]
    for size in np.unique(counts[counts >= 3]).tolist():
        polygons = corners[starts[counts == size][:, None] + np.arange(size)]
        rows += [polygons[:, [0, k, k + 1]] for k in range(1, size - 1)]
    return np.concatenate(rows)


def _uvs(prim: Any, count: int) -> np.ndarray | None:
    """The first coordinates that lie on vertices."""
    from pxr import UsdGeom

    variable = UsdGeom.PrimvarsAPI(prim).GetPrimvar("st")
    values = variable.ComputeFlattened() if variable and variable.HasValue() else None
    if values is None or len(values) != count:
        return None
    return np.array(values, np.float64).reshape(-1, 2)


def _look(prim: Any) -> dict[str, Any]:
    """The surface that the mesh's display colour or bound preview material gives, else by its name."""
    from pxr import UsdGeom, UsdShade

    look = look_of(prim.GetName())
    colors = UsdGeom.Gprim(prim).GetDisplayColorAttr().Get()
    if colors and len(colors) == 1:
        look["color"] = np.clip(np.array(colors[0], np.float64), 0, 1).tolist()
    material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
    shader = material.ComputeSurfaceSource()[0] if material else None
    given = shader.GetInput("diffuseColor") if shader else None
    value = given.Get() if given and not given.HasConnectedSource() else None
    if value is not None:
        look["color"] = np.clip(np.array(value, np.float64), 0, 1).tolist()
    return look
