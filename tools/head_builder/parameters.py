"""The fitted parameters: a small file of cage topology, control points and control displacements."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

PATH = Path(__file__).with_name("parameters.safetensors")
DELTA_STEP = 1 / 2000  # cm a count
IDENTITY = (0.7, -0.2, -0.5, 0.2, -0.8, 0.5, -0.2, 0.3)  # weights of the measured identity shapes: a new face
FITTED = (
    "eyeBlink_L eyeLookDown_L eyeLookIn_L eyeLookOut_L eyeLookUp_L eyeSquint_L eyeWide_L jawForward jawLeft jawOpen "
    "mouthClose mouthFunnel mouthPucker mouthLeft mouthSmile_L mouthFrown_L mouthDimple_L mouthStretch_L "
    "mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper mouthPress_L mouthLowerDown_L mouthUpperUp_L "
    "browDown_L browInnerUp browOuterUp_L cheekPuff cheekSquint_L noseSneer_L"
).split()
FLIP = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class Parameters:
    """Cage topology (`faces`, `part`, `mirror`, rings), control points `neutral [N,3]` and `deltas` by name."""

    faces: np.ndarray
    part: np.ndarray
    mirror: np.ndarray
    mouth: np.ndarray
    eye: np.ndarray
    bag: np.ndarray
    socket: np.ndarray
    throat: int
    socket_pole: int
    half: int
    neutral: np.ndarray
    lip: np.ndarray
    eye_sphere: np.ndarray
    landmarks: np.ndarray
    teeth: np.ndarray
    aperture: dict[str, float]
    deltas: dict[str, np.ndarray]

    @classmethod
    def load(cls, path: Path = PATH) -> Parameters:
        raw = load_file(path)
        values = {k: raw[k].astype(int) for k in ("faces", "part", "mirror", "mouth", "eye", "bag", "socket")}
        values |= {k: raw[k].astype(float) for k in ("neutral", "lip", "eye_sphere", "landmarks", "teeth")}
        throat, pole, half = raw["single"].astype(int).tolist()
        deltas = {n: d.astype(float) * DELTA_STEP for n, d in zip(FITTED, raw["deltas"], strict=True)}
        aperture = dict(zip(FITTED, raw["aperture"].astype(float).tolist(), strict=True))
        return cls(**values, aperture=aperture, throat=throat, socket_pole=pole, half=half, deltas=deltas)


def save(arrays: dict[str, np.ndarray], path: Path = PATH) -> None:
    save_file({k: np.ascontiguousarray(v) for k, v in arrays.items()}, path)
