"""Where mediapipe's 478 face landmarks lie on a rig's head: makes rigs/<name>/landmarks.csv.

    python -m tools.head_builder.build_landmarks --rig aria -o rigs/aria/landmarks.csv --picture landmarks.png

The head is drawn in several poses and mouth shapes, mediapipe finds its landmarks in the pictures, and the rays
through them meet the skin: so each landmark is where the tracker itself sees it on this head. The median over the
pictures, made the same on both sides, is put back on the surface. The points of the mouth are taken from open mouths,
the corners of eyes and mouth from the rig's own landmarks. Needs the extras `track` and `render`.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from facegen.core.animation import Animation
from facegen.core.registry import Registry
from facegen.renderers import camera_for
from facegen.rig import Rig, evaluate, load_rig

SIZE = 900
TURNS = ((0, 0), (-0.3, 0), (0.3, 0), (0, 0.15), (0, -0.15), (-0.15, 0.08), (0.15, 0.08))
MOUTHS: tuple[dict[str, float], ...] = ({}, {"jawOpen": 0.35}, {"jawOpen": 0.55})
NAMED = {
    13: "lipUpperInner", 14: "lipLowerInner", 61: "mouthCornerRight", 291: "mouthCornerLeft", 33: "eyeOuterRight",
    133: "eyeInnerRight", 263: "eyeOuterLeft", 362: "eyeInnerLeft", 159: "lidUpperRight", 145: "lidLowerRight",
    386: "lidUpperLeft", 374: "lidLowerLeft",
}  # fmt: skip
"""Landmarks that rigs name themselves."""
TRUSTED_CM = 0.15
"""Points that scatter so far over the pictures weigh half."""
MESH_POINTS = 468


def regions() -> dict[int, str]:
    """The part of the face that a landmark belongs to; cheek for those that mediapipe gives to none."""
    from mediapipe.python.solutions import face_mesh_connections as lines

    sets = {
        "nose": lines.FACEMESH_NOSE,
        "oval": lines.FACEMESH_FACE_OVAL,
        "brow": lines.FACEMESH_LEFT_EYEBROW | lines.FACEMESH_RIGHT_EYEBROW,
        "lid": lines.FACEMESH_LEFT_EYE | lines.FACEMESH_RIGHT_EYE,
        "lips": lines.FACEMESH_LIPS,
    }
    found = dict.fromkeys(range(MESH_POINTS), "cheek")
    for name, pairs in sets.items():
        found.update({point: name for pair in pairs for point in pair})
    return found


def skin(rig: Rig) -> np.ndarray:
    part = next((p for p in rig.parts if p.name == "skin"), None)
    assert rig.mesh is not None
    faces = rig.mesh.faces
    return faces if part is None else faces[slice(*part.faces)]


def pictures(rig: Rig) -> tuple[list[np.ndarray], np.ndarray, list[np.ndarray], np.ndarray]:
    """Drawn frames, which of them has an open mouth, their vertices, and the camera's matrix [4, 4]."""
    poses = [(turn, mouth) for mouth in MOUTHS for turn in TURNS]
    values = np.zeros((len(poses), len(rig.controls)), np.float32)
    head = np.zeros((len(poses), 6), np.float32)
    for row, (turn, mouth) in enumerate(poses):
        head[row, :2] = turn
        for name, value in mouth.items():
            values[row, rig.control_names.index(name)] = value
    animation = Animation(Fraction(25), rig.control_names, values, head)
    camera = camera_for(rig, "front", (SIZE, SIZE))
    ground = np.full((SIZE, SIZE, 3), 160, np.uint8)
    renderer = Registry("renderers").get("raster")()
    frames = list(renderer.frames(rig, animation, camera, (SIZE, SIZE), ground))
    is_open = np.array([bool(mouth) for _, mouth in poses])
    return frames, is_open, list(evaluate(rig, animation)), camera.projection(1.0)


def landmarks_of(frames: list[np.ndarray]) -> list[np.ndarray | None]:
    """Landmarks [468, 2] in pixels of each frame."""
    os.environ.setdefault("GLOG_minloglevel", "3")
    import mediapipe

    found: list[np.ndarray | None] = []
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as mesh:
        for frame in frames:
            faces = mesh.process(np.ascontiguousarray(frame)).multi_face_landmarks
            points = faces[0].landmark[:MESH_POINTS] if faces else None
            found.append(None if points is None else SIZE * np.array([(p.x, p.y) for p in points]))
    return found


