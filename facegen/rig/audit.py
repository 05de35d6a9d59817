"""Auditing a rig: what each control moves, misspelt names, substitutes, inverted triangles, size and orientation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from facegen.core.mesh import normals
from facegen.rig import validation as check
from facegen.rig.control_names import arkit_name
from facegen.rig.default_materials import table
from facegen.rig.head_pivot import face_box
from facegen.rig.load import ARKIT
from facegen.rig.model import Rig
from facegen.rig.validation import EMPTY_CM, SEVERITIES, RigFinding

FACE_CM = (5.0, 20.0)
"""Plausible heights, cm, of the region that a face's shapes move; generous for stylised heads."""
INVERTED_SHARE = 0.02
"""Share of the triangles that a shape moves which it may turn inside out."""
INVERTED_COSINE = -0.2
"""A triangle is inside out where its normal agrees with the smooth surface by less than this."""
SPELLING = 0.8
"""Similarity (difflib's ratio) from which a name counts as a misspelt control."""


@dataclass(frozen=True)
class ControlAudit:
    """What one control does: its limits, the largest displacement in cm, the number of vertices and the parts it moves."""

    control: str
    arkit: bool
    low: float
    high: float
    furthest_cm: float
    vertices: int
    parts: tuple[str, ...]


def audit_controls(rig: Rig) -> list[ControlAudit]:
    """One row per control of ``rig``; nothing moves in a rig without a mesh."""
    rows = []
    for c in rig.controls:
        index, size = np.zeros(0, np.int64), np.zeros(0)
        if rig.mesh is not None:
            index, value = rig.delta(c.name)
            size = np.linalg.norm(value, axis=1)
            index = index[size > EMPTY_CM]
        parts = [p.name for p in rig.parts if ((index >= p.vertices[0]) & (index < p.vertices[1])).any()]
        furthest = round(float(size.max(initial=0.0)), 4)
        rows.append(ControlAudit(c.name, c.name in ARKIT, c.low, c.high, furthest, len(index), tuple(parts)))
    return rows


def audit(rig: Rig) -> list[RigFinding]:
    """Findings of ``check_rig`` and more, worst first: misspelt names, controls that could stand in for missing
    ones, triangles turned inside out, a head of an unlikely size or one that does not face +Z."""
    found = [*check.check_rig(rig), *_spelling(rig.control_names), *_stand_ins(rig.control_names)]
    if rig.mesh is not None:
        found += [*_posture(rig), *_inverted(rig)]
    return sorted(found, key=lambda f: SEVERITIES.index(f.severity))


def as_json(rig: Rig, findings: Sequence[RigFinding]) -> Iterator[dict[str, Any]]:
    """One object for the rig, one a control, one a finding."""
    mesh = rig.mesh
    yield {
        "kind": "rig",
        "name": rig.name,
        "vertices": 0 if mesh is None else len(mesh.vertices),
        "size_cm": None if mesh is None else [round(float(x), 2) for x in np.ptp(mesh.vertices, axis=0)],
        "parts": [p.name for p in rig.parts],
        "missing": missing(rig.control_names),
    }
    for row in audit_controls(rig):
        yield {"kind": "control", **asdict(row)}
    for finding in findings:
        yield {"kind": "finding", **asdict(finding)}


def missing(names: Sequence[str]) -> list[str]:
    """The ARKit controls that are not among ``names``."""
    return [name for name in ARKIT if name not in names]


def _spelling(names: Sequence[str]) -> Iterator[RigFinding]:
    """Names that mean an ARKit control, or are nearly spelt like one that is missing."""
    lacking = missing(names)
    if len(lacking) == len(ARKIT):
        return
    lower = {name.lower(): name for name in lacking}
    for name in names:
        if name in ARKIT:
            continue
        meant = arkit_name(name)
        if meant != name:
            yield RigFinding("warning", name, f"means {meant} and is not spelt so; rename it")
            continue
        close = get_close_matches(name.lower(), lower, n=1, cutoff=SPELLING)
        if close:
            yield RigFinding("warning", name, f"looks like a misspelt {lower[close[0]]}")


