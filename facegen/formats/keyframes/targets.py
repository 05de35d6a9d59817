"""The request for keyframes: plain values that an add-on can send as JSON without importing facegen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

AUTO, CUSTOM = "auto", "custom"
WHOLE = ""
"""The name of the layer that holds the sum of all layers."""
TURNS, SHIFTS = ("yaw", "pitch", "roll"), ("x", "y", "z")


@dataclass(frozen=True)
class Channel:
    """Something other than a shape: ``name`` is repeated in the answer, its curve is the sum of ``terms``
    (control, or ``head.yaw`` …, and factor)."""

    name: str
    terms: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class BoneRotation:
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
    """One mesh or armature to key. ``preset`` says whose names ``shapes`` are (``auto``, ``custom`` with ``map``, or a rig);
    ``edits`` are curves [T] that an animator changed, by layer (``WHOLE`` for all of them) and shape. One that is
    ``optional`` is skipped where none of its shapes is known."""

    name: str
    shapes: tuple[str, ...] = ()
    preset: str = AUTO
    map: str | None = None
    channels: tuple[Channel, ...] = ()
    turns: tuple[BoneRotation, ...] = ()
    edits: Mapping[str, Mapping[str, Sequence[float]]] = field(default_factory=dict)
    optional: bool = False
