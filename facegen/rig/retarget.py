"""The way from one rig's controls to another's: shipped maps, forwards or backwards, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np

from facegen.core.animation import Animation
from facegen.core.errors import RigError, UsageError
from facegen.rig.inverse_map import invert
from facegen.rig.least_squares import BoundedProblem, solve_active_set, solve_coordinate_descent
from facegen.rig.load import ARKIT, default_head, load_rig, rigs_folder
from facegen.rig.map import RigMap
from facegen.rig.map_csv import read_map
from facegen.rig.model import Rig

PIVOT_RIG = "arkit"
"""The control set that every shipped map leads to or from."""
SMOOTH = 1e-4
SPARSE, SPARSE_POWER = 0.03, 0.25
"""What a control of a few-shape rig costs, as a share of the typical shape's size, and how that grows with its own:
one large shape is taken before several small ones that add up to it."""
LEAST, COARSE = 0.02, 2e-3
"""Controls that reach this, found to about so much, are solved again without their price."""
SPREAD = 0.01
"""How much each is drawn to 0, which settles what the head alone leaves open."""
WHOLE = 0.5
"""How strongly visemes and silence together are held to 1."""
CONTROL_SHARE = 0.2
"""Beside what it moves on the head, how much a control counts as such: a tongue is hardly seen."""
NEAR_LIPS_CM = 1.5
"""So far from the lips a vertex counts half of what it does on them."""
MOVED_CM = 0.02
"""Less than this is no motion."""


@dataclass(frozen=True, eq=False)
class InverseMap:
    """A map taken backwards, to controls within ``low``..``high`` [S].

    ``gram`` [T, T] is what the map's targets move (``displacement_gram``): with it the residual is measured on the
    head, without it in control units. A control that moves nothing and rests at 1 (the viseme of silence) gets what
    the others leave of 1.
    """

    map: RigMap
    low: np.ndarray
    high: np.ndarray
    rest: np.ndarray
    gram: np.ndarray | None = None

    @property
    def source(self) -> tuple[str, ...]:
        return self.map.target

    @property
    def target(self) -> tuple[str, ...]:
        return self.map.source

    def apply(self, animation: Animation) -> Animation:
        """The controls, within their limits, whose image under the map is nearest to ``animation``."""
        if self.gram is None or self.map.curves:
            return invert(self.map, animation, SMOOTH, self.low, self.high)
        weights = self.map.weights.astype(np.float64)
        gram = weights @ self.gram @ weights.T
        moment = animation.select(self.source).values @ (self.gram @ weights.T)
        sizes = np.diag(gram)
        typical = float(np.median(sizes[sizes > 0])) if sizes.any() else 1.0
        silence = ~weights.any(axis=1) & (self.rest == 1)
        price = np.where(silence, 0.0, SPARSE * typical * (sizes / typical) ** SPARSE_POWER)
        if silence.any():
            parts = (weights.any(axis=1) | silence).astype(float)
            gram = gram + WHOLE * typical * np.outer(parts, parts)
            moment = moment + WHOLE * typical * parts
        problem = BoundedProblem(gram, self.low, self.high, price, SPREAD * sizes)
        chosen = (solve_coordinate_descent(problem, moment, COARSE) > LEAST) & (self.high > 0)
        values = solve_active_set(replace(problem, sparse=0.0), moment, chosen | silence)
        values[:, silence] = np.clip(1 - values[:, ~silence].sum(axis=1, keepdims=True), 0, 1)
        return replace(animation, controls=self.target, values=values)

    def within(self, names: Sequence[str]) -> InverseMap:
        """The same with only the controls ``names``: the others stay at rest, and these do their work."""
        kept = np.isin(self.target, names)
        return replace(self, low=np.where(kept, self.low, 0), high=np.where(kept, self.high, 0))


@dataclass(frozen=True, eq=False)
class RetargetChain:
    """Maps and inverses, applied one after the other."""

    steps: tuple[RigMap | InverseMap, ...]

    @property
    def source(self) -> tuple[str, ...]:
        return self.steps[0].source

    @property
    def target(self) -> tuple[str, ...]:
        return self.steps[-1].target

    def apply(self, animation: Animation) -> Animation:
        for step in self.steps:
            animation = step.apply(animation)
        return animation


def find_mapping(
    source: Rig, target: Rig, path: str | PathLike | None = None
) -> tuple[RetargetChain, RetargetChain]:
    """The way from ``source`` to ``target`` and the one back: by the map file ``path``, else by ``find_map``.

    Where a file leads there, its inverse leads back.
    """
    if path is None:
        return find_map(source, target), find_map(target, source)
    rig_map = read_map(path, source, target)
    return RetargetChain((rig_map,)), RetargetChain((inverse_of(rig_map, source, target, on_mesh=False),))


def shipped_maps() -> dict[tuple[str, str], Path]:
    """The files of the maps that ship with facegen, by the names of their two rigs."""
    found = {}
    for path in sorted((rigs_folder() / "maps").glob("*-*.csv")):
        source, _, target = path.stem.partition("-")
        found[source, target] = path
    return found


def find_map(source: Rig, target: Rig) -> RetargetChain:
    """The way between two rigs: by equal names where they share a control set, else by the shipped maps between
    the control sets that they speak, if need be by way of ARKit.

    Raises RigError where there is none.
    """
    spoken, wanted = uses_names(source), uses_names(target)
    if spoken == wanted:
        return RetargetChain((same_names(source, target),))
    if not spoken or not wanted:
        raise _no_way(source, target)
    steps: list[RigMap | InverseMap] = []
    if source.name != spoken:
        steps.append(same_names(source, load_rig(spoken)))
    steps += _between(spoken, wanted)
    if target.name != wanted:
        if isinstance(steps[-1], InverseMap):
            steps[-1] = steps[-1].within(target.control_names)
        steps.append(same_names(load_rig(wanted), target))
    return RetargetChain(tuple(steps))


def uses_names(rig: Rig) -> str:
    """The name of the control set, among those that maps ship for, that has most of its names in ``rig``."""
    return control_set_of(rig.control_names)


def control_set_of(controls: Sequence[str]) -> str:
    """The shipped control set that has most names in ``controls``; empty where none has any."""
    mine = set(controls)
    shared = {name: len(mine & set(names)) for name, names in _control_sets().items()}
    best = max(shared, key=lambda name: (shared[name], name == PIVOT_RIG))
    return best if shared[best] else ""


@lru_cache(maxsize=1)
def _control_sets() -> dict[str, tuple[str, ...]]:
    names = sorted({name for pair in shipped_maps() for name in pair} | {PIVOT_RIG})
    return {name: ARKIT if name == PIVOT_RIG else load_rig(name).control_names for name in names}


def _between(source: str, target: str) -> list[RigMap | InverseMap]:
    direct = _step(source, target)
    if direct:
        return [direct]
    paths = _shortest(source, target)
    return [_step(a, b) for a, b in zip(paths, paths[1:], strict=False)]  # type: ignore[misc]


def _shortest(source: str, target: str) -> list[str]:
    """Rig names from ``source`` to ``target`` along shipped maps, either way; each at most once."""
    pairs = {pair for a, b in shipped_maps() for pair in ((a, b), (b, a))}
    came = {source: ""}
    edge = [source]
    while edge and target not in came:
        steps = [(a, b) for a in edge for x, b in sorted(pairs) if x == a and b not in came]
        came |= {b: a for a, b in reversed(steps)}
        edge = list(dict.fromkeys(b for _, b in steps))
    if target not in came:
        raise _no_way(load_rig(source), load_rig(target))
    path = [target]
    while path[-1] != source:
        path.append(came[path[-1]])
    return path[::-1]


def _step(source: str, target: str) -> RigMap | InverseMap | None:
    files = shipped_maps()
    ends = load_rig(source), load_rig(target)
    if (source, target) in files:
        return read_map(files[source, target], *ends)
    if (target, source) in files:
        return inverse_of(read_map(files[target, source], ends[1], ends[0]), ends[1], ends[0])
    return None


def inverse_of(rig_map: RigMap, source: Rig, target: Rig, on_mesh: bool = True) -> InverseMap:
    """``rig_map`` from ``source`` to ``target`` backwards, within the limits of ``source``; its residual is
    measured ``on_mesh`` where the controls of ``target`` have one."""
    limits = {c.name: (c.low, c.high, c.neutral) for c in source.controls}
    low, high, rest = np.array([limits[name] for name in rig_map.source], np.float32).T
    gram = None
    if on_mesh and (target.mesh is not None or target.head):
        gram = displacement_gram(default_head(target), rig_map)
    return InverseMap(rig_map, low, high, rest, gram)


def displacement_gram(head: Rig, rig_map: RigMap) -> np.ndarray:
    """What the controls of ``rig_map``'s target move on ``head``: inner products [T, T] cm² of their displacements
    of the vertices that the map moves; those on the lips count most."""
    fields = control_fields(head, rig_map.target)
    moved = np.linalg.norm(np.tensordot(np.abs(rig_map.weights), np.abs(fields), 1), axis=2).max(axis=0)
    rows = np.flatnonzero(moved > MOVED_CM)
    share = _near_lips(head)[rows]
    kept = (fields[:, rows] * np.sqrt(share)[:, None]).reshape(len(fields), -1).astype(np.float64)
    gram = kept @ kept.T / max(1.0, float(share.sum()))
    used = rig_map.weights.any(axis=0)
    return gram + CONTROL_SHARE * float(np.diag(gram)[used].mean()) * np.eye(len(gram))


def _near_lips(head: Rig) -> np.ndarray:
    """How much each vertex counts [V]: 1 on the lips, less away from them; 1 where no landmarks tell where they are."""
    vertices = head.mesh.vertices  # type: ignore[union-attr]
    marks = [index for name, index in head.landmarks.items() if name.startswith(("lip", "mouth"))]
    if not marks:
        return np.ones(len(vertices))
    apart = np.linalg.norm(vertices[:, None] - vertices[marks], axis=2).min(axis=1)
    return 1 / (1 + (apart / NEAR_LIPS_CM) ** 2)


def control_fields(head: Rig, names: Sequence[str]) -> np.ndarray:
    """Displacements [C, V, 3] cm by the controls ``names``; 0 for those that the head has not."""
    fields = np.zeros((len(names), *head.mesh.vertices.shape), np.float32)  # type: ignore[union-attr]
    for number, name in enumerate(names):
        if name in head.control_names:
            index, value = head.delta(name)
            fields[number, index] = value
    return fields


def same_names(source: Rig, target: Rig) -> RigMap:
    """Controls of one name drive each other. Raises RigError where the rigs share none."""
    shared = [name for name in source.control_names if name in target.control_names]
    if not shared:
        raise _no_way(source, target)
    weights = np.zeros((len(source.controls), len(target.controls)), np.float32)
    for name in shared:
        weights[source.control_names.index(name), target.control_names.index(name)] = 1.0
    low = np.array([c.low for c in target.controls])
    high = np.array([c.high for c in target.controls])
    return RigMap(source.control_names, target.control_names, weights, low, high)


def _no_way(source: Rig, target: Rig) -> RigError:
    return RigError(
        f"no map leads from {source.name} to {target.name}, and they share no control",
        remedy="give one with --map, or learn one from the two meshes with facegen rig maps learn",
    )


def source_rig(animation: Animation, given: str | PathLike | Rig | None = None) -> Rig:
    """The rig whose controls ``animation`` has: ``given``, or the one found by their names.

    Raises UsageError where the names tell nothing.
    """
    if given is not None:
        return given if isinstance(given, Rig) else load_rig(given)
    name = control_set_of(animation.controls)
    if not name:
        raise UsageError(
            "the animation's controls are those of no rig that maps ship for",
            remedy="say with --from whose they are",
        )
    return load_rig(name)
