"""Checking a rig: missing or extra ARKit controls, odd ranges, empty, duplicate, oversized and asymmetric shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from facegen.rig.load import ARKIT
from facegen.rig.model import Rig

SEVERITIES = ("error", "warning", "note")
EMPTY_CM = 1e-3
"""A shape that moves no vertex further than this shows nothing."""
SAME_SHARE = 1e-3
"""Two shapes are duplicates where they differ by less than this share of their size."""
MIRROR_SHARE = 0.1
"""A shape mirrors its partner where they differ by less than this share of their size."""
MIRROR_TOLERANCE = 0.002
"""A vertex has a mirror partner where one lies this near its mirror image, as a share of the head's height."""
MIRROR_MATCHED = 0.9
"""Sides are compared where at least this share of the vertices has a partner."""
CANDIDATES = 4
"""Nearest vertices among which the partner is looked for; seams put several at one place."""
FAR_SHARE = 0.5
"""No shape moves a vertex further than this share of the head's height."""


@dataclass(frozen=True)
class RigFinding:
    """One thing to look at: ``severity`` error, warning or note; ``control`` may be empty for the whole rig."""

    severity: str
    control: str
    message: str


def check_rig(rig: Rig) -> list[RigFinding]:
    """Findings on ``rig``, worst first: ARKit controls missing, extra or of another range and, where it has a
    mesh, shapes that are empty, doubled, far too large or unlike their mirror partner."""
    found = [*_names(rig), *_ranges(rig)]
    if rig.mesh is not None:
        moves = {name: np.linalg.norm(rig.delta(name)[1], axis=1) for name in rig.control_names}
        sizes = {name: float(far.max(initial=0.0)) for name, far in moves.items()}
        found += [*_sizes(rig, sizes), *_doubled(rig, sizes), *_mirrored(rig, sizes)]
    elif not rig.head:
        found.append(RigFinding("note", "", "the rig has no mesh, so its shapes are not checked"))
    return sorted(found, key=lambda f: SEVERITIES.index(f.severity))


def partner(name: str) -> str:
    """The control on the other side: ``Left`` and ``Right`` exchanged; the same name in the middle."""
    if name.endswith("Left"):
        return name[:-4] + "Right"
    return name[:-5] + "Left" if name.endswith("Right") else name


def _names(rig: Rig) -> Iterator[RigFinding]:
    names = rig.control_names
    for name in ARKIT if set(ARKIT) & set(names) else ():  # another control set lacks none of them
        if name not in names:
            yield RigFinding("warning", name, "is one of the 52 ARKit controls and is missing")
    for name in names:
        if name not in ARKIT:
            yield RigFinding("note", name, "is none of the 52 ARKit controls")
        elif partner(name) not in names:
            yield RigFinding("warning", name, f"has no partner {partner(name)} on the other side")


def _ranges(rig: Rig) -> Iterator[RigFinding]:
    for control in rig.controls:
        if control.name in ARKIT and (control.low, control.high, control.neutral) != (0, 1, 0):
            yield RigFinding(
                "warning",
                control.name,
                f"runs from {control.low:g} to {control.high:g} with rest at {control.neutral:g}; "
                "ARKit controls run from 0 to 1 with rest at 0",
            )
        other = {"left": "Right", "right": "Left"}.get(control.side)
        if other and control.name.endswith(other):
            yield RigFinding(
                "warning", control.name, f"is marked as of the {control.side} side, unlike its name"
            )


def _sizes(rig: Rig, sizes: dict[str, float]) -> Iterator[RigFinding]:
    vertices = rig.mesh.vertices  # type: ignore[union-attr]
    height = float(np.ptp(vertices[:, 1]))
    for name, size in sizes.items():
        if size < EMPTY_CM:
            yield RigFinding("warning", name, "moves nothing")
        elif size > FAR_SHARE * height:
            yield RigFinding(
                "error", name, f"moves a vertex by {size:.3g} cm; the head is {height:.3g} cm high"
            )


def _doubled(rig: Rig, sizes: dict[str, float]) -> Iterator[RigFinding]:
    by_rows: dict[bytes, list[str]] = {}
    for name in rig.control_names:
        index, value = rig.delta(name)
        if sizes[name] >= EMPTY_CM:
            moved = np.linalg.norm(value, axis=1) > SAME_SHARE * sizes[name]
            by_rows.setdefault(np.sort(index[moved]).astype(np.int64).tobytes(), []).append(name)
    for names in by_rows.values():
        for number, name in enumerate(names):
            twin = next(
                (n for n in names[:number] if _difference(rig, n, name) < SAME_SHARE * sizes[name]), None
            )
            if twin:
                yield RigFinding("warning", name, f"has the same shape as {twin}")


def _difference(rig: Rig, first: str, second: str) -> float:
    """The furthest apart, cm, that two shapes put a vertex."""
    a, b = _dense(rig, first), _dense(rig, second)
    return float(np.linalg.norm(a - b, axis=1).max(initial=0.0))


def _dense(rig: Rig, name: str) -> np.ndarray:
    dense = np.zeros_like(rig.mesh.vertices)  # type: ignore[union-attr]
    index, value = rig.delta(name)
    dense[index] = value
    return dense


def _mirrored(rig: Rig, sizes: dict[str, float]) -> Iterator[RigFinding]:
    vertices = rig.mesh.vertices  # type: ignore[union-attr]
    flip = np.array((-1, 1, 1), np.float32)
    tolerance = MIRROR_TOLERANCE * float(np.ptp(vertices[:, 1]))
    distance, others = cKDTree(vertices).query(vertices * flip, k=min(CANDIDATES, len(vertices)))
    distance, others = distance.reshape(len(vertices), -1), others.reshape(len(vertices), -1)
    matched = distance[:, 0] <= tolerance
    if matched.mean() < MIRROR_MATCHED:
        share = f"{100 * (1 - matched.mean()):.0f} %"
        yield RigFinding(
            "note",
            "",
            f"the face at rest is not symmetric ({share} of its vertices), so sides are not compared",
        )
        return
    for name in rig.control_names:
        twin = partner(name)
        known = twin in sizes and (twin != name or name in ARKIT)
        if not known or twin < name or min(sizes[name], sizes[twin]) < EMPTY_CM:
            continue
        expected = _dense(rig, name)[others] * flip
        apart = np.linalg.norm(expected - _dense(rig, twin)[:, None], axis=2)
        apart = np.where(distance <= tolerance, apart, np.inf).min(axis=1)[matched].max()
        if apart > MIRROR_SHARE * max(sizes[name], sizes[twin]):
            what = f"is no mirror image of {twin}" if twin != name else "is not the same on both sides"
            yield RigFinding("warning", name, f"{what}: up to {apart:.2g} cm apart")
