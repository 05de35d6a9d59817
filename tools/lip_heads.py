"""Heads on which curves are measured as lips: six landmarks of a blendshape head, moved by the controls."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facegen.animation import Animation

POINTS = (
    "lipUpperInner",
    "lipLowerInner",
    "mouthCornerRight",
    "mouthCornerLeft",
    "eyeOuterRight",
    "eyeOuterLeft",
)
"""Inner lips at the middle, mouth corners, outer eye corners."""
ICT_LANDMARKS = (62, 66, 60, 64, 36, 45)


@dataclass(frozen=True)
class Head:
    """``rest`` [6, 3] cm of POINTS and ``deltas`` [C, 6, 3] at 1 of ``controls``."""

    controls: tuple[str, ...]
    rest: np.ndarray
    deltas: np.ndarray

    def aperture_and_width(self, animation: Animation) -> tuple[np.ndarray, np.ndarray]:
        """Signed gap between the inner lips and distance of the mouth's corners, both over the distance of the
        outer eye corners, [T] and [T]."""
        values = animation.select(self.controls).values.astype(np.float64)
        points = self.rest + np.einsum("tc,cpx->tpx", values, self.deltas)
        upper, lower, right, left = (points[:, i] for i in range(4))
        eyes = np.linalg.norm(points[:, 4] - points[:, 5], axis=1)
        return (upper - lower)[:, 1] / eyes, np.linalg.norm(right - left, axis=1) / eyes


def ict_head(folder: Path) -> Head:
    """The ICT-FaceKit head; browInnerUp and cheekPuff feed its two sides."""
    arrays = np.load(folder / "ict_facekit.npz", allow_pickle=False)
    places = np.array(json.loads((folder / "layout.json").read_text())["landmarks68"])[list(ICT_LANDMARKS)]
    deltas: dict[str, np.ndarray] = {}
    for name, delta in zip(arrays["expression_names"], arrays["expression_deltas"], strict=True):
        plain = str(name).replace("_L", "Left").replace("_R", "Right")
        if plain.startswith(("browInnerUp", "cheekPuff")):
            plain = plain.removesuffix("Left").removesuffix("Right")
        deltas[plain] = deltas.get(plain, 0.0) + delta[places].astype(np.float64)
    return Head(tuple(deltas), arrays["vertices"][places].astype(np.float64), np.stack(list(deltas.values())))


def aria_head() -> Head:
    """The head that ships, by the landmarks that its rig names."""
    from facegen.rig import load_rig

    rig = load_rig("aria")
    missing = [name for name in POINTS if name not in rig.landmarks]
    if missing:
        raise SystemExit(
            f"the rig aria names no landmark {', '.join(missing)}; it has {', '.join(rig.landmarks)}"
        )
    places = [rig.landmarks[name] for name in POINTS]
    return Head(
        rig.control_names, rig.mesh.vertices[places].astype(np.float64), rig.dense_deltas()[:, places]
    )
