"""Keyframes for a character in an animation editor: reduced Bézier curves of its shapes, bones and properties, per layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError
from facegen.core.keyframe_reduction import Keys, fit_keys
from facegen.formats.keyframes.bone_curves import bone_keys
from facegen.formats.keyframes.read_targets import read_request
from facegen.formats.keyframes.shape_matching import (
    ShapeMapping,
    ShapeMatch,
    known,
    map_shapes,
    matches,
    presets,
)
from facegen.formats.keyframes.targets import WHOLE, Target
from facegen.motion.take import HAND, Take, compose
from facegen.rig import ARKIT

__all__ = [
    "KeyframeCurve",
    "ShapeMatch",
    "Target",
    "edited",
    "keyed",
    "known",
    "matches",
    "presets",
    "read_request",
]

GROUPS = {
    "lip_closure": "lips",
    "prepare": "lips",
    "asymmetry": "expression",
    "borrow": "expression",
    "effort": "expression",
    "micro": "expression",
    "nonverbal": "expression",
    "breath": "head",
}
"""Layers of a take that an editor shows merged into another layer."""


class KeyframeCurve(NamedTuple):
    """One F-curve: its target (mesh or armature), layer, name (shape, bone curve or property) and Bézier keys."""

    target: str
    layer: str
    name: str
    keys: Keys


def keyed(take: Take, targets: Sequence[Target], bound: float, layered: bool = False) -> list[KeyframeCurve]:
    """Compute the keyframes of all targets.

    Parameters
    ----------
    take : Take
        The layered animation.
    targets : sequence of Target
        The meshes and armatures to key.
    bound : float
        Largest deviation, 0 to 1, of the reduced curves of shapes from the animation.
    layered : bool
        Give each layer curves of its own, which add up to the whole; bones always have a single layer.

    Returns
    -------
    list of KeyframeCurve
        Curves in the order of the targets.

    Raises
    ------
    UsageError
        For a target that nothing in the take would move.
    """
    whole = compose(take, _controls(take))
    parts = _layers(take) if layered else {WHOLE: whole}
    curves: list[KeyframeCurve] = []
    for target in targets:
        if target.shapes:
            mapping = map_shapes(target)
            for number, (layer, animation) in enumerate(_mapped_curves(mapping, parts, layered).items()):
                # Upper layers hold only what they move; the lowest has all, for the others to add to.
                kept = [n for n, moves in zip(mapping.shapes, animation.any(axis=0), strict=True) if moves]
                names = kept if number else list(mapping.shapes)
                columns = [mapping.shapes.index(n) for n in names]
                fits = fit_keys(animation[:, columns], bound)
                curves += [
                    KeyframeCurve(target.name, layer, n, _merge_constant(k))
                    for n, k in zip(names, fits, strict=True)
                ]
        curves += [KeyframeCurve(target.name, WHOLE, *row) for row in bone_keys(target, whole, bound)]
    return curves


def _merge_constant(keys: Keys) -> Keys:
    """A single key for a constant curve."""
    parts = (keys.frames, keys.values, keys.arriving, keys.leaving)
    still = (keys.values == keys.values[0]).all() and not keys.arriving.any() and not keys.leaving.any()
    return Keys(*(part[:1] for part in parts)) if still else keys


def edited(take: Take, targets: Sequence[Target]) -> Animation:
    """Apply the targets' edits, made in an editor, to the take's curves.

    Parameters
    ----------
    take : Take
        The take that was keyed.
    targets : sequence of Target
        Targets whose ``edits`` hold the edited curves (T,).

    Returns
    -------
    Animation
        The edited curves (T, C) float32, for ``facegen.pipeline.edit.apply_hand_edits``.

    Raises
    ------
    UsageError
        For an edit that has not one finite number per frame.
    """
    whole = compose(take, _controls(take))
    parts = {**_layers(take), WHOLE: whole}
    total = np.zeros_like(whole.values)
    for target in targets:
        if target.shapes and target.edits:
            change = _control_change(map_shapes(target), target, parts, whole)
            # What two meshes of one character share is edited once, on either.
            total = np.where(np.abs(change) > np.abs(total), change, total)
    return replace(whole, values=whole.values + total)


def _controls(take: Take) -> tuple[str, ...]:
    return tuple(take.config.get("controls", ARKIT))


def _layers(take: Take) -> dict[str, Animation]:
    """Cumulative animation up to each layer, by ``number.group``; the last one is the whole."""
    controls = _controls(take)
    parts: dict[str, Animation] = {}
    below = None
    for count in range(1, len(take.layers) + 1):
        composed = compose(replace(take, layers=take.layers[:count]), controls)
        group = GROUPS.get(take.layers[count - 1].name, take.layers[count - 1].name)
        parts[f"{count}.{group}"] = composed
        below = composed
    if below is None:
        return {HAND: compose(take, controls)}
    return parts


def _mapped_curves(
    mapping: ShapeMapping, parts: Mapping[str, Animation], layered: bool
) -> dict[str, np.ndarray]:
    """The shapes' curves (T, S) of each part; where ``layered``, what each group adds to those below it."""
    if not layered:
        return {name: mapping.apply(animation) for name, animation in parts.items()}
    added: dict[str, np.ndarray] = {}
    below: Any = 0.0
    for name, animation in parts.items():
        group = name.partition(".")[2] or name
        curves = mapping.apply(animation)
        added[group] = added.get(group, 0.0) + (curves - below)
        below = curves
    return added


def _control_change(
    mapping: ShapeMapping, target: Target, parts: Mapping[str, Animation], whole: Animation
) -> np.ndarray:
    """The change of the controls (T, C) that the target's edits imply: the inverse mapping by least squares."""
    layered = {name: part for name, part in parts.items() if name != WHOLE}
    before = {**_mapped_curves(mapping, layered, True), WHOLE: mapping.apply(whole)}
    change = np.zeros((len(whole), len(mapping.shapes)), np.float32)
    for layer, curves in target.edits.items():
        for shape, values in curves.items():
            row = np.asarray(values, np.float32)
            if row.shape != (len(whole),) or not np.isfinite(row).all():
                raise UsageError(
                    f"the edit of {shape!r} has {row.size} values for {len(whole)} frames",
                    path=target.name,
                    remedy="give a number for each frame",
                )
            if shape in mapping.shapes:
                column = mapping.shapes.index(shape)
                known = before.get(layer)
                change[:, column] += row - (0.0 if known is None else known[:, column])
    moved = np.abs(change).max(axis=0, initial=0) > 0
    inverse = (
        np.linalg.pinv(mapping.links()[:, moved]) if moved.any() else np.zeros((0, len(mapping.route.source)))
    )
    shifted = (change[:, moved] @ inverse).astype(np.float32)
    place = {name: i for i, name in enumerate(mapping.route.source)}
    return np.stack(
        [shifted[:, place[c]] if c in place else np.zeros(len(whole), np.float32) for c in whole.controls],
        axis=1,
    )
