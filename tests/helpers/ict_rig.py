"""The ICT-FaceKit head of the data folder as a rig, with the landmarks that aria names."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from facegen.core.mesh import Mesh
from facegen.rig import Control, Rig, RigPart

# Places in the 68 landmarks of the iBUG scheme; its left is the picture's.
LANDMARKS = {
    "lipUpperInner": 62, "lipLowerInner": 66, "mouthCornerRight": 48, "mouthCornerLeft": 54, "eyeOuterRight": 36,
    "eyeInnerRight": 39, "eyeInnerLeft": 42, "eyeOuterLeft": 45, "noseTip": 30, "noseBase": 33, "chin": 8,
    "lipUpperOuter": 51, "lipLowerOuter": 57,
}  # fmt: skip


def ict_rig(data_folder: Path) -> Rig:
    folder = data_folder / "ict-facekit"
    if not folder.is_dir():
        pytest.skip("no ICT-FaceKit in the data folder")
    arrays, layout = np.load(folder / "ict_facekit.npz"), json.loads((folder / "layout.json").read_text())
    quads = arrays["faces"]
    triangles = np.vstack([quads[:, :3], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])
    offsets, index, value = [0], [], []
    for delta in arrays["expression_deltas"].astype(np.float32):
        index.append(np.flatnonzero(np.abs(delta).max(axis=1) > 1e-4))
        value.append(delta[index[-1]])
        offsets.append(offsets[-1] + len(index[-1]))
    return Rig(
        "ict",
        tuple(Control(str(name)) for name in arrays["expression_names"]),
        Mesh(arrays["vertices"], triangles),
        np.array(offsets),
        np.concatenate(index).astype(np.int32),
        np.concatenate(value),
        parts=tuple(
            RigPart(name, name, tuple(ranges["vertices"]), tuple(ranges["faces"]))
            for name, ranges in layout["geometries"].items()
        ),
        landmarks={name: layout["landmarks68"][place] for name, place in LANDMARKS.items()},
    )
