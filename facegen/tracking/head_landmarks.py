"""Landmarks of a head found in a picture of it: drawn from the front, read by mediapipe, put back onto the mesh."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import MissingExtraError, RigError
from facegen.core.registry import Registry
from facegen.renderers.camera import camera_for
from facegen.rig import Rig
from facegen.rig.transfer.landmarks import LEAST, LandmarkPairs
from facegen.rig.transfer.surface import connected_components, face_normals, weld_vertices

SIZE = (768, 768)
POINTS = 468
"""Of mediapipe's 478 points, those of the face; the others are irises."""
SHARE_OF_SKIN = 0.1
LIDS_UPPER = (246, 161, 160, 159, 158, 157, 173, 466, 388, 387, 386, 385, 384, 398)
LIDS_LOWER = (7, 163, 144, 145, 153, 154, 155, 249, 390, 373, 374, 380, 381, 382)
"""mediapipe's points on the edges of the lids."""
LID_PAIRS = {
    "Right": ((161, 163), (160, 144), (159, 145), (158, 153), (157, 154)),
    "Left": ((388, 390), (387, 373), (386, 374), (385, 380), (384, 381)),
}
"""Points above one another."""
LID_PIXELS = 14
DEPTH_CM = 0.4
BACKGROUND = "#8a8a8a"


def lids_of(places: np.ndarray) -> dict[str, np.ndarray]:
    """Side to places [n, 2, 3] on the edges of its upper and lower lid, of those that were found."""
    rows = {side: places[np.array(pairs)] for side, pairs in LID_PAIRS.items()}
    return {side: row[np.isfinite(row).all(axis=(1, 2))] for side, row in rows.items()}


def pairs_in_pictures(source: Rig, target: Rig) -> LandmarkPairs:
    """Pairs of landmarks that are found in pictures of both heads. Raises RigError where too few are, and as
    ``landmarks_of``."""
    theirs, skin = landmarks_of(target)
    ours, _ = landmarks_of(source)
    both = np.isfinite(ours).all(axis=1) & np.isfinite(theirs).all(axis=1)
    if both.sum() < LEAST:
        raise RigError("shows too few landmarks from the front", remedy="give --landmarks FILE")
    return LandmarkPairs(
        ours[both], theirs[both], skin, f"{both.sum()} landmarks found in a picture", lids_of(theirs)
    )


