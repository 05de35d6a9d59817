"""Heads on which curves are measured as lips: six landmarks of a blendshape head, moved by the controls."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from facegen.evaluation.metrics.lips import LipHead, lip_head
from facegen.rig import Control, Rig, load_rig

Head = LipHead
ICT_LANDMARKS = (62, 66, 60, 64, 36, 45)


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
    rig = Rig("ICT-FaceKit", tuple(Control(name) for name in deltas))
    return Head(rig, arrays["vertices"][places].astype(np.float64), np.stack(list(deltas.values())))


def aria_head() -> Head:
    """The head that ships, by the landmarks that its rig names."""
    return lip_head(load_rig("aria"))