def _stand_ins(names: Sequence[str]) -> Iterator[RigFinding]:
    for name in missing(names):
        for choice in _substitutes().get(name, ()):
            if set(re.split(r" \+ ", choice)) <= set(names):
                yield RigFinding("note", name, f"is missing; {choice} could stand in")
                break


def _substitutes() -> Mapping[str, list[str]]:
    """ARKit control to what could stand in for it, best first."""
    found: dict[str, list[str]] = {}
    for row in table("control_substitutes.csv"):
        sides = (("Left", "_L"), ("Right", "_R")) if row["control"].endswith("*") else (("", ""),)
        for side, short in sides:
            choice = row["substitute"].replace("_*", short).replace("*", side)
            found.setdefault(row["control"].replace("*", side), []).append(choice)
    return found


def _posture(rig: Rig) -> Iterator[RigFinding]:
    """Whether the face, which is what the shapes move, has a face's size, and its surface looks ahead."""
    mesh = rig.mesh
    assert mesh is not None
    moved = [rig.delta(n)[0][np.linalg.norm(rig.delta(n)[1], axis=1) > EMPTY_CM] for n in rig.control_names]
    if not any(len(index) for index in moved):
        return
    _, height = face_box(mesh.vertices, moved)
    if not FACE_CM[0] <= height <= FACE_CM[1]:
        yield RigFinding(
            "warning",
            "",
            f"its face is {height:.3g} cm high, not {FACE_CM[0]:g} to {FACE_CM[1]:g}; import it with --scale",
        )
    strength = np.zeros(len(mesh.vertices))
    for name in rig.control_names:
        index, value = rig.delta(name)
        strength[index] += np.linalg.norm(value, axis=1)
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    ahead = (np.cross(b - a, c - a) * strength[mesh.faces].mean(axis=1)[:, None]).sum(axis=0)
    axis = int(np.argmax(np.abs(ahead)))
    if axis != 2 or ahead[2] < 0:
        towards = "-+"[int(ahead[axis] > 0)] + "XYZ"[axis]
        yield RigFinding(
            "warning", "", f"its face seems to look towards {towards}, not +Z; import it with --turn or --up"
        )


def _inverted(rig: Rig) -> Iterator[RigFinding]:
    """Shapes at full strength that turn triangles against the smooth surface around them, which they did not at rest."""
    mesh = rig.mesh
    assert mesh is not None
    around = _against(mesh.vertices, mesh.faces, np.arange(len(mesh.faces)))
    for c in rig.controls:
        index, value = rig.delta(c.name)
        if len(index) == 0:
            continue
        posed = mesh.vertices.copy()
        posed[index] += value * np.float32(c.high if c.high > -c.low else c.low)
        touched = np.zeros(len(posed), bool)
        touched[index[np.linalg.norm(value, axis=1) > EMPTY_CM]] = True
        rows = np.flatnonzero(touched[mesh.faces].any(axis=1))
        turned = _against(posed, mesh.faces, rows) & ~around[rows]
        if len(rows) and turned.mean() > INVERTED_SHARE:
            yield RigFinding(
                "warning", c.name, f"turns {turned.sum()} of the {len(rows)} triangles it moves inside out"
            )


def _against(vertices: np.ndarray, faces: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Whether [n] the triangles ``rows`` face against the normals of their corners."""
    smooth = normals(vertices, faces)[faces[rows]].mean(axis=1)
    a, b, c = (vertices[faces[rows, i]] for i in range(3))
    own = np.cross(b - a, c - a)
    size = np.linalg.norm(own, axis=1) * np.linalg.norm(smooth, axis=1)
    return (own * smooth).sum(axis=1) < INVERTED_COSINE * size
