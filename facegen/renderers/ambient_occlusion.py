"""Light baked into the vertices: which share of the sky, and of a large lamp, each one sees, by depth maps.

(Ambient occlusion: Zhukov, Iones, Kronin 1998; by depth maps as in Pharr and Green, GPU Gems, 2004.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from facegen.core.mesh import normals
from facegen.renderers.scene import RenderScene
from facegen.renderers.shaders import shader
from facegen.rig import Rig

SKY_DIRECTIONS = 44
LAMP_DIRECTIONS = 8
LAMP_RADIUS = 0.22
"""Half the lamp's width over its distance."""
MAP_SIZE = 256
LIFT_CM = 0.12
"""How far above its surface a vertex looks around, so that the coarse depth maps do not shade it by itself."""
POSES = ((), ("jawOpen",), ("eyeBlinkLeft", "eyeBlinkRight"))
"""The poses that change what is hidden: at rest, jaw open, lids closed. Between them the light is blended."""
LEAST = {
    "skin": (0.06, 0.06),
    "eyeLeft": (0.55, 0.55),
    "eyeRight": (0.55, 0.55),
    "tongue": (0.35, 0.60),
    "teethUpper": (0.50, 0.65),
    "teethLower": (0.36, 0.44),
    "gumUpper": (0.35, 0.50),
    "gumLower": (0.30, 0.50),
    "mouth": (0.12, 0.55),
}
"""The least light, as a share, on parts that turn or slide out of what hides them in all of POSES, or that light
reaches by many bounces: at rest, and with the jaw open."""


def bake_light(
    context: Any, rig: Rig, scene: RenderScene, key: np.ndarray, rim: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How much light reaches each vertex, as shares of all that there is.

    The first array [V, 4] uint8 holds the share of the sky in each of POSES (and 0), the second that of the lamp
    in direction ``key`` [3] in each of POSES, and of the lamp in direction ``rim`` [3] at rest.
    """
    sky, lamps = (np.zeros((len(scene.colors), 4), np.uint8) for _ in range(2))
    faces, ball = np.concatenate([scene.solid, scene.thin, scene.hair]), _ball(rig.mesh.vertices)  # type: ignore[union-attr]
    around, near, behind = sphere(SKY_DIRECTIONS), lamp_directions(key), lamp_directions(rim)
    for column, controls in enumerate(POSES):
        if column and not set(controls) & set(rig.control_names):
            sky[:, column], lamps[:, column] = sky[:, 0], lamps[:, 0]
            continue
        vertices = _posed(rig, controls)
        normal = normals(vertices, rig.mesh.faces)  # type: ignore[union-attr]
        maps = _DepthMaps(context, vertices, normal, faces, ball)
        sky[:, column] = np.round(255 * maps.share(around, np.maximum(normal @ around.T, 0.0)))
        lamps[:, column] = np.round(255 * maps.share(near))
        if not column:
            lamps[:, 3] = np.round(255 * maps.share(behind))
        maps.release()
    for part in rig.parts:
        rows = slice(*part.vertices)
        rest, opened = (round(255 * share) for share in LEAST.get(part.name, (0.0, 0.0)))
        for baked in (sky, lamps):
            baked[rows, :3] = np.maximum(baked[rows, :3], (rest, opened, rest))
    return sky, lamps


def _ball(vertices: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and radius that hold the head in each pose: one for all, so that what stays still keeps its light."""
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return centre, float(np.linalg.norm(vertices - centre, axis=1).max()) * 1.1


def _posed(rig: Rig, controls: tuple[str, ...]) -> np.ndarray:
    vertices = rig.mesh.vertices.copy()  # type: ignore[union-attr]
    for name in controls:
        if name in rig.control_names:
            index, value = rig.delta(name)
            vertices[index] += value
    return vertices


class _DepthMaps:
    """Depth maps of one pose, drawn one direction after the other."""

    def __init__(
        self, context: Any, vertices: np.ndarray, normal: np.ndarray, faces: np.ndarray, ball: tuple
    ) -> None:
        self._program = context.program(shader("depth.vert"), fragment_shader=shader("depth.frag"))
        self._depth = context.depth_texture((MAP_SIZE, MAP_SIZE))
        self._target = context.framebuffer(depth_attachment=self._depth)
        self._buffers = [context.buffer(vertices), context.buffer(faces.astype(np.int32))]
        self._array = context.vertex_array(
            self._program, [(self._buffers[0], "3f", "position")], self._buffers[1]
        )
        self._context = context
        self._centre, self._radius = ball
        self._lifted = ((vertices + LIFT_CM * normal - self._centre) / self._radius).astype(np.float32)

    def share(self, directions: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Share [V] of the ``directions`` [D, 3] in which nothing lies in a vertex's way, weighted [V, D]."""
        if weights is None:
            weights = np.ones((len(self._lifted), len(directions)))
        seen = np.zeros(len(self._lifted))
        for direction, weight in zip(directions, weights.T, strict=True):
            seen += weight * self._free(direction)
        return seen / np.maximum(weights.sum(axis=1), 1e-9)

    def _free(self, direction: np.ndarray) -> np.ndarray:
        axes = _axes(direction)
        matrix = np.eye(4)
        matrix[:3, :3] = axes / self._radius
        matrix[2] *= -1
        matrix[:3, 3] = -matrix[:3, :3] @ self._centre
        self._program["projection"].write(matrix.T.astype("f4").tobytes())
        self._target.use()
        self._context.enable_only(self._context.DEPTH_TEST)
        self._target.clear(depth=1.0)
        self._array.render()
        nearest = np.frombuffer(self._depth.read(), np.float32)
        place = self._lifted @ axes.T.astype(np.float32)
        cell = ((place[:, :2] + 1) * (MAP_SIZE / 2)).astype(np.int32)
        depth = np.take(nearest, cell[:, 1] * MAP_SIZE + cell[:, 0], mode="clip")
        return depth >= 0.5 - 0.5 * place[:, 2] - 1e-4

    def release(self) -> None:
        for item in (self._array, self._target, self._depth, self._program, *self._buffers):
            item.release()


def sphere(count: int) -> np.ndarray:
    """Unit vectors [N, 3] spread evenly over the sphere (Fibonacci lattice)."""
    i = np.arange(count) + 0.5
    y = 1 - 2 * i / count
    turn = np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - y * y)
    return np.stack([ring * np.cos(turn), y, ring * np.sin(turn)], axis=1)


def lamp_directions(lamp: np.ndarray) -> np.ndarray:
    """Unit vectors [N, 3] spread evenly over the lamp's disc."""
    i = np.arange(LAMP_DIRECTIONS) + 0.5
    turn, away = np.pi * (1 + 5**0.5) * i, LAMP_RADIUS * np.sqrt(i / LAMP_DIRECTIONS)
    disc = np.stack([away * np.cos(turn), away * np.sin(turn), np.ones(LAMP_DIRECTIONS)], axis=1)
    spread = disc @ _axes(lamp / np.linalg.norm(lamp))
    return spread / np.linalg.norm(spread, axis=1, keepdims=True)


def _axes(direction: np.ndarray) -> np.ndarray:
    side = np.cross((0.0, 1.0, 0.0) if abs(direction[1]) < 0.9 else (1.0, 0.0, 0.0), direction)
    side /= np.linalg.norm(side)
    return np.stack([side, np.cross(direction, side), direction])
