"""Retargeting: the chain of maps, forwards or inverted, that takes the controls of one rig to those of another.

``find_mapping`` is the way in: the chain to a target rig and the one back. Rigs with a control set of their own are
connected through the shipped maps (``rigs/maps``), most of which lead to or from ARKit.
"""

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
RIDGE = 1e-4
"""What the square of a control costs where a map is inverted in control units; settles undetermined controls at 0."""
SPARSE, SPARSE_POWER = 0.03, 0.25
"""Price of a control of a few-shape rig, as a share of the size of the typical shape, and the power by which it grows
with its own size: one large shape is preferred to several small ones that add up to it."""
LEAST_ACTIVE, COARSE = 0.02, 2e-3
"""Control units: controls that reach the first, found to within the second, are solved again without their price."""
RIDGE_SHARE = 0.01
"""Ridge of a control as a share of its size; settles at 0 what the head alone leaves undetermined."""
UNITY_WEIGHT = 0.5
"""How strongly the sum of visemes and silence is held to 1, as a multiple of the typical shape's size."""
CONTROL_SHARE = 0.2
"""Weight of the error in control units beside that on the head, for controls hardly seen, such as the tongue's."""
NEAR_LIPS_CM = 1.5
"""Distance from the lips at which a vertex counts half as much as on them."""
MOVED_CM = 0.02
"""Displacements below this count as no motion."""