def landmarks_of(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Places [468, 3] cm of mediapipe's face points on the mesh of ``rig``, NaN where there is none, and the pieces
    [V] bool of the mesh that they lie on.

    Raises MissingExtraError without the extras render and track, RigError where no face is seen.
    """
    pixels, matrix = _seen(rig)
    mesh = rig.mesh
    assert mesh is not None
    piece = connected_components(mesh.faces, weld_vertices(mesh.vertices))
    solid = _solid_faces(rig)
    first = _hits(pixels, mesh.vertices, mesh.faces[solid], matrix)[1]
    hit = piece[mesh.faces[solid][first[first >= 0], 0]]
    numbers, counts = np.unique(hit, return_counts=True)
    skin = np.isin(piece, numbers[counts >= SHARE_OF_SKIN * max(len(hit), 1)])
    faces = mesh.faces[skin[mesh.faces[:, 0]]]
    pixels = _on_lids(pixels, mesh.vertices, mesh.faces[solid], skin, matrix)
    places, _ = _hits(pixels, mesh.vertices, faces, matrix)
    return places, skin


def _seen(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [468, 2] of the face's points in the front view of the face at rest, and world to clip [4, 4]."""
    try:
        import mediapipe
    except ImportError as error:
        raise MissingExtraError("mediapipe", "track", "finding a mesh's landmarks") from error
    from facegen.renderers.images import make_background

    camera = camera_for(_framed(rig), "front", SIZE)
    still = Animation(Fraction(30), ("jawOpen",), np.zeros((1, 1), np.float32))
    drawn = Registry("renderers").get("raster")()
    picture = next(iter(drawn.frames(rig, still, camera, SIZE, make_background(BACKGROUND, SIZE), fine=True)))
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as finder:
        found = finder.process(np.ascontiguousarray(picture[..., :3])).multi_face_landmarks
    if not found:
        raise RigError("shows no face from the front", remedy="give --landmarks FILE, or --turn or --up it")
    rows = found[0].landmark[:POINTS]
    return np.array([(p.x * SIZE[0], p.y * SIZE[1]) for p in rows]), camera.projection(SIZE[0] / SIZE[1])


def _on_lids(
    pixels: np.ndarray, vertices: np.ndarray, faces: np.ndarray, skin: np.ndarray, matrix: np.ndarray
) -> np.ndarray:
    """``pixels`` with those of the lids moved up or down to where the skin ends and the eye begins."""
    result = pixels.copy()
    steps = np.arange(-LID_PIXELS, LID_PIXELS + 1)
    for numbers, down in ((LIDS_UPPER, 1), (LIDS_LOWER, -1)):
        for number in numbers:
            column = pixels[number] + np.column_stack([0 * steps, down * steps])
            places, face = _hits(column, vertices, faces, matrix)
            on_skin = (face >= 0) & skin[faces[face, 0]]
            depth = np.where(on_skin, places[:, 2], -np.inf)
            ends = on_skin[:-1] & (~on_skin[1:] | (depth[1:] < depth[:-1] - DEPTH_CM))
            if ends.any():
                at = np.flatnonzero(ends)
                result[number] = column[at[np.argmin(np.abs(steps[at]))]]
    return result


def _framed(rig: Rig) -> Rig:
    """The rig with all of it counted as head, unless a joint says what is."""
    if rig.head_weight is not None and (rig.head_weight > 0.5).any():
        return rig
    return replace(rig, head_weight=None)


def _solid_faces(rig: Rig) -> np.ndarray:
    """Numbers of the faces of parts that are not seen through."""
    mesh = rig.mesh
    assert mesh is not None
    solid = np.ones(len(mesh.faces), bool)
    for part in rig.parts:
        if float(rig.materials.get(part.material, {}).get("opacity", 1.0)) < 1:
            solid[slice(*part.faces)] = False
    return np.flatnonzero(solid)


def _hits(
    pixels: np.ndarray, vertices: np.ndarray, faces: np.ndarray, matrix: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where the line of sight through each pixel first meets ``faces``: places [N, 3], NaN for none, and the face."""
    clip = np.column_stack([vertices, np.ones(len(vertices))]) @ matrix.T
    screen = (clip[:, :2] / clip[:, 3:] * (0.5, -0.5) + 0.5) * SIZE
    corners, depth = screen[faces], clip[faces, 3]
    towards = face_normals(vertices, faces)[0][:, 2] > 0
    low, high = corners.min(axis=1), corners.max(axis=1)
    places, which = np.full((len(pixels), 3), np.nan), np.full(len(pixels), -1)
    for number, pixel in enumerate(pixels):
        near = np.flatnonzero(towards & (low <= pixel).all(axis=1) & (high >= pixel).all(axis=1))
        a, b, c = (corners[near, i] for i in range(3))
        u, v, p = b - a, c - a, pixel - a
        size = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        size = np.where(np.abs(size) < 1e-12, np.inf, size)
        s = (p[:, 0] * v[:, 1] - p[:, 1] * v[:, 0]) / size
        t = (u[:, 0] * p[:, 1] - u[:, 1] * p[:, 0]) / size
        inside = (s >= -1e-6) & (t >= -1e-6) & (s + t <= 1 + 1e-6) & np.isfinite(size)
        if not inside.any():
            continue
        shares = np.column_stack([1 - s - t, s, t])
        first = np.flatnonzero(inside)[np.argmin((shares * depth[near]).sum(axis=1)[inside])]
        weights = shares[first] / depth[near[first]]
        places[number] = weights @ vertices[faces[near[first]]] / weights.sum()
        which[number] = near[first]
    return places, which
