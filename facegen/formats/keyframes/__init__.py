"""Curves for the shapes, bones and properties of a character in an editor: as few Bézier keys, layer by layer."""

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
"""Layers of a take that an editor shows as part of another one."""


class KeyframeCurve(NamedTuple):
    """The keys of one curve of one target in one layer."""

    target: str
    layer: str
    name: str
    keys: Keys


def keyed(take: Take, targets: Sequence[Target], bound: float, layered: bool = False) -> list[KeyframeCurve]:
    """The curves of all targets, each layer's apart where ``layered`` (they add up to the whole; bones are never
    apart). Raises UsageError for a target that nothing would move."""
    whole = compose(take, _controls(take))
    parts = _layers(take) if layered else {WHOLE: whole}
    curves: list[KeyframeCurve] = []
    for target in targets:
        if target.shapes:
            way = map_shapes(target)
            for number, (layer, animation) in enumerate(_through(way, parts, layered).items()):
                # Upper layers hold only what they move; the lowest has all, for the others to add to.
                kept = [n for n, moves in zip(way.shapes, animation.any(axis=0), strict=True) if moves]
                names = kept if number else list(way.shapes)
                columns = [way.shapes.index(n) for n in names]
                fits = fit_keys(animation[:, columns], bound)
                curves += [
                    KeyframeCurve(target.name, layer, n, _short(k)) for n, k in zip(names, fits, strict=True)
                ]
        curves += [KeyframeCurve(target.name, WHOLE, *row) for row in bone_keys(target, whole, bound)]
    return curves


def _short(keys: Keys) -> Keys:
    """One key for a curve that stays where it is."""
    parts = (keys.frames, keys.values, keys.arriving, keys.leaving)
    still = (keys.values == keys.values[0]).all() and not keys.arriving.any() and not keys.leaving.any()
    return Keys(*(part[:1] for part in parts)) if still else keys


def edited(take: Take, targets: Sequence[Target]) -> Animation:
    """The take's curves as the targets' edits change them: what ``editing.with_hand`` takes up."""
    whole = compose(take, _controls(take))
    parts = {**_layers(take), WHOLE: whole}
    total = np.zeros_like(whole.values)
    for target in targets:
        if target.shapes and target.edits:
            change = _back(map_shapes(target), target, parts, whole)
            # What two meshes of one character share is edited once, on either.
            total = np.where(np.abs(change) > np.abs(total), change, total)
    return replace(whole, values=whole.values + total)


def _controls(take: Take) -> tuple[str, ...]:
    return tuple(take.config.get("controls", ARKIT))


def _layers(take: Take) -> dict[str, Animation]:
    """What each group of layers adds to those below; all of them together are the whole."""
    controls = _controls(take)
    parts: dict[str, Animation] = {}
    below = None
    for count in range(1, len(take.layers) + 1):
        sum_ = compose(replace(take, layers=take.layers[:count]), controls)
        group = GROUPS.get(take.layers[count - 1].name, take.layers[count - 1].name)
        parts[f"{count}.{group}"] = sum_
        below = sum_
    if below is None:
        return {HAND: compose(take, controls)}
    return parts


def _through(way: ShapeMapping, parts: Mapping[str, Animation], layered: bool) -> dict[str, np.ndarray]:
    """The shapes' curves of each part; where ``layered`` what each group adds to those below it."""
    if not layered:
        return {name: way.apply(animation) for name, animation in parts.items()}
    added: dict[str, np.ndarray] = {}
    below: Any = 0.0
    for name, animation in parts.items():
        group = name.partition(".")[2] or name
        now = way.apply(animation)
        added[group] = added.get(group, 0.0) + (now - below)
        below = now
    return added


def _back(way: ShapeMapping, target: Target, parts: Mapping[str, Animation], whole: Animation) -> np.ndarray:
    """What the target's edits change in the controls, [T, C]: through the map backwards, by least squares."""
    layered = {name: part for name, part in parts.items() if name != WHOLE}
    before = {**_through(way, layered, True), WHOLE: way.apply(whole)}
    change = np.zeros((len(whole), len(way.shapes)), np.float32)
    for layer, curves in target.edits.items():
        for shape, values in curves.items():
            row = np.asarray(values, np.float32)
            if row.shape != (len(whole),) or not np.isfinite(row).all():
                raise UsageError(
                    f"the edit of {shape!r} has {row.size} values for {len(whole)} frames",
                    path=target.name,
                    remedy="give a number for each frame",
                )
            if shape in way.shapes:
                column = way.shapes.index(shape)
                known = before.get(layer)
                change[:, column] += row - (0.0 if known is None else known[:, column])
    moved = np.abs(change).max(axis=0, initial=0) > 0
    back = np.linalg.pinv(way.links()[:, moved]) if moved.any() else np.zeros((0, len(way.route.source)))
    shifted = (change[:, moved] @ back).astype(np.float32)
    place = {name: i for i, name in enumerate(way.route.source)}
    return np.stack(
        [shifted[:, place[c]] if c in place else np.zeros(len(whole), np.float32) for c in whole.controls],
        axis=1,
    )
