"""Curves for the shapes, bones and properties of a character in an editor: as few Bézier keys, layer by layer.

What is asked for is plain JSON (``Request``), so that an add-on in another program needs nothing of facegen to ask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from facegen.animation import HEAD_CHANNELS, Animation
from facegen.errors import UsageError, nearest
from facegen.reduce import Keys, fit_keys
from facegen.rig import ARKIT, Control, Rig, RigMap, built_in_rigs, head_matrices, load_rig
from facegen.rig.map_csv import read_map
from facegen.rig.route import Inverse, Route, dialect, find_map
from facegen.rigfiles.names import arkit_names, other_side, plain, side_of
from facegen.take import HAND, Take, compose

AUTO, CUSTOM = "auto", "custom"
WHOLE = ""
"""The name of the layer that is all layers together."""
GROUPS = {"lip_closure": "lips", "prepare": "lips", "asymmetry": "expression", "breath": "head"}
"""Layers of a take that an editor shows as part of another one."""
TURNS, SHIFTS = ("yaw", "pitch", "roll"), ("x", "y", "z")
TURN_SHARE = 0.2
"""Bound of turns in radians, as a share of the bound of shapes."""


@dataclass(frozen=True)
class Channel:
    """Something other than a shape: ``name`` is repeated in the answer, its curve is the sum of ``terms``
    (control, or ``head.yaw`` …, and factor)."""

    name: str
    terms: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Turn:
    """A bone: turns in degrees and shifts from ``terms`` by axis (yaw to its left, pitch down, roll to its right, and
    x y z) in a space with +Y up and +Z ahead, given to the axes of ``basis`` [3, 3] (columns are the bone's axes
    there). ``turn`` and ``shift`` name the curves; ``order`` is QUATERNION or an Euler order such as XYZ."""

    turn: str
    shift: str
    order: str
    basis: tuple[tuple[float, ...], ...]
    terms: Mapping[str, tuple[tuple[str, float], ...]]


@dataclass(frozen=True)
class Target:
    """One thing to key. ``preset`` says whose names ``shapes`` are (``auto``, ``custom`` with ``map``, or a rig);
    ``edits`` are curves [T] that an animator changed, by layer (``WHOLE`` for all of them) and shape. One that is
    ``optional`` is passed over where none of its shapes is known."""

    name: str
    shapes: tuple[str, ...] = ()
    preset: str = AUTO
    map: str | None = None
    channels: tuple[Channel, ...] = ()
    turns: tuple[Turn, ...] = ()
    edits: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    optional: bool = False


class Curve(NamedTuple):
    """The keys of one curve of one target in one layer."""

    target: str
    layer: str
    name: str
    keys: Keys


class Match(NamedTuple):
    """How a target's shapes are driven: ``preset``, and for each shape the controls that move it (none: at rest)."""

    target: str
    preset: str
    shapes: Mapping[str, tuple[str, ...]]


