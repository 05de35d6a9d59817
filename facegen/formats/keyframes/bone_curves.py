"""F-curves of bones and properties from controls and the head pose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from facegen.core.animation import HEAD_CHANNELS, Animation
from facegen.core.errors import UsageError, nearest
from facegen.core.keyframe_reduction import Keys, fit_keys
from facegen.formats.keyframes.targets import SHIFTS, TURNS, BoneRotation, Target
from facegen.rig import head_matrices

BONE_BOUND_SHARE = 0.2
"""Bound of turns in radians and shifts in metres, as a share of the bound of shapes."""


def bone_keys(target: Target, whole: Animation, bound: float) -> Iterator[tuple[str, Keys]]:
    """The curves of a target's channels and bones, by name."""
    for channel in target.channels:
        values = _sum(channel.terms, whole, target.name)[:, None]
        yield channel.name, fit_keys(values, bound)[0]
    for turn in target.turns:
        for name, values in _bone_curves(turn, whole, target.name):
            for index, keys in enumerate(fit_keys(values, bound * BONE_BOUND_SHARE)):
                yield f"{name}#{index}", keys


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


def _bone_curves(turn: BoneRotation, animation: Animation, target: str) -> Iterator[tuple[str, np.ndarray]]:
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
