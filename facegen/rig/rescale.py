"""Rescaling and turning an imported rig whose file states no unit or axes, or wrong ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from facegen.rig.model import Rig, head_matrices


def rescaled(rig: Rig, scale: float = 1.0, turn: float = 0.0, up: str = "y") -> Rig:
    """Scale and turn a rig: mesh, shapes and pivots.

    Parameters
    ----------
    rig : Rig
        With a mesh.
    scale : float
    turn : float
        Degrees about +Y, after the axes are changed.
    up : str
        The rig's upright axis, ``y`` or ``z``.

    Returns
    -------
    Rig
    """
    if (scale, turn, up) == (1.0, 0.0, "y"):
        return rig
    pose = np.zeros((1, 6))
    pose[0, 0] = np.radians(turn)
    matrix = scale * head_matrices(pose)[0]
    if up == "z":
        matrix = matrix @ np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    assert rig.mesh is not None and rig.delta_value is not None
    mesh = replace(rig.mesh, vertices=rig.mesh.vertices @ matrix.T)
    pivots = {name: tuple((matrix @ place).tolist()) for name, place in rig.pivots.items()}
    value = (rig.delta_value @ matrix.T).astype(np.float32)
    return replace(rig, mesh=mesh, delta_value=value, pivots=pivots)  # type: ignore[arg-type]