def read_request(data: Any) -> tuple[Target, ...]:
    """The targets of a request as JSON gives it, without optional ones of which nothing is known. Raises UsageError
    for what is no request, and where nothing remains."""
    try:
        targets = [_target(row) for row in data["targets"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"is no list of targets ({type(error).__name__}: {error})", remedy="see facegen keys --help"
        ) from error
    kept = tuple(t for t in targets if not t.optional or t.map or _named(t)[1])
    if not kept:
        what = (
            "no mesh with shape keys is given" if not targets else "no mesh has shape keys that facegen knows"
        )
        raise UsageError(what, remedy="select the character, choose a preset, or give a map file of weights")
    return kept


def _target(row: Mapping[str, Any]) -> Target:
    def terms(rows: Any) -> tuple[tuple[str, float], ...]:
        return tuple((str(name), float(factor)) for name, factor in rows)

    return Target(
        str(row["name"]),
        tuple(str(s) for s in row.get("shapes", ())),
        str(row.get("preset", AUTO)),
        row.get("map"),
        tuple(Channel(str(c["name"]), terms(c["terms"])) for c in row.get("channels", ())),
        tuple(
            Turn(
                str(t["turn"]),
                str(t["shift"]),
                str(t["order"]),
                tuple(tuple(float(x) for x in axis) for axis in t["basis"]),
                {axis: terms(t["terms"].get(axis, ())) for axis in (*TURNS, *SHIFTS)},
            )
            for t in row.get("turns", ())
        ),
        row.get("edits", {}),
        bool(row.get("optional", False)),
    )


def presets() -> tuple[str, ...]:
    """What may be said of whose names a character's shapes are."""
    return (AUTO, *built_in_rigs(), CUSTOM)


def keyed(take: Take, targets: Sequence[Target], bound: float, layered: bool = False) -> list[Curve]:
    """The curves of all targets, each layer's apart where ``layered`` (they add up to the whole; bones are never
    apart). Raises UsageError for a target that nothing would move."""
    whole = compose(take, _controls(take))
    parts = _layers(take) if layered else {WHOLE: whole}
    curves: list[Curve] = []
    for target in targets:
        if target.shapes:
            way = way_to(target)
            for number, (layer, animation) in enumerate(_through(way, parts, layered).items()):
                # Upper layers hold only what they move; the lowest has all, for the others to add to.
                kept = [n for n, moves in zip(way.shapes, animation.any(axis=0), strict=True) if moves]
                names = kept if number else list(way.shapes)
                columns = [way.shapes.index(n) for n in names]
                fits = fit_keys(animation[:, columns], bound)
                curves += [Curve(target.name, layer, n, _short(k)) for n, k in zip(names, fits, strict=True)]
        curves += _others(target, whole, bound)
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
    values = whole.values.copy()
    for target in targets:
        if target.shapes and target.edits:
            values += _back(way_to(target), target, parts, whole)
    return replace(whole, values=values)


def matches(targets: Sequence[Target]) -> list[Match]:
    """What drives the shapes of each target that has some."""
    return [Match(t.name, *way_to(t).table(t.shapes)) for t in targets if t.shapes]


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


@dataclass(frozen=True, eq=False)
class Way:
    """From controls to a target's ``shapes``: ``route`` leads to ``named`` (a control set's own names), column
    ``columns[i]`` of which is ``shapes[i]``."""

    preset: str
    shapes: tuple[str, ...]
    route: Route
    columns: tuple[int, ...]

    def apply(self, animation: Animation) -> np.ndarray:
        """The shapes' curves, [T, S]."""
        return self.route.apply(animation).values[:, list(self.columns)]

    def links(self) -> np.ndarray:
        """How much of each control goes into each shape, without clamps and curves: [controls, shapes]."""
        total: np.ndarray | None = None
        names: Sequence[str] = ()
        for step in self.route.steps:
            weights = np.linalg.pinv(step.map.weights) if isinstance(step, Inverse) else step.weights
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

    def table(self, asked: Sequence[str]) -> tuple[str, dict[str, tuple[str, ...]]]:
        """``preset``, and for each shape that was asked about its controls, the strongest first."""
        links = np.abs(self.links())
        found: dict[str, tuple[str, ...]] = {shape: () for shape in asked}
        for shape, column in zip(self.shapes, links.T, strict=True):
            order = np.argsort(-column, kind="stable")
            least = max(0.05, 0.3 * float(column.max(initial=0.0)))
            found[shape] = tuple(self.route.source[i] for i in order if column[i] > least)
        return self.preset, found


def way_to(target: Target) -> Way:
    """How the ARKit controls move the target's shapes. Raises UsageError where none of them can be told."""
    source = load_rig("arkit")
    if target.preset == CUSTOM or (target.map and target.preset == AUTO):
        if not target.map:
            raise UsageError(
                "no map file is given for the preset custom", path=target.name, remedy="name one"
            )
        rig = Rig(target.name, tuple(Control(s) for s in target.shapes))
        rig_map = read_map(target.map, source, rig)
        return _way(CUSTOM, target, Route((rig_map,)), {s: s for s in target.shapes})
    if target.preset not in presets():
        remedy = nearest(target.preset, presets())
        raise UsageError(f"no preset is called {target.preset!r}", path=target.name, remedy=remedy)
    preset, named = _named(target)
    if not named:
        raise UsageError(
            f"none of its {len(target.shapes)} shapes has a name that facegen knows",
            path=target.name,
            remedy="choose a preset, or give a map file of weights for the preset custom",
        )
    wanted = Rig(target.name, tuple(Control(n) for n in dict.fromkeys(named.values())))
    if preset == "arkit":
        return _way(preset, target, Route((_same(source, wanted),)), named)
    return _way(preset, target, find_map(source, wanted), named)


def _way(preset: str, target: Target, route: Route, named: Mapping[str, str]) -> Way:
    shapes = tuple(s for s in target.shapes if named.get(s) in route.target)
    return Way(preset, shapes, route, tuple(route.target.index(named[s]) for s in shapes))


def _same(source: Rig, target: Rig) -> RigMap:
    names = target.control_names
    return RigMap(
        source.control_names, names, np.array([[a == b for b in names] for a in source.control_names])
    )


def _named(target: Target) -> tuple[str, dict[str, str]]:
    """The control set whose names the shapes have, and each known shape's name in it."""
    as_arkit = _as_arkit(target.shapes)
    if target.preset == "arkit":
        return "arkit", as_arkit
    if target.preset != AUTO:
        return target.preset, _spelled(target.shapes, load_rig(target.preset).control_names)
    spoken = dialect(target.shapes)
    exact = _spelled(target.shapes, load_rig(spoken).control_names) if spoken else {}
    return ("arkit", as_arkit) if len(as_arkit) >= len(exact) else (spoken, exact)


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


def _spelled(shapes: Sequence[str], names: Sequence[str]) -> dict[str, str]:
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


def _through(way: Way, parts: Mapping[str, Animation], layered: bool) -> dict[str, np.ndarray]:
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


def _back(way: Way, target: Target, parts: Mapping[str, Animation], whole: Animation) -> np.ndarray:
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


def _others(target: Target, whole: Animation, bound: float) -> Iterator[Curve]:
    """Curves of channels and bones."""
    for channel in target.channels:
        values = _sum(channel.terms, whole, target.name)[:, None]
        yield Curve(target.name, WHOLE, channel.name, fit_keys(values, bound)[0])
    for turn in target.turns:
        for name, values in _turned(turn, whole, target.name):
            for index, keys in enumerate(fit_keys(values, bound * TURN_SHARE)):
                yield Curve(target.name, WHOLE, f"{name}#{index}", keys)


def _sum(terms: Sequence[tuple[str, float]], animation: Animation, target: str) -> np.ndarray:
    total = np.zeros(len(animation))
    for name, factor in terms:
        part, _, axis = name.partition(".")
        if part == "head" and axis in HEAD_CHANNELS:
            if animation.head is not None:
                angle = axis in TURNS
                column = animation.head[:, HEAD_CHANNELS.index(axis)].astype(np.float64)
                total += factor * (np.degrees(column) if angle else column / 100)
        elif name in animation.controls:
            total += factor * animation.channel(name)
        else:
            known = [*animation.controls, *(f"head.{a}" for a in HEAD_CHANNELS)]
            raise UsageError(f"no control is called {name!r}", path=target, remedy=nearest(name, known))
    return total


def _turned(turn: Turn, animation: Animation, target: str) -> Iterator[tuple[str, np.ndarray]]:
    """The named curves of a bone, [T, 3 or 4]: its turn about its own axes, and its shift along them."""
    from scipy.spatial.transform import Rotation

    basis = np.array(turn.basis, np.float64)
    if any(turn.terms[a] for a in TURNS):
        angles = [np.radians(_sum(turn.terms[a], animation, target)) for a in TURNS]
        matrices = head_matrices(np.stack([*angles, *[np.zeros(len(animation))] * 3], axis=1))
        own = Rotation.from_matrix(basis.T @ matrices @ basis)
        if turn.order == "QUATERNION":
            quats = own.as_quat()[:, [3, 0, 1, 2]]
            yield turn.turn, quats * np.where(quats[:, :1] < 0, -1, 1)
        else:
            order = turn.order.lower()
            angles_xyz = own.as_euler(order)
            yield turn.turn, angles_xyz[:, [order.index(a) for a in "xyz"]]
    if any(turn.terms[a] for a in SHIFTS):
        shift = np.stack([_sum(turn.terms[a], animation, target) for a in SHIFTS], axis=1)
        yield turn.shift, shift @ basis
