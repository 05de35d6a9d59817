"""The rig: controls with limits and, where there is a head, its mesh, blendshapes, parts, materials and pivots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import RigError, UsageError, nearest
from facegen.core.mesh import Mesh

SIDES = ("left", "right", "middle")


@dataclass(frozen=True)
class Control:
    """One control of a rig (a blendshape weight or a slider).

    Attributes
    ----------
    name : str
    low, high, neutral : float
        Range and value at rest, control units.
    side : str
        The character's ``left``, ``right`` or ``middle``.
    region : str
        What it moves, such as ``mouth`` or ``brows``; may be empty.

    Raises
    ------
    RigError
        For an empty name, an unknown side or a range that does not hold ``neutral``.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    neutral: float = 0.0
    side: str = "middle"
    region: str = ""

    def __post_init__(self) -> None:
        if (
            not self.name
            or self.side not in SIDES
            or not self.low <= self.neutral <= self.high
            or self.low == self.high
        ):
            raise RigError(
                f"the control {self.name!r} has side {self.side!r} and low/neutral/high "
                f"{self.low}/{self.neutral}/{self.high}",
                remedy="side is left, right or middle, and low <= neutral <= high",
            )


@dataclass(frozen=True)
class RigPart:
    """A piece of the mesh with one material.

    Attributes
    ----------
    name, material : str
    vertices, faces : (int, int)
        First number and one past the last.
    """

    name: str
    material: str
    vertices: tuple[int, int]
    faces: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Rig:
    """The controls of a face and, where there is one, its head.

    Attributes
    ----------
    name : str
    controls : tuple of C Control
    mesh : Mesh or None
        V vertices, cm, +Y up, facing +Z.
    delta_offsets : (C + K + 1,) int array
        Shape ``c`` moves the vertices of rows ``delta_offsets[c]:delta_offsets[c + 1]``; see ``shape``.
    delta_index : (N,) int array
        Vertex numbers.
    delta_value : (N, 3) float array
        Displacements, cm at control value 1.
    head_weight : (V,) float array or None
        How far, 0..1, a vertex follows the head's rotation about ``pivots["head"]``; None for all of them wholly.
    parts : tuple of RigPart
    materials : mapping
        Material name to colour (linear), roughness, specular, subsurface, opacity, texture, tint and cutoff.
    landmarks : mapping
        Name to vertex number.
    pivots : mapping
        Name to place, cm.
    licence, credit : str

    Raises
    ------
    RigError
        Where these disagree.
    """

    name: str
    controls: tuple[Control, ...]
    mesh: Mesh | None = None
    delta_offsets: np.ndarray | None = None
    delta_index: np.ndarray | None = None
    delta_value: np.ndarray | None = None
    head_weight: np.ndarray | None = None
    parts: tuple[RigPart, ...] = ()
    materials: Mapping[str, Any] = field(default_factory=dict)
    landmarks: Mapping[str, int] = field(default_factory=dict)
    pivots: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    licence: str = ""
    credit: str = ""
    head: str = ""
    """The rig whose mesh shows this one's controls where it has none of its own."""
    combinations: tuple[tuple[str, ...], ...] = ()
    """K tuples of controls whose product drives a corrective shape; its deltas follow those of the controls."""
    textures: Mapping[str, bytes] = field(default_factory=dict)
    """PNG or JPEG files by name. The ``texture`` of a material names one, laid on by the mesh's uvs (0, 0 its lower left
    corner, repeated beyond 1); it holds the sRGB colour of the surface, for which vertex colours stand in where it isn't
    drawn. A material's ``tint``, three linear shares of 1, multiplies it; below ``cutoff`` of its alpha nothing is drawn."""

    def __post_init__(self) -> None:
        names = self.control_names
        if len(set(names)) != len(names):
            double = next(n for n in names if names.count(n) > 1)
            raise RigError(f"the control {double!r} occurs twice", remedy="rename or remove one")
        for name in (n for of in self.combinations for n in of):
            if name not in names:
                raise RigError(
                    f"a combination names {name!r}, which is no control", remedy=nearest(name, names)
                )
        for name, material in self.materials.items():
            texture = material.get("texture")
            if texture is not None and texture not in self.textures:
                raise RigError(
                    f"the material {name!r} names the texture {texture!r}, which is missing",
                    remedy=nearest(str(texture), tuple(self.textures)),
                )
        if self.mesh is not None:
            self._check_deltas()

    def _check_deltas(self) -> None:
        count = len(self.controls) + len(self.combinations)
        vertices = len(self.mesh.vertices)  # type: ignore[union-attr]
        offsets, index, value = self.delta_offsets, self.delta_index, self.delta_value
        if offsets is None or index is None or value is None:
            raise RigError(
                "the mesh has no shape deltas", remedy="give delta_offsets, delta_index and delta_value"
            )
        if (
            len(offsets) != count + 1
            or offsets[0] != 0
            or offsets[-1] != len(index)
            or (np.diff(offsets) < 0).any()
        ):
            raise RigError(f"delta_offsets do not divide {len(index)} deltas among {count} shapes")
        if value.shape != (len(index), 3) or not np.isfinite(value).all():
            raise RigError("delta_value is not [N, 3] finite numbers")
        if len(index) and not (0 <= index.min() and index.max() < vertices):
            raise RigError(f"a shape delta points outside the {vertices} vertices")
        if self.head_weight is not None and self.head_weight.shape != (vertices,):
            raise RigError(f"head_weight has shape {self.head_weight.shape}, expected ({vertices},)")

    @property
    def control_names(self) -> tuple[str, ...]:
        """The names of the controls, in the order of an animation's columns."""
        return tuple(c.name for c in self.controls)

    @property
    def shape_names(self) -> tuple[str, ...]:
        """The names of the controls, then of the corrective shapes: their controls joined by ``_``."""
        return (*self.control_names, *("_".join(of) for of in self.combinations))

    def control(self, name: str) -> Control:
        """The control called ``name``. Raises UsageError where there is none."""
        for control in self.controls:
            if control.name == name:
                return control
        raise UsageError(
            f"the rig {self.name} has no control {name!r}", remedy=nearest(name, self.control_names)
        )

    def delta(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Vertex numbers (n,) and displacements (n, 3), cm, of one control at value 1.

        Raises
        ------
        RigError
            For a rig without a mesh.
        UsageError
            For a name that is no control.
        """
        self._need_mesh()
        return self.shape(self.control_names.index(self.control(name).name))

    def shape(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Vertex numbers (n,) and displacements (n, 3), cm, of the shape ``number`` of ``shape_names``."""
        rows = slice(int(self.delta_offsets[number]), int(self.delta_offsets[number + 1]))  # type: ignore[index]
        return self.delta_index[rows], self.delta_value[rows]  # type: ignore[index]

    def shape_weights(self, animation: Animation) -> np.ndarray:
        """Weights of all shapes, correctives among them.

        Parameters
        ----------
        animation : Animation
            Controls that the rig lacks do nothing.

        Returns
        -------
        (T, C + K) float32 array
        """
        values = animation.select(self.control_names).values
        if not self.combinations:
            return values
        at = {name: row for row, name in enumerate(self.control_names)}
        products = [
            np.prod(np.maximum(values[:, [at[n] for n in of]], 0.0), axis=1) for of in self.combinations
        ]
        return np.column_stack([values, *products]).astype(np.float32)

    def limited_weights(self, animation: Animation) -> np.ndarray:
        """``shape_weights`` of the controls clamped to their limits, (T, C + K) float32."""
        low = np.array([c.low for c in self.controls], np.float32)
        high = np.array([c.high for c in self.controls], np.float32)
        values = np.clip(animation.select(self.control_names).values, low, high)
        return self.shape_weights(Animation(animation.fps, self.control_names, values))

    def dense_shapes(self) -> np.ndarray:
        """Displacements of all shapes, (C + K, V, 3) float32, cm."""
        self._need_mesh()
        count = len(self.controls) + len(self.combinations)
        dense = np.zeros((count, len(self.mesh.vertices), 3), np.float32)  # type: ignore[union-attr]
        for row in range(count):
            index, value = self.shape(row)
            dense[row, index] = value
        return dense

    def dense_deltas(self) -> np.ndarray:
        """Displacements of the controls alone, (C, V, 3) float32, cm."""
        return self.dense_shapes()[: len(self.controls)]

    def _need_mesh(self) -> None:
        if self.mesh is None:
            raise RigError(
                f"the rig {self.name} has controls but no mesh",
                remedy="choose a rig with a head, such as aria",
            )


def head_matrices(head: np.ndarray) -> np.ndarray:
    """Rotation matrices of head poses: yaw about +Y, then pitch about +X, then roll about +Z (intrinsic).

    Parameters
    ----------
    head : (T, 6) array
        Yaw, pitch, roll in radians, then the shift in cm, which plays no part here.

    Returns
    -------
    (T, 3, 3) float64 array

    Notes
    -----
    ``scipy.spatial.transform.Rotation`` gives the same to 1e-15, but takes longer to import than a short take to export.
    """
    yaw, pitch, roll = (head[:, i].astype(np.float64) for i in range(3))
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def matrix(*rows: np.ndarray) -> np.ndarray:
        return np.stack(rows, axis=1).reshape(-1, 3, 3)

    cy, cp, cr = np.cos(yaw), np.cos(pitch), np.cos(roll)
    sy, sp, sr = np.sin(yaw), np.sin(pitch), np.sin(roll)
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_x = matrix(one, zero, zero, zero, cp, -sp, zero, sp, cp)
    about_z = matrix(cr, -sr, zero, sr, cr, zero, zero, zero, one)
    return about_y @ about_x @ about_z


def head_poses(rig: Rig, animation: Animation) -> np.ndarray:
    """Rigid motion of the head in each frame.

    Parameters
    ----------
    rig : Rig
        Its ``pivots["head"]`` is the centre of rotation.
    animation : Animation

    Returns
    -------
    (T, 4, 4) float32 array
        What a vertex that follows the head wholly is multiplied by, cm.
    """
    poses = np.tile(np.eye(4, dtype=np.float32), (len(animation), 1, 1))
    if animation.head is not None:
        pivot = np.asarray(rig.pivots.get("head", (0.0, 0.0, 0.0)))
        poses[:, :3, :3] = turns = head_matrices(animation.head)
        poses[:, :3, 3] = pivot + animation.head[:, 3:] - turns @ pivot
    return poses


def evaluate(rig: Rig, animation: Animation, block: int = 64) -> Iterator[np.ndarray]:
    """Pose the rig's mesh: neutral plus weighted deltas, then the head's pose.

    Parameters
    ----------
    rig : Rig
    animation : Animation
        Controls that the rig lacks are ignored.
    block : int
        Frames computed together; bounds the memory.

    Yields
    ------
    (V, 3) float32 array
        The vertices of each frame in turn, cm.

    Raises
    ------
    RigError
        For a rig without a mesh.
    """
    rig._need_mesh()
    rest = rig.mesh.vertices  # type: ignore[union-attr]
    weights = rig.shape_weights(animation)
    moving = np.flatnonzero(weights.any(axis=0))
    weights = np.ascontiguousarray(weights[:, moving])
    # One dense product is quicker than a sparse one: faces have few controls, most of which move much of them.
    deltas = rig.dense_shapes()[moving].reshape(len(moving), rest.size)
    follow = np.ones(len(rest), np.float32) if rig.head_weight is None else rig.head_weight.astype(np.float32)
    homogeneous = np.column_stack([rest, np.ones(len(rest))]).astype(np.float32)
    share = np.repeat(follow, 3).reshape(-1, 3)
    change: np.ndarray = head_poses(rig, animation) - np.eye(4, dtype=np.float32)
    for start in range(0, len(weights), block):
        rows = (weights[start : start + block] @ deltas).reshape(-1, len(rest), 3)
        rows += rest
        if animation.head is None:
            yield from rows
            continue
        for vertices, matrix in zip(rows, change[start : start + block], strict=True):
            homogeneous[:, :3] = vertices
            motion = homogeneous @ matrix[:3].T
            motion *= share
            motion += vertices
            yield motion