def on_screen(vertices: np.ndarray, matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    clip = np.c_[vertices, np.ones(len(vertices))] @ matrix.T
    flat = clip[:, :2] / clip[:, 3:]
    return (flat * (1, -1) + 1) * SIZE / 2, clip[:, 2] / clip[:, 3]


def cast(points: np.ndarray, flat: np.ndarray, depth: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Where the rays through ``points`` [N, 2] first meet the faces: rows of (face, shares of its corners) [N, 4],
    NaN where they meet none."""
    a, b, c = (flat[faces[:, i]] for i in range(3))
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    front = np.flatnonzero(area < -1e-9)  # counter-clockwise from outside, and the picture's y points down
    a, b, c, area = a[front], b[front], c[front], area[front]
    found = np.full((len(points), 4), np.nan)
    for row, p in enumerate(points):
        u = ((p - a)[:, 0] * (c - a)[:, 1] - (p - a)[:, 1] * (c - a)[:, 0]) / area
        v = ((b - a)[:, 0] * (p - a)[:, 1] - (b - a)[:, 1] * (p - a)[:, 0]) / area
        hit = np.flatnonzero((u >= 0) & (v >= 0) & (u + v <= 1))
        if len(hit):
            shares = np.stack([1 - u[hit] - v[hit], u[hit], v[hit]], axis=1)
            near = (depth[faces[front[hit]]] * shares).sum(axis=1).argmin()
            found[row] = front[hit[near]], *shares[near]
    return found


def places(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """Rest positions [468, 3] cm of the landmarks and how far they scatter [468] cm."""
    frames, is_open, moved, matrix = pictures(rig)
    assert rig.mesh is not None
    faces, rest = skin(rig), rig.mesh.vertices.astype(np.float64)
    part = regions()
    lips = np.array([part[i] == "lips" for i in range(MESH_POINTS)])
    all_rows = []
    for points, opened, vertices in zip(landmarks_of(frames), is_open, moved, strict=True):
        rows = np.full((MESH_POINTS, 3), np.nan)
        if points is not None:
            flat, depth = on_screen(vertices, matrix)
            hits = cast(points, flat, depth, faces)
            good = np.isfinite(hits[:, 0])
            corners = rest[faces[hits[good, 0].astype(int)]]
            rows[good] = (corners * hits[good, 1:, None]).sum(axis=1)
            rows[lips != opened] = np.nan  # lips from open mouths, all else from mouths at rest
        all_rows.append(rows)
    stack = np.stack(all_rows)
    middle = np.nanmedian(stack, axis=0)
    scatter = np.sqrt(np.nanmean(((stack - middle) ** 2).sum(axis=2), axis=0))
    seen = np.isfinite(stack[..., 0]).sum(axis=0)
    middle[seen < 3] = np.nan
    return middle, scatter


def both_sides(points: np.ndarray) -> np.ndarray:
    """The same points, each the mean of itself and its partner's mirror image where it has a partner."""
    good = np.flatnonzero(np.isfinite(points[:, 0]))
    flip = np.array((-1.0, 1.0, 1.0))
    near = good[cKDTree(points[good]).query(points[good] * flip)[1]]
    partner = dict(zip(good.tolist(), near.tolist(), strict=True))
    result = points.copy()
    for point, other in partner.items():
        if partner.get(other) == point:
            result[point] = (points[point] + points[other] * flip) / 2
    return result


def onto_surface(point: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> tuple[int, np.ndarray]:
    """The face nearest to ``point`` and the shares [3] of its corners."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    e, f, g = b - a, c - a, point - a
    ee, ef, ff = (e * e).sum(1), (e * f).sum(1), (f * f).sum(1)
    ge, gf = (g * e).sum(1), (g * f).sum(1)
    area = np.maximum(ee * ff - ef * ef, 1e-12)
    shares = np.stack([(ff * ge - ef * gf) / area, (ee * gf - ef * ge) / area], axis=1)
    shares = np.clip(np.c_[1 - shares.sum(axis=1), shares], 0, 1)
    shares /= shares.sum(axis=1, keepdims=True)
    reached = (np.stack([a, b, c], axis=1) * shares[..., None]).sum(axis=1)
    best = int(((reached - point) ** 2).sum(axis=1).argmin())
    return best, shares[best]


def table(rig: Rig) -> list[tuple]:
    """Rows of landmarks.csv."""
    middle, scatter = places(rig)
    middle = both_sides(middle)
    assert rig.mesh is not None
    faces, rest, part = skin(rig), rig.mesh.vertices.astype(np.float64), regions()
    rows = []
    for point in range(MESH_POINTS):
        if point in NAMED and NAMED[point] in rig.landmarks:
            at = rig.landmarks[NAMED[point]]
            rows.append((point, part[point], 1.0, at, at, at, 1.0, 0.0, 0.0))
        elif np.isfinite(middle[point, 0]):
            face, shares = onto_surface(middle[point], rest, faces)
            weight = 1 / (1 + (scatter[point] / TRUSTED_CM) ** 2)
            rows.append((point, part[point], round(float(weight), 3), *faces[face].tolist(),
                         *(round(float(s), 4) for s in shares)))  # fmt: skip
    return rows


def picture(rig: Rig, rows: list[tuple], path: Path) -> None:
    """The head at rest with the landmarks and their numbers on it."""
    from PIL import Image, ImageDraw

    assert rig.mesh is not None
    camera = camera_for(rig, "front", (1600, 1600))
    still = Animation(Fraction(25), rig.control_names, np.zeros((1, len(rig.controls))))
    ground = np.full((1600, 1600, 3), 160, np.uint8)
    frame = next(iter(Registry("renderers").get("raster")().frames(rig, still, camera, (1600, 1600), ground)))
    image = Image.fromarray(frame)
    draw = ImageDraw.Draw(image)
    color = {"lips": "lime", "lid": "cyan", "brow": "yellow", "oval": "red", "nose": "blue", "cheek": "white"}
    for point, region, _, *corners in rows:
        place = (rig.mesh.vertices[corners[:3]] * np.array(corners[3:])[:, None]).sum(axis=0)
        (x, y), _ = (value[0] for value in on_screen(place[None], camera.projection(1.0)))
        x, y = x * 1600 / SIZE, y * 1600 / SIZE
        draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=color[region])
        draw.text((x + 3, y - 4), str(point), fill="black", font_size=9)
    image.crop((350, 350, 1250, 1350)).save(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rig", default="aria")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    rig = load_rig(options.rig)
    rows = table(rig)
    with options.output.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(("landmark", "region", "weight", "a", "b", "c", "share_a", "share_b", "share_c"))
        writer.writerows(rows)
    if options.picture:
        picture(rig, rows, options.picture)
    print(f"{len(rows)} of {MESH_POINTS} landmarks on {rig.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
