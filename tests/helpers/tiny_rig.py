"""A small head for tests: a bumpy ball that is left-right symmetric, two eyes, a neck that stays behind."""

from __future__ import annotations

import numpy as np

from facegen.core.mesh import Mesh
from facegen.rig import ARKIT, Control, Rig, RigPart

RINGS, SEGMENTS = 10, 16


def ball(centre: tuple[float, float, float], radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] and faces [F, 3] of a sphere, mirror-symmetric about its own x."""
    polar = np.linspace(0.15, np.pi - 0.15, RINGS)
    around = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    vertices = np.array(
        [[np.sin(p) * np.sin(a), np.cos(p), np.sin(p) * np.cos(a)] for p in polar for a in around]
    )
    faces = []
    for ring in range(RINGS - 1):
        for here in range(SEGMENTS):
            a, b = ring * SEGMENTS + here, ring * SEGMENTS + (here + 1) % SEGMENTS
            faces += [(a, a + SEGMENTS, b), (b, a + SEGMENTS, b + SEGMENTS)]
    return vertices * radius + np.array(centre), np.array(faces)


def side_of(name: str) -> str:
    return "left" if name.endswith("Left") else "right" if name.endswith("Right") else "middle"


def shape(name: str, number: int, skin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices moved and displacements of one control: a bump of its own, mirrored for the other side."""
    stem = name.removesuffix("Left").removesuffix("Right")
    stems = sorted({n.removesuffix("Left").removesuffix("Right") for n in ARKIT})
    angle = 2 * np.pi * stems.index(stem) / len(stems)
    side = {"left": 1.0, "right": -1.0, "middle": 0.0}[side_of(name)]
    centre = np.array([side * 4.0, 6.0 * np.sin(angle), 7.0])
    near = np.linalg.norm(skin - centre, axis=1) < 5.0
    index = np.flatnonzero(near)
    push = np.array([side * 0.3, 0.4 * np.cos(angle), 0.2 + 0.01 * stems.index(stem)])
    return index, np.tile(push, (len(index), 1)).astype(np.float32)


def tiny_rig(colors: bool = True) -> Rig:
    """A rig with all 52 ARKit controls; ``skin`` moves, ``eyes`` turn a little, ``teeth`` stay still."""
    skin, skin_faces = ball((0, 0, 0), 9.0)
    eyes, eye_faces = ball((0, 3, 8), 1.2)
    teeth, teeth_faces = ball((0, -4, 6), 1.0)
    vertices = np.vstack([skin, eyes, teeth])
    count = len(skin)
    faces = np.vstack([skin_faces, eye_faces + count, teeth_faces + 2 * count])
    offsets, index, value = [0], [], []
    for number, name in enumerate(ARKIT):
        at, push = shape(name, number, skin)
        if name.startswith("eyeLook"):
            at = np.concatenate([at, np.arange(count, 2 * count)])
            push = np.vstack(
                [push, np.tile(np.float32([0.05 if name.endswith("Left") else -0.05, 0.02, 0.0]), (count, 1))]
            )
        index.append(at)
        value.append(push)
        offsets.append(offsets[-1] + len(at))
    shade = np.clip(120 + 10 * vertices, 0, 255).astype(np.uint8) if colors else None
    follow = np.clip((vertices[:, 1] + 9) / 6, 0, 1).astype(np.float32)
    follow[count:] = 1
    f = len(skin_faces)
    return Rig(
        name="tiny",
        controls=tuple(Control(name, side=side_of(name)) for name in ARKIT),
        mesh=Mesh(vertices, faces, None, shade),
        delta_offsets=np.array(offsets),
        delta_index=np.concatenate(index).astype(np.int32),
        delta_value=np.vstack(value),
        head_weight=follow,
        parts=(
            RigPart("face", "skin", (0, count), (0, f)),
            RigPart("eyes", "eye", (count, 2 * count), (f, 2 * f)),
            RigPart("teeth", "tooth", (2 * count, 3 * count), (2 * f, 3 * f)),
        ),
        materials={
            "skin": {"color": [1.0, 0.9, 0.8], "roughness": 0.6},
            "eye": {"roughness": 0.1},
            "tooth": {"color": "#f0ead0", "roughness": 0.3},
        },
        pivots={"head": (0.0, -5.0, -2.0)},
    )
