"""Errors of vertices, in millimetres on a head that both animations move; the head's own pose is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from facegen.evaluation.metrics.inputs import Metric, MetricInputs, NotApplicable
from facegen.rig import Rig

MM_PER_CM = 10.0
LIPS = ("mouthRollLower", "mouthRollUpper")
UPPER_FACE = (
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
)
"""Controls whose shapes tell which vertices are lips, and which are eyes, brows and forehead."""
LIP_PART, UPPER_PART = 0.35, 0.2  # of a shape's greatest displacement, from which a vertex belongs to it
BLOCK = 256


def skin(rig: Rig) -> np.ndarray:
    """Numbers of the vertices [n] of the part ``skin`` (or face); of all that the rig's shapes move where it has none."""
    if rig.mesh is None:
        raise NotApplicable(f"the rig {rig.name} has no mesh")
    for part in rig.parts:
        if part.name in ("skin", "face"):
            return np.arange(*part.vertices)
    return np.unique(rig.delta_index)  # type: ignore[arg-type]


def region(rig: Rig, controls: tuple[str, ...], least: float) -> np.ndarray:
    """Numbers of the skin's vertices [n] that a shape of ``controls`` moves by ``least`` of its greatest displacement."""
    moved = [np.zeros(0, np.int64)]
    face = skin(rig)
    for name in controls:
        if name not in rig.control_names:
            continue
        index, value = rig.delta(name)
        kept = np.isin(index, face)
        index, size = index[kept], np.linalg.norm(value[kept], axis=1)
        if len(size):
            moved.append(index[size >= least * size.max()])
    found = np.unique(np.concatenate(moved))
    if not len(found):
        raise NotApplicable(f"no vertex of the rig {rig.name} moves with " + ", ".join(controls))
    return found


def _deltas(inputs: MetricInputs, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shapes of the vertices ``places`` [C, n · 3] in mm, and the weights [T, C] of both animations on them."""
    rig = inputs.rig
    assert rig is not None
    pair = inputs.pair()
    for animation in pair:
        if not set(animation.controls) & set(rig.control_names):
            raise NotApplicable(f"it has no controls of the rig {rig.name}")
    shapes = rig.dense_shapes()[:, places]
    deltas = shapes.reshape(len(shapes), -1) * MM_PER_CM
    ours, theirs = (rig.shape_weights(a) for a in pair)
    return deltas, ours, theirs


def _lengths(weights: np.ndarray, deltas: np.ndarray) -> Iterator[np.ndarray]:
    """How far the vertices lie from rest with ``weights`` [T, C], [t, n] mm a block of frames."""
    for start in range(0, len(weights), BLOCK):
        moved = (weights[start : start + BLOCK] @ deltas).reshape(-1, deltas.shape[1] // 3, 3)
        yield np.sqrt(np.einsum("tnx,tnx->tn", moved, moved))


def _distances(inputs: MetricInputs, places: np.ndarray, over: Callable) -> float:
    """Mean over frames of ``over`` (mean or greatest) of the distances of ``places``, mm."""
    deltas, ours, theirs = _deltas(inputs, places)
    rows = [over(apart, axis=1) for apart in _lengths(ours - theirs, deltas)]
    return float(np.concatenate(rows).mean(dtype=np.float64))


def lip_vertex_error(inputs: MetricInputs) -> float:
    return _distances(inputs, region(inputs.rig, LIPS, LIP_PART), np.max)  # type: ignore[arg-type]


def mean_vertex_error(inputs: MetricInputs) -> float:
    return _distances(inputs, skin(inputs.rig), np.mean)  # type: ignore[arg-type]


def emotional_vertex_error(inputs: MetricInputs) -> float:
    return _distances(inputs, region(inputs.rig, UPPER_FACE, UPPER_PART), np.max)  # type: ignore[arg-type]


def upper_face_dynamics(inputs: MetricInputs) -> float:
    places = region(inputs.rig, UPPER_FACE, UPPER_PART)  # type: ignore[arg-type]
    deltas, *pair = _deltas(inputs, places)
    ours, theirs = (_spread(_lengths(weights, deltas), len(weights)) for weights in pair)
    return float(abs(np.mean(ours - theirs)))


def _spread(blocks: Iterator[np.ndarray], frames: int) -> np.ndarray:
    """Standard deviation [n] over ``frames`` rows that come in ``blocks`` [t, n]."""
    sums, squares = 0.0, 0.0
    for block in blocks:
        sums = sums + block.sum(axis=0, dtype=np.float64)
        squares = squares + np.einsum("tn,tn->n", block, block, dtype=np.float64)
    return np.sqrt(np.maximum(squares / frames - (sums / frames) ** 2, 0.0))


BOTH = ("reference", "rig")
ROWS = (
    Metric(
        "lip_vertex_error",
        "lips",
        "mm",
        "low",
        BOTH,
        "Richard et al. 2021 (MeshTalk)",
        "mean over frames of max over lip vertices |v - v'|",
        lip_vertex_error,
    ),
    Metric(
        "mean_vertex_error",
        "face",
        "mm",
        "low",
        BOTH,
        "Richard et al. 2021 (MeshTalk)",
        "mean over frames and skin vertices |v - v'|",
        mean_vertex_error,
    ),
    Metric(
        "emotional_vertex_error",
        "upper face",
        "mm",
        "low",
        BOTH,
        "Peng et al. 2023 (EmoTalk)",
        "mean over frames of max over eye and forehead vertices |v - v'|",
        emotional_vertex_error,
    ),
    Metric(
        "upper_face_dynamics_deviation",
        "upper face",
        "mm",
        "low",
        BOTH,
        "Xing et al. 2023 (CodeTalker)",
        "|mean over upper-face vertices of std_t|v - rest| - std_t|v' - rest||",
        upper_face_dynamics,
    ),
)
