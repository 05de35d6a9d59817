"""Mapping the ARKit controls to a character's shape keys by the shapes' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import UsageError, nearest
from facegen.formats.keyframes.targets import AUTO, CUSTOM, Target
from facegen.rig import ARKIT, Control, Rig, RigMap, built_in_rigs, load_rig
from facegen.rig.control_names import arkit_names, other_side, plain, side_of
from facegen.rig.map_csv import read_map
from facegen.rig.retarget import InverseMap, RetargetChain, control_set_of, find_map


class ShapeMatch(NamedTuple):
    """How a target's shapes are driven: ``preset``, and for each shape the controls that move it (none: at rest)."""

    target: str
    preset: str
    shapes: Mapping[str, tuple[str, ...]]


def presets() -> tuple[str, ...]:
    """Return the naming presets that a target may have."""
    return (AUTO, *built_in_rigs(), CUSTOM)


def matches(targets: Sequence[Target]) -> list[ShapeMatch]:
    """Return, for each target with shapes, the controls that drive each shape."""
    return [ShapeMatch(t.name, *map_shapes(t).table(t.shapes)) for t in targets if t.shapes]


def known(targets: Sequence[Target]) -> tuple[Target, ...]:
    """Return ``targets`` without optional ones whose shape names are unknown; UsageError where none remains."""
    kept = tuple(t for t in targets if not t.optional or t.map or _control_names(t)[1])
    kept = tuple(t for t in kept if t.shapes or t.channels or t.turns)
    if not kept:
        what = (
            "no mesh with shape keys is given" if not targets else "no mesh has shape keys that facegen knows"
        )
        raise UsageError(what, remedy="select the character, choose a preset, or give a map file of weights")
    return kept


@dataclass(frozen=True, eq=False)
class ShapeMapping:
    """A mapping from controls to a target's ``shapes``: ``route`` retargets to a control set, whose column
    ``columns[i]`` drives ``shapes[i]``."""

    preset: str
    shapes: tuple[str, ...]
    route: RetargetChain
    columns: tuple[int, ...]

    def apply(self, animation: Animation) -> np.ndarray:
        """Return the shapes' curves (T, S) float32."""
        return self.route.apply(animation).values[:, list(self.columns)]

    def links(self) -> np.ndarray:
        """Linear weight of each control in each shape (controls, shapes), without clamps and curves."""
        total: np.ndarray | None = None
        names: Sequence[str] = ()
        for step in self.route.steps:
            weights = np.linalg.pinv(step.map.weights) if isinstance(step, InverseMap) else step.weights
            if total is not None:
                place = {n: i for i, n in enumerate(names)}
                rows = [place.get(n) for n in step.source]
                picked = np.zeros((len(total), len(rows)), np.float32)
                for column, row in enumerate(rows):
                    if row is not None:
                        picked[:, column] = total[:, row]
                weights = picked @ weights
            total, names = weights, step.target
        assert total is not None
        return total[:, list(self.columns)]

    def table(self, requested: Sequence[str]) -> tuple[str, dict[str, tuple[str, ...]]]:
        """Return ``preset`` and, for each requested shape, the controls that drive it, strongest first."""
        links = np.abs(self.links())
        found: dict[str, tuple[str, ...]] = {shape: () for shape in requested}
        for shape, column in zip(self.shapes, links.T, strict=True):
            order = np.argsort(-column, kind="stable")
            least = max(0.05, 0.3 * float(column.max(initial=0.0)))
            found[shape] = tuple(self.route.source[i] for i in order if column[i] > least)
        return self.preset, found


def map_shapes(target: Target) -> ShapeMapping:
    """Return the mapping from the ARKit controls to the target's shapes; UsageError where no shape name is known."""
    source = load_rig("arkit")
    if target.preset == CUSTOM or (target.map and target.preset == AUTO):
        if not target.map:
            raise UsageError(
                "no map file is given for the preset custom", path=target.name, remedy="name one"
            )
        rig = Rig(target.name, tuple(Control(s) for s in target.shapes))
        rig_map = read_map(target.map, source, rig)
        return _shape_mapping(CUSTOM, target, RetargetChain((rig_map,)), {s: s for s in target.shapes})
    if target.preset not in presets():
        remedy = nearest(target.preset, presets())
        raise UsageError(f"no preset is called {target.preset!r}", path=target.name, remedy=remedy)
    preset, named = _control_names(target)
    if not named:
        raise UsageError(
            f"none of its {len(target.shapes)} shapes has a name that facegen knows",
            path=target.name,
            remedy="choose a preset, or give a map file of weights for the preset custom",
        )
    wanted = Rig(target.name, tuple(Control(n) for n in dict.fromkeys(named.values())))
    if preset == "arkit":
        return _shape_mapping(preset, target, RetargetChain((_identity_map(source, wanted),)), named)
    return _shape_mapping(preset, target, find_map(source, wanted), named)


def _shape_mapping(
    preset: str, target: Target, route: RetargetChain, named: Mapping[str, str]
) -> ShapeMapping:
    shapes = tuple(s for s in target.shapes if named.get(s) in route.target)
    return ShapeMapping(preset, shapes, route, tuple(route.target.index(named[s]) for s in shapes))


def _identity_map(source: Rig, target: Rig) -> RigMap:
    names = target.control_names
    return RigMap(
        source.control_names, names, np.array([[a == b for b in names] for a in source.control_names])
    )


def _control_names(target: Target) -> tuple[str, dict[str, str]]:
    """The control set whose names the shapes have, and each known shape's name in it."""
    as_arkit = _as_arkit(target.shapes)
    if target.preset == "arkit":
        return "arkit", as_arkit
    if target.preset != AUTO:
        return target.preset, _same_spelling(target.shapes, load_rig(target.preset).control_names)
    control_set = control_set_of(target.shapes)
    exact = _same_spelling(target.shapes, load_rig(control_set).control_names) if control_set else {}
    return ("arkit", as_arkit) if len(as_arkit) >= len(exact) else (control_set, exact)


def _as_arkit(shapes: Sequence[str]) -> dict[str, str]:
    """Shapes by ARKit's names; a control of the middle (``browInnerUp``) also moves shapes of its two sides."""
    found = {shape: name for shape, name in arkit_names(shapes).items() if name in ARKIT}
    middle = {plain(name): name for name in ARKIT if side_of(name) == "middle"}
    for shape in shapes:
        stem = plain(shape)
        if shape not in found and side_of(shape) != "middle" and other_side(shape) in shapes:
            for end in ("left", "right", "l", "r"):
                if stem.endswith(end) and stem.removesuffix(end) in middle:
                    name = middle[stem.removesuffix(end)]
                    if name not in found.values() or name in (found.get(other_side(shape)),):
                        found[shape] = name
                    break
    return found


def _same_spelling(shapes: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Shapes that are ``names`` but for case, punctuation and what stands before the last dot or colon."""
    known = {plain(n): n for n in names}
    found: dict[str, str] = {}
    for shape in shapes:
        for candidate in (shape, *(shape.rpartition(mark)[2] for mark in ".:_")):
            name = known.get(plain(candidate))
            if name and name not in found.values():
                found[shape] = name
                break
    return found
