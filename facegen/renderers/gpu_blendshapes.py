"""Shapes and normals evaluated by OpenGL: one pixel of a float texture for each vertex."""

from __future__ import annotations

from typing import Any

import numpy as np

from facegen.renderers.scene import weld_seams
from facegen.renderers.shaders import shader
from facegen.rig import Rig

WIDTH = 1024
"""Columns of each texture; the shaders know it too."""
FIRST_UNIT = 3
"""The texture units from here on are taken."""
SLABS = 32


class GpuBlendshapes:
    """A rig's deltas, held by OpenGL; ``move`` fills the textures ``moved`` and ``normal`` with one frame.

    A pixel is a vertex, row by row of WIDTH, so that the work is spread over all cores where OpenGL is software.
    """

    def __init__(self, context: Any, rig: Rig) -> None:
        self._context, mesh = context, rig.mesh
        assert mesh is not None and rig.delta_index is not None
        assert rig.delta_value is not None and rig.delta_offsets is not None
        count, order = len(mesh.vertices), np.argsort(rig.delta_index, kind="stable")
        shapes = np.repeat(np.arange(len(rig.delta_offsets) - 1), np.diff(rig.delta_offsets))  # type: ignore[arg-type]
        deltas = np.column_stack([rig.delta_value, shapes])[order]
        corners, corner_ranges = _corners(rig)
        follow = np.ones(count) if rig.head_weight is None else rig.head_weight
        self._weights = self._texture(np.zeros((len(rig.delta_offsets), 1), np.float32))
        held = {
            "rest": self._texture(np.column_stack([mesh.vertices, follow]).astype(np.float32)),
            "ranges": self._texture(
                np.column_stack([_ranges(rig.delta_index, count), corner_ranges]).astype(np.int32)
            ),
            "deltas": self._texture(deltas.astype(np.float32)),
            "weights": self._weights,
            "corners": self._texture(corners.astype(np.int32)),
            "moved": self._texture(np.zeros((count, 4), np.float32)),
            "normal": self._texture(np.zeros((count, 4), np.float32)),
        }
        self._units = {name: unit for unit, name in enumerate(held, FIRST_UNIT)}
        self._passes = []
        for name, target in (("morph", "moved"), ("normal", "normal")):
            program = context.program(shader("screen.vert"), fragment_shader=shader(f"{name}.frag"))
            self.connect(program)
            self._passes.append(
                (program, context.vertex_array(program, []), context.framebuffer([held[target]]))
            )
        for name, texture in held.items():
            texture.use(self._units[name])

    def connect(self, program: Any) -> None:
        """Tell ``program`` where the textures that it names are."""
        for name, unit in self._units.items():
            if name in program:
                program[name] = unit

    def move(self, weights: np.ndarray, pose: np.ndarray) -> None:
        """Evaluate the shapes' ``weights`` [C] and the head's motion ``pose`` [4, 4]."""
        row = np.zeros(self._weights.width * self._weights.height, np.float32)
        row[: len(weights)] = weights
        self._weights.write(row)
        self._passes[0][0]["pose"].write(np.ascontiguousarray(pose.T, np.float32))
        self._context.enable_only(0)
        for _, triangle, target in self._passes:
            target.use()
            triangle.render(vertices=3)

    def _texture(self, rows: np.ndarray) -> Any:
        """``rows`` [N, n] as a texture of n channels, filled up with zeros."""
        height = max(1, -(-len(rows) // WIDTH))
        filled = np.zeros((height * WIDTH, rows.shape[1]), rows.dtype)
        filled[: len(rows)] = rows
        kind = "f4" if rows.dtype == np.float32 else "i4"
        texture = self._context.texture((WIDTH, height), rows.shape[1], filled.tobytes(), dtype=kind)
        texture.filter = (self._context.NEAREST, self._context.NEAREST)
        return texture


def _ranges(sorted_by: np.ndarray, count: int) -> np.ndarray:
    """Where the rows of each of ``count`` numbers begin and end, once sorted by number, [count, 2]."""
    ends = np.cumsum(np.bincount(sorted_by, minlength=count))
    return np.column_stack([np.r_[0, ends[:-1]], ends])


def _corners(rig: Rig) -> tuple[np.ndarray, np.ndarray]:
    """The other two vertices of each triangle around a vertex [N, 2], and where each vertex's begin and end.

    Vertices that always lie at one place have the triangles of all of them.
    """
    faces = rig.mesh.faces  # type: ignore[union-attr]
    group, _ = weld_seams(rig)
    own, others = (
        group[faces].T.ravel(),
        np.concatenate([faces[:, [1, 2]], faces[:, [2, 0]], faces[:, [0, 1]]]),
    )
    return others[np.argsort(own, kind="stable")], _ranges(own, int(group.max()) + 1)[group]


class Bounds:
    """A box around a rig in motion, without its vertices: slabs of the head, each with its shapes' extremes."""

    def __init__(self, rig: Rig) -> None:
        rest = rig.mesh.vertices  # type: ignore[union-attr]
        slab = np.empty(len(rest), np.int64)
        slab[np.argsort(rest[:, 1], kind="stable")] = np.arange(len(rest)) * SLABS // len(rest)
        self._low = np.full((SLABS, 3), np.inf)
        self._high = np.full((SLABS, 3), -np.inf)
        np.minimum.at(self._low, slab, rest)
        np.maximum.at(self._high, slab, rest)
        filled = np.isfinite(self._low[:, 0])
        count = len(rig.controls) + len(rig.combinations)
        self._least, self._most = (np.zeros((count, SLABS, 3)) for _ in range(2))
        for number in range(count):
            index, value = rig.shape(number)
            np.minimum.at(self._least[number], slab[index], value)
            np.maximum.at(self._most[number], slab[index], value)
        self._low, self._high = self._low[filled], self._high[filled]
        self._least, self._most = self._least[:, filled], self._most[:, filled]

    def corners(self, weights: np.ndarray, pose: np.ndarray) -> np.ndarray:
        """Points [N, 3] whose hull holds every vertex at ``weights`` [C] and head motion ``pose`` [4, 4]."""
        up, down = np.maximum(weights, 0.0), np.minimum(weights, 0.0)
        low = self._low + np.tensordot(up, self._least, 1) + np.tensordot(down, self._most, 1)
        high = self._high + np.tensordot(up, self._most, 1) + np.tensordot(down, self._least, 1)
        ends = np.stack([low, high])
        pick = np.array(list(np.ndindex(2, 2, 2)))
        still = np.stack([ends[pick[:, axis], :, axis] for axis in range(3)], axis=-1).reshape(-1, 3)
        # Vertices that follow the head in part lie between where they are and where the pose takes them.
        return np.concatenate([still, still @ pose[:3, :3].T + pose[:3, 3]])
