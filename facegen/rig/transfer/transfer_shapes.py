"""The whole of a transfer: landmarks, registration, shapes by deformation transfer, and how well it fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np
from scipy.spatial import cKDTree

from facegen.core.errors import RigError
from facegen.core.mesh import normals
from facegen.rig import Rig, RigPart, load_rig
from facegen.rig.head_pivot import guess_posture
from facegen.rig.transfer.deformation_transfer import Deformations, TransferTarget
from facegen.rig.transfer.landmarks import LandmarkPairs, named_pairs, read_landmarks
from facegen.rig.transfer.registration import LandmarkWarp, register, similarity
from facegen.rig.transfer.surface import NearestPoints, connected_components, face_normals, weld_vertices

SOURCE = "aria"
SKIN = ("skin",)
AROUND = ("skin", "mouth")
"""Parts of the source that the target's skin may correspond to."""
SOLID = ("eye", "teeth", "gums")
"""Materials of parts that do not bend."""
DENTAL = ("teeth", "gums")
FAR_CM = 2.5
"""Pieces further than this from all of the source stay still."""
STILL_CM, STILL_SHARE = 5e-4, 2e-3
"""Displacements below either, as a share of the shape's largest, are the solver's tails."""
FITTED = ("mouth", "eyes", "brows", "nose", "cheeks", "jaw")
MM = 10.0
CELL_CM = 0.25
MAX_GAIN = 1.8
"""How much a blink may be strengthened so that the lids of larger eyes meet."""


@dataclass(frozen=True)
class Links:
    """What each vertex of the target corresponds to: three vertices of the source [V, 3] and their shares [V, 3];
    whether it has such [V]; and pieces that move as rigid bodies: their vertices by the part of the source."""

    vertices: np.ndarray
    shares: np.ndarray
    reached: np.ndarray
    solid: list[tuple[RigPart, np.ndarray]]

    def of(self, values: np.ndarray) -> np.ndarray:
        return np.einsum("vk,vk...->v...", self.shares, values[self.vertices])


def transfer_shapes(
    target: Rig, landmarks: str | PathLike | LandmarkPairs, source: Rig | None = None
) -> tuple[Rig, list[str]]:
    """``target`` with the controls and shapes of ``source`` (`aria`), and notes on how well the two faces fit, mm by
    region.

    ``landmarks`` is a file of them, or the pairs themselves. Shapes that the target has are replaced. Raises
    ConfigError for a file that gives fewer than six known landmarks, RigError where they lie on no surface.
    """
    source = source or load_rig(SOURCE)
    if target.mesh is None or source.mesh is None:
        raise RigError("has no mesh", remedy="give one that has")
    pairs = landmarks if isinstance(landmarks, LandmarkPairs) else _read_pairs(source, target, landmarks)
    place = weld_vertices(target.mesh.vertices)
    _, first = np.unique(place, return_index=True)
    vertices, faces = target.mesh.vertices[first].astype(np.float64), place[target.mesh.faces]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    skin = pairs.skin[first]
    skin_faces = faces[skin[faces[:, 0]]]
    if len(skin_faces) == 0:
        raise RigError("has no surface where the landmarks are", remedy="mend the landmarks")
    surface = NearestPoints(vertices, skin_faces)
    warp, fitted = _fitted(source, pairs, surface)
    links = _links(source, fitted, vertices, faces, skin)
    shapes = _shapes(source, warp, links, vertices, faces)
    for side, lids in pairs.lids.items():
        if "eyeBlink" + side in source.control_names:
            row = source.control_names.index("eyeBlink" + side)
            shapes[row] = _closed(shapes[row], vertices, np.flatnonzero(skin), lids)
    notes = [pairs.origin, *_fit_notes(source, fitted, surface)]
    return _with_shapes(target, source, shapes, place), notes


def _read_pairs(source: Rig, target: Rig, path: str | PathLike) -> LandmarkPairs:
    return named_pairs(source, target, read_landmarks(path, target, list(source.landmarks)), "from the file")


def _closed(blink: np.ndarray, vertices: np.ndarray, skin: np.ndarray, lids: np.ndarray) -> np.ndarray:
    """A blink [V, 3] made as much stronger as the edges of the ``lids`` [n, 2, 3] need to meet."""
    if len(lids) == 0:
        return blink
    near = skin[cKDTree(vertices[skin]).query(lids)[1]]
    gap = vertices[near[:, 0], 1] - vertices[near[:, 1], 1]
    closing = blink[near[:, 1], 1] - blink[near[:, 0], 1]
    gain = gap / np.maximum(closing, 1e-6)
    return blink * float(np.clip(np.quantile(gain, 0.65), 1.0, MAX_GAIN))


