"""Ambient light baked into the vertices: which share of the sky each one sees, by depth maps from all around.

(Ambient occlusion: Zhukov, Iones, Kronin 1998; by depth maps as in Pharr and Green, GPU Gems, 2004.)
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from facegen.mesh import normals
from facegen.rig import Rig
from facegen.renderers.scene import Scene
from facegen.renderers.shaders import shader

DIRECTIONS = 64
MAP_SIZE = 256
LIFT_CM = 0.12
"""How far above its surface a vertex looks around, so that the coarse depth maps do not shade it by itself."""
POSES = ((), ("jawOpen",), ("eyeBlinkLeft", "eyeBlinkRight"))
"""The poses that change what is hidden: at rest, jaw open, lids closed. Between them the light is blended."""

_done: WeakKeyDictionary[Rig, np.ndarray] = WeakKeyDictionary()


def sky_exposure(context: Any, rig: Rig, scene: Scene) -> np.ndarray:
    """Share of the sky that each vertex sees in each of POSES, [V, 4] uint8 (the fourth is 0)."""
    if rig not in _done:
        exposure = np.zeros((len(rig.mesh.vertices), 4), np.uint8)  # type: ignore[union-attr]
        for column, controls in enumerate(POSES):
            share = _bake(
                context, _posed(rig, controls), np.concatenate([scene.solid, scene.thin]), rig.mesh.faces
            )  # type: ignore[union-attr]
            exposure[:, column] = np.round(255 * share)
        _done[rig] = exposure
    return _done[rig]


def _posed(rig: Rig, controls: tuple[str, ...]) -> np.ndarray:
    vertices = rig.mesh.vertices.copy()  # type: ignore[union-attr]
    for name in controls:
        if name in rig.control_names:
            index, value = rig.delta(name)
            vertices[index] += value
    return vertices


def _bake(context: Any, vertices: np.ndarray, occluders: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Cosine-weighted share [V] of the directions in which nothing lies in the way."""
    program = context.program(
        vertex_shader=shader("depth.vert"), fragment_shader="#version 330 core\nvoid main() {}"
    )
    depth = context.depth_texture((MAP_SIZE, MAP_SIZE))
    target = context.framebuffer(depth_attachment=depth)
    array = context.vertex_array(
        program, [(context.buffer(vertices), "3f", "position")], context.buffer(occluders.astype(np.int32))
    )
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    radius = float(np.linalg.norm(vertices - centre, axis=1).max()) * 1.02
    normal = normals(vertices, faces)
    lifted = (vertices + LIFT_CM * normal - centre) / radius
    seen, total = np.zeros(len(vertices)), np.zeros(len(vertices))
    target.use()
    context.enable_only(context.DEPTH_TEST)
    for direction in _directions():
        axes = _axes(direction)
        matrix = np.eye(4)
        matrix[:3, :3] = axes / radius
        matrix[2] *= -1
        matrix[:3, 3] = -matrix[:3, :3] @ centre
        program["projection"].write(matrix.T.astype("f4").tobytes())
        target.clear(depth=1.0)
        array.render()
        map_ = np.frombuffer(depth.read(), np.float32).reshape(MAP_SIZE, MAP_SIZE)
        place = lifted @ axes.T
        column, row = np.clip(((place[:, :2].T + 1) * (MAP_SIZE / 2)).astype(np.int64), 0, MAP_SIZE - 1)
        free = map_[row, column] >= 0.5 - 0.5 * place[:, 2] - 1e-4
        weight = np.maximum(normal @ direction, 0.0)
        seen += weight * free
        total += weight
    for item in (array, target, depth, program):
        item.release()
    return seen / np.maximum(total, 1e-9)


def _directions() -> np.ndarray:
    """Unit vectors [N, 3] spread evenly over the sphere (Fibonacci lattice)."""
    i = np.arange(DIRECTIONS) + 0.5
    y = 1 - 2 * i / DIRECTIONS
    turn = np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


def _axes(direction: np.ndarray) -> np.ndarray:
    side = np.cross((0.0, 1.0, 0.0) if abs(direction[1]) < 0.9 else (1.0, 0.0, 0.0), direction)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(direction, side), direction])
