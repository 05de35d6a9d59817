"""Head rotation as angles and quaternions, eye angles, and the 52 controls as face-capture apps order and name them."""

from __future__ import annotations

import numpy as np

from facegen.core.units import METRES_PER_CM
from facegen.rig.load import ARKIT

EYE_YAW = 0.6
EYE_PITCH_DOWN = 0.6
EYE_PITCH_UP = 0.4
"""Eye angles of Live Link Face, radians at a look control of 1: yaw grows towards the character's right in both eyes,
pitch downwards. Least squares over four recordings (7,800 rows, correlation 0.99); roll stays below 0.08."""

_LEFT_FIRST = {"jawRight": "jawLeft", "mouthRight": "mouthLeft"}
ARKIT_LEFT_FIRST = tuple({**_LEFT_FIRST, **{v: k for k, v in _LEFT_FIRST.items()}}.get(n, n) for n in ARKIT)
"""The 52 in the order of ARKit's own list, which has left before right in jaw and mouth too."""
HELLO = "iFacialMocap_sahuasouryya9218sauhuiayeta91555dy3719"
"""The message with which a receiver asks the app iFacialMocap to start sending."""
_KEEP_SIDE = ("jawLeft", "jawRight", "mouthLeft", "mouthRight")


def pascal(name: str) -> str:
    """``jawOpen`` as ``JawOpen``."""
    return name[:1].upper() + name[1:]


def ifacialmocap_name(control: str) -> str:
    """``mouthSmileLeft`` as ``mouthSmile_L``; jawLeft and its like keep their names."""
    if control in _KEEP_SIDE:
        return control
    for side in ("Left", "Right"):
        if control.endswith(side):
            return f"{control[: -len(side)]}_{side[0]}"
    return control


IFACIALMOCAP_NAMES = tuple(map(ifacialmocap_name, ARKIT))


def ifacialmocap_texts(values: np.ndarray, head: np.ndarray | None, separator: str = "-") -> list[str]:
    """Frames as the app iFacialMocap sends them.

    Parameters
    ----------
    values : (T, 52) array
        ARKit controls in 0..1; sent as whole per cents.
    head : (T, 6) array or None
        Head pose in radians and cm; sent in degrees and metres.
    separator : str
        Between a control's name and its value.

    Returns
    -------
    list of T str
    """
    percent = np.rint(100 * np.clip(values, 0, 1))
    pose = np.zeros((len(values), 6)) if head is None else np.asarray(head, np.float64)
    turn = np.concatenate([np.degrees(pose[:, [1, 0, 2]]), METRES_PER_CM * pose[:, 3:]], axis=1)
    eyes = np.degrees(eye_angles(np.asarray(values)))[:, [4, 3, 5, 1, 0, 2]]
    shapes = "|".join(f"{name}{separator}%d" for name in IFACIALMOCAP_NAMES)
    bones = (("=head", 6), ("rightEye", 3), ("leftEye", 3))
    template = "|".join([shapes, *(f"{bone}#" + ",".join(["%.4f"] * count) for bone, count in bones)]) + "|"
    rows = np.concatenate([percent, turn, eyes], axis=1) + 0.0
    return [template % tuple(row) for row in rows.tolist()]


def eye_angles(controls: np.ndarray) -> np.ndarray:
    """Angles of both eyes from the ARKit look controls.

    Parameters
    ----------
    controls : (T, 52) array
        In the order of ``facegen.rig.ARKIT``.

    Returns
    -------
    (T, 6) float64 array
        Yaw, pitch and roll of the left and then of the right eye, radians; see ``EYE_YAW`` for their signs.
    """
    angles = np.zeros((len(controls), 6))
    for first, side, inward in ((0, "Left", 1.0), (3, "Right", -1.0)):
        look = {d: controls[:, ARKIT.index(f"eyeLook{d}{side}")] for d in ("In", "Out", "Up", "Down")}
        angles[:, first] = inward * EYE_YAW * (look["In"] - look["Out"])
        angles[:, first + 1] = EYE_PITCH_DOWN * look["Down"] - EYE_PITCH_UP * look["Up"]
    return angles


def quaternions(head: np.ndarray) -> np.ndarray:
    """Unit quaternions of head poses, as ``facegen.rig.head_matrices`` turns them.

    Parameters
    ----------
    head : (T, 6) array
        Yaw about +Y, pitch about +X, roll about +Z in radians (intrinsic), then the shift, which plays no part here.

    Returns
    -------
    (T, 4) float32 array
        x, y, z, w.
    """
    half = head[:, :3].astype(np.float64) / 2
    (cy, cp, cr), (sy, sp, sr) = np.cos(half).T, np.sin(half).T
    x = cy * sp * cr + sy * cp * sr
    y = sy * cp * cr - cy * sp * sr
    z = cy * cp * sr - sy * sp * cr
    w = cy * cp * cr + sy * sp * sr
    rows = np.stack([x, y, z, w], axis=1)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def head_angles(rotations: np.ndarray) -> np.ndarray:
    """Yaw, pitch and roll of rotation matrices, the reverse of ``facegen.rig.head_matrices``.

    Parameters
    ----------
    rotations : (T, 3, 3) array

    Returns
    -------
    (T, 3) float64 array
        Radians, yaw and roll within -pi..pi and pitch within -pi/2..pi/2.
    """
    yaw = np.arctan2(rotations[:, 0, 2], rotations[:, 2, 2])
    pitch = np.arcsin(np.clip(-rotations[:, 1, 2], -1, 1))
    roll = np.arctan2(rotations[:, 1, 0], rotations[:, 1, 1])
    return np.stack([yaw, pitch, roll], axis=1)