def _fitted(source: Rig, pairs: LandmarkPairs, surface: NearestPoints) -> tuple[LandmarkWarp, np.ndarray]:
    """The warp of the landmarks, and all vertices of the source laid onto the target's surface."""
    mesh = source.mesh
    assert mesh is not None
    warp = LandmarkWarp(pairs.source, pairs.target)
    near = warp(mesh.vertices)
    skin_faces = _faces_of(source, SKIN)
    used, flat = np.unique(skin_faces, return_inverse=True)
    local = flat.reshape(-1, 3)
    on_source = NearestPoints(mesh.vertices[used], local)
    face, _, shares, _ = on_source.find(pairs.source, np.zeros_like(pairs.source), least=-2.0)
    skin = register(near[used], local, surface, (face, shares, pairs.target))
    moved = skin - near[used]
    others = np.setdiff1d(np.arange(len(near)), used)
    fitted = near.copy()
    fitted[used] = skin
    far, neighbours = cKDTree(near[used]).query(near[others], k=8)
    weights = 1 / (far + 1e-3)
    fitted[others] += np.einsum("nk,nkx->nx", weights / weights.sum(axis=1, keepdims=True), moved[neighbours])
    return warp, fitted


def _faces_of(rig: Rig, names: tuple[str, ...]) -> np.ndarray:
    """Faces of the parts called so; all where the rig has none of them."""
    assert rig.mesh is not None
    rows = [rig.mesh.faces[slice(*p.faces)] for p in rig.parts if p.name in names]
    return np.concatenate(rows) if rows else rig.mesh.faces


def _links(
    source: Rig, fitted: np.ndarray, vertices: np.ndarray, faces: np.ndarray, skin: np.ndarray
) -> Links:
    """Correspondences of all vertices: skin by closest points that face the same way, other pieces with the part of
    the source that they lie nearest to."""
    own_normals = normals(vertices.astype(np.float32), faces).astype(np.float64)
    around = NearestPoints(fitted, _faces_of(source, AROUND))
    face, _, shares, far = around.find(vertices, own_normals)
    lost = ~np.isfinite(far)
    if lost.any():
        face[lost], _, shares[lost], _ = around.find(vertices[lost], own_normals[lost], least=-2.0)
    linked, reached = around.faces[face], np.ones(len(vertices), bool)
    piece = connected_components(faces, np.arange(len(vertices)))
    groups = [np.flatnonzero(piece == number) for number in np.unique(piece[~skin])]
    solid: dict[str, list[np.ndarray]] = {}
    for rows, part in zip(groups, _parts_of(source, fitted, vertices, groups), strict=True):
        distance, index = cKDTree(fitted[slice(*part.vertices)]).query(vertices[rows], k=3)
        weights = 1 / (distance + 1e-3)
        linked[rows], shares[rows] = index + part.vertices[0], weights / weights.sum(axis=1, keepdims=True)
        reached[rows] = distance[:, 0].mean() < FAR_CM
        if part.material in SOLID and reached[rows[0]]:
            solid.setdefault(part.name, []).append(rows)
    by_name = {part.name: part for part in source.parts}
    bodies = [(by_name[name], np.concatenate(rows)) for name, rows in solid.items()]
    return Links(linked, shares, reached, bodies)


def _parts_of(
    source: Rig, fitted: np.ndarray, vertices: np.ndarray, groups: list[np.ndarray]
) -> list[RigPart]:
    """The part of the source that each group of vertices lies nearest to; teeth and gums once more after theirs are
    centred on those found, as jaws stand at unlike heights."""
    nearest_to = _nearest_parts(source.parts, fitted, [vertices[rows] for rows in groups])
    dental = [n for n, part in enumerate(nearest_to) if part.material in DENTAL]
    if dental:
        parts = tuple(p for p in source.parts if p.material in DENTAL)
        found = np.concatenate([vertices[groups[n]] for n in dental])
        ours = np.concatenate([fitted[slice(*p.vertices)] for p in parts])
        shift = (found.min(axis=0) + found.max(axis=0) - ours.min(axis=0) - ours.max(axis=0)) / 2
        again = _nearest_parts(parts, fitted + shift, [vertices[groups[n]] for n in dental])
        for number, part in zip(dental, again, strict=True):
            nearest_to[number] = part
    return nearest_to


def _nearest_parts(parts: Sequence[RigPart], fitted: np.ndarray, groups: list[np.ndarray]) -> list[RigPart]:
    trees = [cKDTree(fitted[slice(*part.vertices)]) for part in parts]
    return [parts[int(np.argmin([tree.query(rows)[0].mean() for tree in trees]))] for rows in groups]