@dataclass(frozen=True, eq=False)
class InverseMap:
    """A map taken backwards by bounded least squares.

    A control that moves nothing and rests at 1 (the viseme of silence) gets what the others leave of 1.

    Attributes
    ----------
    map : RigMap
        From S to T controls; the inverse leads from the T to the S.
    low, high, rest : (S,) float32 array
        Limits and resting values of the controls that are solved for.
    gram : (T, T) float64 array or None
        Inner products, cm^2, of what the map's targets move (``displacement_gram``): with it the error is measured on
        the head, without it in control units.
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
        """The controls, within their limits, whose image under the map is nearest to ``animation`` of its targets."""
        if self.gram is None or self.map.curves:
            return invert(self.map, animation, RIDGE, self.low, self.high)
        weights = self.map.weights.astype(np.float64)
        gram = weights @ self.gram @ weights.T
        moment = animation.select(self.source).values @ (self.gram @ weights.T)
        sizes = np.diag(gram)
        typical = float(np.median(sizes[sizes > 0])) if sizes.any() else 1.0
        silence = ~weights.any(axis=1) & (self.rest == 1)
        price = np.where(silence, 0.0, SPARSE * typical * (sizes / typical) ** SPARSE_POWER)
        if silence.any():
            parts = (weights.any(axis=1) | silence).astype(float)
            gram = gram + UNITY_WEIGHT * typical * np.outer(parts, parts)
            moment = moment + UNITY_WEIGHT * typical * parts
        problem = BoundedProblem(gram, self.low, self.high, price, RIDGE_SHARE * sizes)
        active = (solve_coordinate_descent(problem, moment, COARSE) > LEAST_ACTIVE) & (self.high > 0)
        values = solve_active_set(replace(problem, sparse=0.0), moment, active | silence)
        values[:, silence] = np.clip(1 - values[:, ~silence].sum(axis=1, keepdims=True), 0, 1)
        return replace(animation, controls=self.target, values=values)

    def within(self, names: Sequence[str]) -> InverseMap:
        """The same with only the controls ``names``: the others stay at 0, and these take over their share."""
        kept = np.isin(self.target, names)
        return replace(self, low=np.where(kept, self.low, 0), high=np.where(kept, self.high, 0))


@dataclass(frozen=True, eq=False)
class RetargetChain:
    """Maps and inverse maps, applied one after the other; ``source`` and ``target`` are the controls at its ends."""

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
    """Find the chain from one rig to another and the one back.

    Parameters
    ----------
    source, target : Rig
    path : str, PathLike or None
        A map file from ``source`` to ``target``, whose inverse leads back; else ``find_map`` finds both.

    Returns
    -------
    (RetargetChain, RetargetChain)

    Raises
    ------
    RigError
        For a broken map file, and where no map connects the rigs.
    """
    if path is None:
        return find_map(source, target), find_map(target, source)
    rig_map = read_map(path, source, target)
    return RetargetChain((rig_map,)), RetargetChain((inverse_of(rig_map, source, target, on_mesh=False),))


def shipped_maps() -> dict[tuple[str, str], Path]:
    """The files of the maps that ship with facegen, by the names of their source and target rig."""
    maps = {}
    for path in sorted((rigs_folder() / "maps").glob("*-*.csv")):
        source, _, target = path.stem.partition("-")
        maps[source, target] = path
    return maps


def find_map(source: Rig, target: Rig) -> RetargetChain:
    """Find the chain between two rigs without a map file.

    By equal names where both use one control set, else by the shipped maps between their control sets, if need be
    by way of ARKit.

    Parameters
    ----------
    source, target : Rig

    Returns
    -------
    RetargetChain

    Raises
    ------
    RigError
        Where nothing connects them.
    """
    source_set, target_set = uses_names(source), uses_names(target)
    if source_set == target_set:
        return RetargetChain((same_names(source, target),))
    if not source_set or not target_set:
        raise _no_mapping(source, target)
    steps: list[RigMap | InverseMap] = []
    if source.name != source_set:
        steps.append(same_names(source, load_rig(source_set)))
    steps += _between(source_set, target_set)
    if target.name != target_set:
        if isinstance(steps[-1], InverseMap):
            steps[-1] = steps[-1].within(target.control_names)
        steps.append(same_names(load_rig(target_set), target))
    return RetargetChain(tuple(steps))


def uses_names(rig: Rig) -> str:
    """The name of the shipped control set that the controls of ``rig`` are named after; empty where there is none."""
    return control_set_of(rig.control_names)


def control_set_of(controls: Sequence[str]) -> str:
    """The shipped control set with most names among ``controls``; empty where none has any."""
    present = set(controls)
    shared = {name: len(present & set(names)) for name, names in _control_sets().items()}
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
    path = _shortest(source, target)
    return [_step(a, b) for a, b in zip(path, path[1:], strict=False)]  # type: ignore[misc]


def _shortest(source: str, target: str) -> list[str]:
    """Rig names from ``source`` to ``target`` along shipped maps, either way; each at most once."""
    pairs = {pair for a, b in shipped_maps() for pair in ((a, b), (b, a))}
    previous = {source: ""}
    frontier = [source]
    while frontier and target not in previous:
        steps = [(a, b) for a in frontier for x, b in sorted(pairs) if x == a and b not in previous]
        previous |= {b: a for a, b in reversed(steps)}
        frontier = list(dict.fromkeys(b for _, b in steps))
    if target not in previous:
        raise _no_mapping(load_rig(source), load_rig(target))
    path = [target]
    while path[-1] != source:
        path.append(previous[path[-1]])
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
    """Invert a map within the limits of its source rig.

    Parameters
    ----------
    rig_map : RigMap
        From ``source`` to ``target``.
    source, target : Rig
    on_mesh : bool
        Measure the error on the head of ``target`` where it has one, else in control units.

    Returns
    -------
    InverseMap
        From the controls of ``target`` to those of ``source``.
    """
    limits = {c.name: (c.low, c.high, c.neutral) for c in source.controls}
    low, high, rest = np.array([limits[name] for name in rig_map.source], np.float32).T
    gram = None
    if on_mesh and (target.mesh is not None or target.head):
        gram = displacement_gram(default_head(target), rig_map)
    return InverseMap(rig_map, low, high, rest, gram)


def displacement_gram(head: Rig, rig_map: RigMap) -> np.ndarray:
    """Inner products of what the target controls of ``rig_map`` move on ``head``.

    Parameters
    ----------
    head : Rig
        With a mesh.
    rig_map : RigMap

    Returns
    -------
    (T, T) float64 array
        cm^2, over the vertices that the map moves; those on the lips count most.
    """
    fields = control_fields(head, rig_map.target)
    moved = np.linalg.norm(np.tensordot(np.abs(rig_map.weights), np.abs(fields), 1), axis=2).max(axis=0)
    rows = np.flatnonzero(moved > MOVED_CM)
    importance = _lip_importance(head)[rows]
    kept = (fields[:, rows] * np.sqrt(importance)[:, None]).reshape(len(fields), -1).astype(np.float64)
    gram = kept @ kept.T / max(1.0, float(importance.sum()))
    used = rig_map.weights.any(axis=0)
    return gram + CONTROL_SHARE * float(np.diag(gram)[used].mean()) * np.eye(len(gram))


def _lip_importance(head: Rig) -> np.ndarray:
    """Weight of each vertex (V,): 1 on the lips, less away from them; 1 everywhere on a head without lip landmarks."""
    vertices = head.mesh.vertices  # type: ignore[union-attr]
    marks = [index for name, index in head.landmarks.items() if name.startswith(("lip", "mouth"))]
    if not marks:
        return np.ones(len(vertices))
    apart = np.linalg.norm(vertices[:, None] - vertices[marks], axis=2).min(axis=1)
    return 1 / (1 + (apart / NEAR_LIPS_CM) ** 2)


def control_fields(head: Rig, names: Sequence[str]) -> np.ndarray:
    """Displacements (C, V, 3) float32, cm, by the C controls ``names``; 0 for those that ``head`` lacks."""
    fields = np.zeros((len(names), *head.mesh.vertices.shape), np.float32)  # type: ignore[union-attr]
    for number, name in enumerate(names):
        if name in head.control_names:
            index, value = head.delta(name)
            fields[number, index] = value
    return fields


def same_names(source: Rig, target: Rig) -> RigMap:
    """The map by which controls of one name drive each other. Raises RigError where the rigs share none."""
    shared = [name for name in source.control_names if name in target.control_names]
    if not shared:
        raise _no_mapping(source, target)
    weights = np.zeros((len(source.controls), len(target.controls)), np.float32)
    for name in shared:
        weights[source.control_names.index(name), target.control_names.index(name)] = 1.0
    low = np.array([c.low for c in target.controls])
    high = np.array([c.high for c in target.controls])
    return RigMap(source.control_names, target.control_names, weights, low, high)


def _no_mapping(source: Rig, target: Rig) -> RigError:
    return RigError(
        f"no map leads from {source.name} to {target.name}, and they share no control",
        remedy="give one with --map, or learn one from the two meshes with facegen rig maps learn",
    )


def source_rig(animation: Animation, rig: str | PathLike | Rig | None = None) -> Rig:
    """The rig whose controls an animation has.

    Parameters
    ----------
    animation : Animation
    rig : str, PathLike, Rig or None
        The rig itself, or what ``load_rig`` reads it by; None finds it by the names of the controls.

    Returns
    -------
    Rig

    Raises
    ------
    UsageError
        Where the names are those of no shipped control set.
    """
    if rig is not None:
        return rig if isinstance(rig, Rig) else load_rig(rig)
    name = control_set_of(animation.controls)
    if not name:
        raise UsageError(
            "the animation's controls are those of no rig that maps ship for",
            remedy="say with --from whose they are",
        )
    return load_rig(name)
