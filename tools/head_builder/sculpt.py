"""Corrections of measured mouth shapes on the refined skin: what linear shapes must have so that their sums look right."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sparse

from tools.head_builder.part import smoothstep

NARROW = {"mouthPucker": (0.40, 0.25), "mouthFunnel": (0.27, 0.10)}  # share of the width, cm of protrusion
REACH = np.array([4.2, 2.6, 5.0])  # cm from the middle of the mouth within which narrowing fades out
SHUT = {  # cm by which lips overlap in the middle and at the corners, so that no light passes between them
    "mouthSmileLeft": (0.02, 0.03),
    "mouthDimpleLeft": (0.02, 0.02),
    "mouthStretchLeft": (0.02, 0.03),
    "mouthFrownLeft": (0.02, 0.02),
    "mouthLeft": (0.02, 0.02),
    "cheekSquintLeft": (0.0, 0.0),
    "cheekPuff": (0.04, 0.04),
    "mouthPucker": (0.10, 0.26),
}
ROUND = {"mouthFunnel": 0.86}  # share of the way to the corner at which a round opening ends
ZIP = {"mouthUpperUpLeft": (0.65, 1.1), "mouthLowerDownLeft": (0.65, 1.1)}
"""From where to where, in shares of the way to the corner, opening lips come together."""
SMILING_CHEEK = 0.2  # share of cheekSquint in a smile: cheeks rise and lids narrow


def narrowed(name: str, vertices: np.ndarray, delta: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """`delta [n,3]` with the corners drawn in and the lips pushed out; `middle [3]` is that of the lips at rest."""
    if name not in NARROW:
        return delta
    share, forward = NARROW[name]
    away = np.linalg.norm((vertices - middle) / REACH, axis=1)
    near = smoothstep(1.0, 0.25, away)
    out = delta.copy()
    out[:, 0] -= share * near * (vertices + delta)[:, 0]
    out[:, 2] += forward * near**2
    return out


def closing(name: str, place: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray | None:
    """How far the upper lip moves towards the lower [m,3], half of what parts them, or None.

    `place [m]` is the share of the way from the middle to the corner, `upper` and `lower` [m,3] displaced points.
    """
    gap = lower - upper
    if name in SHUT:
        middle, corner = SHUT[name]
        overlap = middle + (corner - middle) * smoothstep(0.15, 0.6, place)
        overlap *= smoothstep(1.0, 0.85, place)
        return (gap - overlap[:, None] * (0, 1, 0)) / 2
    if name in ROUND:
        wanted = -gap[0, 1] * np.sqrt(np.clip(1 - (place / ROUND[name]) ** 2, 0, 1))
        shut = smoothstep(0.6 * ROUND[name], ROUND[name], place)
        return np.stack([gap[:, 0] * shut, gap[:, 1] + wanted, gap[:, 2] * shut], axis=1) / 2
    if name in ZIP:
        low, high = ZIP[name]
        return gap * smoothstep(low, high, place)[:, None] / 2
    return None


STICKY_OPENS = 0.3  # share of jawOpen over which a sticky corner keeps the lips together


def beyond_arkit(deltas: dict[str, np.ndarray], vertices: np.ndarray, corner: float) -> dict[str, np.ndarray]:
    """Controls of the skin that ARKit lacks, of the left side; `corner` is where the mouth ends (cm).

    Cheek raiser (action unit 6): the ring muscle's outer part draws cheek, lower lid and the brow's tail to the eye.
    """
    outer = smoothstep(3.2, 5.2, vertices[:, 0])[:, None]
    raised = 1.1 * deltas["cheekSquintLeft"] + 0.4 * deltas["eyeSquintLeft"]
    raised = raised + 0.35 * outer * deltas["browDownLeft"]
    side = smoothstep(0.40, 0.92, vertices[:, 0] / corner)[:, None]
    return {"cheekRaiseLeft": raised, "mouthStickyLeft": STICKY_OPENS * side * deltas["mouthClose"]}


def lids_combined(deltas: dict[str, np.ndarray], lid: np.ndarray) -> dict[str, np.ndarray]:
    """What closed lids must not do besides: they stay where eyeBlinkLeft puts them. `lid [n]` counts rings outwards."""
    margin = smoothstep(6.5, 3.5, lid)[:, None]
    whole = ("eyeWide", "eyeLookUp", "eyeLookDown")
    out = {f"eyeBlinkLeft*{name}Left": -deltas[f"{name}Left"] for name in whole}
    out["eyeBlinkLeft*eyeSquintLeft"] = -margin * deltas["eyeSquintLeft"]
    return out


PUCKERED_SMILE = 0.6  # share of a smile that puckered lips take from their corners; the cheeks keep it
CORNER_REACH = (2.0, 0.9)  # cm from a closed mouth's corner where its smoothing begins and is whole
CORNER_ROUNDS = 60


def mouth_combined(
    deltas: dict[str, np.ndarray],
    vertices: np.ndarray,
    middle: np.ndarray,
    corner: np.ndarray,
    mean: sparse.csr_matrix,
) -> dict[str, np.ndarray]:
    """What corrects a smile of puckered lips and lips closed over an open jaw, of the left side.

    `middle [3]` is that of the lips, `corner [3]` where they end; `mean [n,n]` gives the mean of each point's
    neighbours, and nothing inside the mouth.
    """
    lips = smoothstep(1.1, 0.35, np.linalg.norm((vertices - middle) / REACH, axis=1))[:, None]
    away = np.linalg.norm(np.abs(vertices) * (1, 0, 0) + vertices * (0, 1, 1) - corner, axis=1)
    outside = np.asarray(mean.sum(axis=1)) > 0
    near = smoothstep(*CORNER_REACH, away)[:, None] * outside
    total = deltas["jawOpen"] + deltas["mouthClose"]
    smooth = total
    for _ in range(CORNER_ROUNDS):
        smooth = smooth + near * (mean @ smooth - smooth)
    return {
        "mouthPucker*mouthSmileLeft": -PUCKERED_SMILE * lips * deltas["mouthSmileLeft"],
        "jawOpen*mouthClose": smooth - total,
    }