def _shapes(
    source: Rig, warp: LandmarkWarp, links: Links, vertices: np.ndarray, faces: np.ndarray
) -> list[np.ndarray]:
    """Displacements [V, 3] cm of each of the source's controls on the target."""
    mesh = source.mesh
    assert mesh is not None
    rest = mesh.vertices.astype(np.float64)
    deformations, receiver = Deformations(rest, mesh.faces), TransferTarget(vertices, faces)
    average = _face_average(rest, mesh.faces)
    turn = warp.rotation
    result = []
    for name in source.control_names:
        index, value = source.delta(name)
        pushed = np.zeros_like(rest)
        pushed[index] = value
        near = warp.scale * pushed @ turn.T
        change = (average @ deformations.of(rest + pushed).reshape(-1, 9)).reshape(-1, 3, 3)
        on_vertices = links.of(turn @ change @ turn.T) * links.reached[:, None, None]
        moves = receiver.take(on_vertices[faces].mean(axis=1), links.of(near) * links.reached[:, None])
        for part, rows in links.solid:
            own = slice(*part.vertices)
            moves[rows] = _rigid(rest[own], pushed[own], near[own], part, vertices[rows], turn)
        size = np.linalg.norm(moves, axis=1)
        moves[size < max(STILL_CM, STILL_SHARE * size.max(initial=0.0))] = 0
        result.append(moves)
    return result


def _rigid(
    rest: np.ndarray,
    pushed: np.ndarray,
    near: np.ndarray,
    part: RigPart,
    vertices: np.ndarray,
    turn: np.ndarray,
) -> np.ndarray:
    """Displacements [n, 3] of ``vertices`` that turn as the source's part does: eyes about their own middle, teeth
    about the place that theirs is mapped to."""
    if not pushed.any():
        return np.zeros_like(vertices)
    rotation = similarity(rest, rest + pushed)[1]
    rotation = turn @ rotation @ turn.T
    middle = _sphere(vertices) if part.material == "eye" else vertices.mean(axis=0)
    shift = np.zeros(3) if part.material == "eye" else near.mean(axis=0)
    return (vertices - middle) @ (rotation.T - np.eye(3)) + shift


def _sphere(points: np.ndarray) -> np.ndarray:
    """The middle of the sphere nearest to points [n, 3] (least squares)."""
    rows = np.column_stack([2 * points, np.ones(len(points))])
    return np.linalg.lstsq(rows, (points**2).sum(axis=1), rcond=None)[0][:3]


def _face_average(vertices: np.ndarray, faces: np.ndarray):  # type: ignore[no-untyped-def]
    """The operator [V, F] that averages values of faces on their vertices, by area."""
    from scipy.sparse import csr_matrix, diags

    area = face_normals(vertices, faces)[1] + 1e-12
    data = (np.repeat(area, 3), (faces.ravel(), np.repeat(np.arange(len(faces)), 3)))
    total = csr_matrix(data, shape=(len(vertices), len(faces)))
    return diags(1 / np.maximum(np.asarray(total.sum(axis=1)).ravel(), 1e-12)) @ total


def _fit_notes(source: Rig, fitted: np.ndarray, surface: NearestPoints) -> list[str]:
    """How far the laid source is from the target's surface, mm, by region of the face."""
    mesh = source.mesh
    assert mesh is not None
    skin = np.zeros(len(fitted), bool)
    skin[_faces_of(source, SKIN)] = True
    skin &= _in_front(mesh.vertices)
    own_normals = normals(fitted.astype(np.float32), mesh.faces).astype(np.float64)
    notes = []
    for region in FITTED:
        moved = np.zeros(len(fitted), bool)
        for control in source.controls:
            if control.region == region:
                index, value = source.delta(control.name)
                size = np.linalg.norm(value, axis=1)
                moved[index[size > 0.2 * size.max(initial=0.0)]] = True
        rows = np.flatnonzero(moved & skin)
        far = surface.find(fitted[rows], own_normals[rows], least=-2.0)[3] * MM if len(rows) else np.zeros(0)
        if len(far):
            notes.append(
                f"fit {region:6} mean {far.mean():.2f} mm, 95 % within {np.quantile(far, 0.95):.2f} mm"
            )
    return notes


def _in_front(vertices: np.ndarray) -> np.ndarray:
    """Whether [V] each vertex is among the foremost at its place, as seen from the front; not those in the mouth."""
    cell = np.round(vertices[:, :2] / CELL_CM).astype(np.int64)
    _, number = np.unique(cell, axis=0, return_inverse=True)
    front = np.full(number.max() + 1, -np.inf)
    np.maximum.at(front, number.reshape(-1), vertices[:, 2])
    return vertices[:, 2] > front[number.reshape(-1)] - 2 * CELL_CM


def _with_shapes(target: Rig, source: Rig, shapes: list[np.ndarray], place: np.ndarray) -> Rig:
    rows = [np.flatnonzero(moves[place].any(axis=1)) for moves in shapes]
    values = [moves[place][index] for moves, index in zip(shapes, rows, strict=True)]
    pivots, weight = dict(target.pivots), target.head_weight
    if "head" not in pivots and target.mesh is not None:
        pivots["head"], weight = guess_posture(target.mesh.vertices, rows)
    credit = f"shapes transferred from {source.name}"
    return replace(
        target,
        controls=source.controls,
        delta_offsets=np.cumsum([0, *map(len, rows)]),
        delta_index=np.concatenate(rows).astype(np.int32),
        delta_value=np.concatenate(values).astype(np.float32),
        head_weight=weight,
        pivots=pivots,
        credit=f"{target.credit}; {credit}" if target.credit else credit,
    )
